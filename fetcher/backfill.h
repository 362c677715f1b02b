/*
 * backfill: older mail on request (SYN-03): a window of time, of some or all folders, of everybody or of people the CRM
 * knows. What was asked and how far it is lies in the hash KEY_A_BACKFILL, so that any fetcher goes on with it:
 *
 *   begin ─▶ running ◀─▶ paused          at work: a task a mailbox; first all are counted, then each is fetched, newest
 *              │ └─────────┴──▶ cancelled      first, in windows of UIDs. What is stored already is not fetched again, so
 *              └──▶ completed                  a window that was interrupted is simply begun again.
 *
 * It works on the bulk connection (mailbox_sync), after the account's first sync, and while no other has need of it.
 */
#ifndef MW_FETCHER_BACKFILL_H
#define MW_FETCHER_BACKFILL_H

#include "fetcher/account.h"

enum backfill_phase { BACKFILL_COUNTING = 0, BACKFILL_FETCHING, BACKFILL_FINISHED };

struct backfill_count {
	uint64_t done; /* with those below */
	uint64_t unknown; /* of people the CRM does not know */
	uint64_t refused; /* by the server */
};

/* One mailbox of it: all UIDs below `high`. */
struct backfill_task {
	uint32_t number, validity, high;
	uint32_t back; /* from here up to high it is done */
	enum backfill_phase phase;
	uint64_t total; /* messages of the window of time */
	struct backfill_count before, inside; /* from `back` on; of the window of UIDs at work */
	int64_t since_ms, until_ms; /* 0: open */
	bool known_people;
};

/* Drops what is in memory; it is read again from Redis. */
void backfill_forget(struct account *a);
void backfill_tick(struct account *a, int64_t now_ms);
int64_t backfill_due_ms(const struct account *a);
/* The next thing to do and its mailbox; NULL if there is none. Ends tasks whose mailbox is no more; those whose mailbox was
 * numbered anew go on there. */
struct backfill_task *backfill_next(struct account *a, struct mailbox **mailbox_out);
/* A window of UIDs down to low was searched: so many were found. True: the task goes on below. */
bool backfill_counted(struct account *a, struct backfill_task *task, uint32_t low, uint64_t found);
/* Of the window at work so many more are had, whether fetched or not. */
void backfill_had(struct account *a, struct backfill_task *task, struct backfill_count more);
/* The window down to low is done. True: the task goes on below. */
bool backfill_window_done(struct account *a, struct backfill_task *task, uint32_t low);
/* A mailbox was numbered anew (UIDVALIDITY changed): may a backfill still bring what has a place in the retired number
 * alone? Until it has, the retired number is not to be swept. */
bool backfill_holds(const struct account *a, const struct mailbox *retired);

/* backfill_filter.c: those of the UIDs of a mailbox that are not stored; ends in mailbox_sync_filtered with this epoch. */
void backfill_missing(struct account *a, const struct mailbox *mailbox, const uint32_t *uids,
		      size_t count, bool retry_refused, uint64_t epoch);

/* backfill_refused.c: sets a message aside that the server has and does not give: without bytes its place is its name. */
void backfill_refused(struct account *a, struct mailbox *mailbox, uint32_t uid,
		      struct span words_of_server);
/* Does a refusal tell of the server's state, not of the messages? (RFC 5530) */
bool backfill_is_passing(const struct imap_resp *tagged);

/* backfill_people.c: those of the UIDs found with an address that the CRM knows; ends in mailbox_sync_known. */
void backfill_people(struct account *a);
void backfill_people_take(struct account *a, const struct imap_resp *fetch);
void backfill_people_stop(struct account *a);

#endif
