#include "fetcher/mailbox_ids.h"

#include "common/base/log.h"
#include "fetcher/account.h"
#include "fetcher/mailbox_list.h"

static void tell(const struct account *a, const struct mailbox *m)
{
	log_event(LOG_LEVEL_INFO, "mailbox_renamed", "account", "s", a->tag, "mailbox", "u",
		  (uint64_t)m->number, NULL);
}

/* What a list says of a mailbox goes with its name. */
static void swap_names(struct mailbox *a, struct mailbox *b)
{
	const struct mailbox before = *a;

	a->path = b->path;
	a->path_bytes = b->path_bytes;
	a->delimiter = b->delimiter;
	memcpy(a->role, b->role, sizeof(a->role));
	a->listed_id = b->listed_id;
	a->listed = b->listed;
	a->chosen = b->chosen;
	b->path = before.path;
	b->path_bytes = before.path_bytes;
	b->delimiter = before.delimiter;
	memcpy(b->role, before.role, sizeof(b->role));
	b->listed_id = before.listed_id;
	b->listed = before.listed;
	b->chosen = before.chosen;
	a->dirty = b->dirty = true;
}

static struct mailbox *by_id(const struct account *a, const struct mailbox_id *id,
			     const struct mailbox *but)
{
	struct mailbox *m = a->mailboxes;

	while (m && (m == but || m->dropped || m->cursor.retired || !mailbox_id_same(&m->id, id)))
		m = m->next;
	return m;
}

void mailbox_ids_settle(struct account *a)
{
	for (struct mailbox *m = a->mailboxes; m && !a->live.ids_wrong; m = m->next) {
		struct mailbox *was;

		if (m->dropped || m->cursor.retired || !m->listed || !m->listed_id.n ||
		    mailbox_id_same(&m->id, &m->listed_id))
			continue;
		was = by_id(a, &m->listed_id, m);
		if (was && !(was->listed && mailbox_id_same(&was->id, &was->listed_id))) {
			swap_names(m, was);
			enter_cursor(a, was);
			tell(a, was);
		}
	}
	for (struct mailbox *m = a->mailboxes; m && !a->live.ids_wrong; m = m->next)
		m->dirty = m->dirty || mailbox_id_other(&m->id, &m->listed_id);
}

void mailbox_ids_selected(struct account *a, struct mailbox *m, const struct mailbox_id *id)
{
	if (mailbox_id_other(&m->listed_id, id))
		a->live.ids_wrong = true;
	if (!m->known || m->id.n || !id->n)
		return;
	m->id = *id;
	enter_cursor(a, m);
}

bool mailbox_renamed(struct account *a, struct span old_path, struct span path, int delimiter)
{
	struct mailbox *m = mailbox_find(a, old_path);

	if (!m || mailbox_find(a, path) || !mailbox_path_set(m, path, delimiter))
		return false;
	enter_cursor(a, m);
	tell(a, m);
	return true;
}
