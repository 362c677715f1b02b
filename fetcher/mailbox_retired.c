#include "fetcher/mailbox_retired.h"

#include "fetcher/backfill.h"

static bool is_complete(const struct account *a, struct span path)
{
	for (const struct mailbox *m = a->mailboxes; m; m = m->next)
		if (!m->dropped && !m->cursor.retired && span_eq(mailbox_path(m), path))
			return m->known && m->cursor.done;
	return false;
}

void mailbox_retired_sweep(struct account *a)
{
	for (struct mailbox *m = a->mailboxes; m; m = m->next) {
		if (m->dropped || !m->cursor.retired || !is_complete(a, mailbox_path(m)) ||
		    backfill_holds(a, m))
			continue;
		if (m->cursor.next > 1)
			enter_gone(a, m, 1, m->cursor.next - 1, SPAN_LIT(""));
		enter_drop(a, m);
		m->dropped = true;
	}
}
