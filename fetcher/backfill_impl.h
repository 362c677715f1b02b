/* backfill_impl: what backfill.c (reading, marking, progress) and backfill_follow.c (mailboxes numbered anew) share. */
#ifndef MW_FETCHER_BACKFILL_IMPL_H
#define MW_FETCHER_BACKFILL_IMPL_H

#include "fetcher/backfill.h"

struct backfill {
	char id[48];
	uint64_t read; /* number of its reading */
	bool reading, running, held, expanded, counted, news; /* held: paused */
	int64_t since_ms, until_ms;
	bool known_people;
	uint32_t *only; /* numbers of mailboxes; NULL: all that are chosen */
	size_t only_count;
	struct backfill_task *tasks;
	size_t count;
	int64_t marked_ms, rated_ms; /* mono */
	uint64_t rated; /* done at rated_ms */
	double rate;
};

/* Writes down how far it is, behind what was entered. task NULL: all of them. completed: and that it is. */
void backfill_mark(struct account *a, const struct backfill_task *task, bool completed);

/* backfill_follow.c */
/* The task's mailbox; NULL: it is no more, or numbered anew. */
struct mailbox *backfill_mailbox(struct account *a, const struct backfill_task *task);
/* The mailbox was numbered anew: the task goes on in the new number, from the top; what is stored there is not fetched
 * again. False: not yet, or (gone_out) never. */
bool backfill_follow(struct account *a, struct backfill_task *task, bool *gone_out);

#endif
