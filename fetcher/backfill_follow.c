/* A backfill whose mailboxes are numbered anew meanwhile: UIDVALIDITY changed (FAULTS F1). */
#include "common/base/log.h"
#include "fetcher/backfill_impl.h"

/* While a list comes, what it has not named yet is there all the same. */
static bool is_there(const struct account *a, const struct mailbox *m)
{
	return !m->dropped && !m->cursor.retired && m->chosen && (m->listed || a->live.listing);
}

struct mailbox *backfill_mailbox(struct account *a, const struct backfill_task *t)
{
	struct mailbox *m = a->mailboxes;

	while (m && m->number != t->number)
		m = m->next;
	return m && is_there(a, m) && m->cursor.validity == t->validity ? m : NULL;
}

static const struct mailbox *numbered(const struct account *a, uint32_t number)
{
	const struct mailbox *m = a->mailboxes;

	while (m && m->number != number)
		m = m->next;
	return m;
}

static bool is_same_path(const struct mailbox *a, const struct mailbox *b)
{
	return a && b && span_eq(mailbox_path(a), mailbox_path(b));
}

/* The number that the mailbox of a retired one has now; NULL: it is gone. */
static const struct mailbox *successor(const struct account *a, const struct backfill_task *t)
{
	const struct mailbox *old = numbered(a, t->number), *m = a->mailboxes;

	while (m && (!is_there(a, m) || !is_same_path(m, old)))
		m = m->next;
	return m;
}

bool backfill_follow(struct account *a, struct backfill_task *t, bool *gone_out)
{
	const struct mailbox *m = successor(a, t);
	const struct backfill_task old = {.number = t->number,
					  .phase = BACKFILL_FINISHED,
					  .validity = t->validity,
					  .high = t->high,
					  .back = 1};

	*gone_out = !m;
	if (!m || !m->known || m->cursor.validity == t->validity)
		return false;
	log_event(LOG_LEVEL_INFO, "backfill_follows", "account", "s", a->tag, "from", "u",
		  (uint64_t)t->number, "to", "u", (uint64_t)m->number, NULL);
	if (m->number != t->number)
		backfill_mark(a, &old, false);
	t->number = m->number;
	t->validity = m->cursor.validity;
	t->high = t->back = m->cursor.next;
	t->before = t->inside = (struct backfill_count){0, 0, 0};
	if (a->backfill->counted) {
		t->phase = BACKFILL_FETCHING;
	} else {
		t->phase = BACKFILL_COUNTING;
		t->total = 0;
	}
	backfill_mark(a, t, false);
	return t->high > 1;
}

bool backfill_holds(const struct account *a, const struct mailbox *retired)
{
	const struct backfill *b = a->backfill;

	if (!b || b->reading || b->held || (b->running && !b->expanded))
		return true;
	for (size_t i = 0; b->running && i < b->count; i++)
		if (b->tasks[i].phase != BACKFILL_FINISHED &&
		    is_same_path(numbered(a, b->tasks[i].number), retired))
			return true;
	return false;
}
