/*
 * octets: how much of an account was read within 24 hours (FAULTS F7: Gmail closes a mailbox for a day after 2,500 MB).
 * Counted in the account's slot by the hour, so it outlives processes. Near the limit what can wait stops (first syncs,
 * backfills, proofs), at the limit all: live mail last.
 */
#ifndef MW_FETCHER_OCTETS_H
#define MW_FETCHER_OCTETS_H

#include "common/store/store.h"

struct account;

/* What is known of it in this process. */
struct octets {
	uint64_t total; /* of 24 hours, as counted */
	uint64_t unsaved; /* read, not counted yet */
	int64_t some_until_ms,
		all_until_ms; /* wall clock; what is to wait until then; 0: nothing */
	int64_t saved_ms; /* mono */
	bool saving;
};

struct octets_request {
	struct span tag, generation;
	uint64_t read;
	uint64_t some_max, all_max; /* 0: no limit */
};

struct octets_request octets_request_make(const struct account *a, struct arena *arena);
/* Blocks on the store: counts, and says where the account stands. ERR_GONE: another generation. */
MUST_USE enum err_code octets_ask(struct store *store, const struct octets_request *request,
				  struct arena *arena, struct octets *octets_out, struct err *e);
/* What octets_ask found, for the account. */
void octets_take(struct account *a, const struct octets *found);
/* So many were read over one of its connections. */
void octets_read(struct account *a, uint64_t count);
/* Counts what was read from time to time, stops what is over its limit and lets it go on. */
void octets_tick(struct account *a, int64_t now_ms);
int64_t octets_due_ms(const struct account *a);
/* Counts the rest: the account is let go. */
void octets_save(struct account *a);

#endif
