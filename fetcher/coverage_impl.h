/* coverage_impl: what coverage.c (when, and the connection), coverage_check.c (one mailbox's proof), coverage_job.c (the
 * store) and coverage_find.c (one search) share. */
#ifndef MW_FETCHER_COVERAGE_IMPL_H
#define MW_FETCHER_COVERAGE_IMPL_H

#include "fetcher/coverage.h"

#define COVERAGE_SLICE 512u /* UIDs compared by one call */
#define COVERAGE_NAMED 64u /* missing messages named in a result */
#define COVERAGE_HITS 64u /* places of one search */
#define COVERAGE_COMMAND_BYTES 48

enum coverage_state {
	COVERAGE_VERIFIED = 0,
	COVERAGE_NOT_SYNCED, /* the folder is not among those chosen */
	COVERAGE_SYNCING, /* its first sync is not done */
	COVERAGE_REFUSED, /* the server does not open it, or the connection broke over it again and again */
};

/* A mailbox, by its number. */
struct coverage_box {
	int64_t due_ms; /* mono */
	uint32_t validity, first; /* from `first` on all UIDs are to be here, whatever their date */
	uint64_t missing;
	unsigned failures;
	bool asked;
	char command[COVERAGE_COMMAND_BYTES]; /* the last that asked */
};

/* What a call found of a slice, and what a round has found so far. */
struct coverage_tally {
	uint64_t remote, stored, outside, screened, set_aside, too_large, deleted_here, pending;
	uint64_t extras, places, missing;
	uint64_t own_count; /* of the mailbox, when the round began */
	uint32_t named[COVERAGE_NAMED];
	size_t named_count;
	bool counted; /* own_count is known */
};

struct coverage_check {
	struct mailbox *mailbox; /* NULL: none at work */
	char command[COVERAGE_COMMAND_BYTES];
	int64_t began_ms; /* wall */
	int64_t newest_until_ms; /* mono: so long it waits for what live mail has not seen yet */
	int64_t again_ms, again_until_ms; /* mono, 0: not waiting */
	uint64_t expected; /* messages of this round still to be seen */
	uint32_t first, next, high, low; /* of the window being compared; `next` is the cursor's */
	uint64_t slice_low, slice_high;
	uint32_t *present, *due;
	size_t present_count, due_count, present_at, present_end, due_at,
		due_end; /* of the slice */
	struct coverage_tally tally;
	uint64_t fetched, removed;
	unsigned round;
	bool partial; /* stretches without a message were not looked at */
};

struct coverage_hit {
	uint32_t mailbox, uid;
	unsigned bits; /* 1 synced, 2 in its window, 4 its first sync has not come so far */
};

struct coverage_search {
	struct coverage_search *next;
	char request[COVERAGE_COMMAND_BYTES];
	char criteria[2 * COVERAGE_TERM_MAX + 128];
	uint32_t after; /* mailboxes up to this number have been searched */
	struct mailbox *mailbox;
	struct coverage_hit hits[COVERAGE_HITS];
	size_t hit_count, mailbox_hits; /* where those of this mailbox begin */
	bool incomplete;
};

struct coverage {
	struct link *link;
	struct coverage_box *boxes; /* by number */
	size_t box_count;
	bool loading, loaded;
	bool asked; /* the connection is there for somebody who waits */
	int64_t retry_ms, looked_ms; /* mono */
	int64_t due_ms; /* mono: when there may be something to do */
	int64_t missing; /* of all mailboxes, as the gauge has it */
	bool counted; /* among the process's proofs */
	unsigned failures; /* connections in a row that did not come about */
	struct coverage_check check;
	struct coverage_search *searches; /* the first is at work */
};

/* coverage.c */
struct coverage *coverage_open(struct account *a); /* what there is, or a new one */
struct coverage_box *coverage_box(struct coverage *c, uint32_t number);
/* On the connection nothing is outstanding: what comes next. */
void coverage_next(struct account *a);
/* The connection is of no more use; what was at work is tried again later. */
void coverage_give_up(struct account *a, const struct err *e);
/* In how long a mailbox that was verified is to be so again. */
int64_t coverage_again_ms(const struct account *a);

/* coverage_check.c */
void coverage_check_begin(struct account *a, struct mailbox *mailbox);
void coverage_check_tick(struct account *a, int64_t now_ms);
/* Frees what it holds; nothing is written. */
void coverage_check_end(struct coverage_check *check);
void coverage_check_compared(struct account *a, const struct coverage_tally *slice,
			     const uint32_t *missing, size_t missing_count);

/* coverage_job.c: a job's answer counts only while the coverage it was made for is there. */
void coverage_load(struct account *a);
void coverage_compare(struct account *a);
void coverage_put(struct account *a, const struct mailbox *mailbox, enum coverage_state state,
		  const struct coverage_check *check);
void coverage_found_put(struct account *a, const struct coverage_search *search);
/* Brings the gauge to what this account lacks. */
void coverage_measure(struct account *a);

/* coverage_find.c */
void coverage_search_next(struct account *a);
void coverage_search_end(struct coverage *c);

#endif
