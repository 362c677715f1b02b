/*
 * sweep: goes over this process's share of all accounts now and then, for work whose bell may have been lost.
 *
 * The share: of the living processes of the stage the one with the highest hash of (name, account) has it (rendezvous
 * hashing). Lists may differ for a moment, so two may visit an account at once: what is done there must bear that.
 */
#ifndef MW_STAGE_SWEEP_H
#define MW_STAGE_SWEEP_H

#include "common/stage/stage.h"

struct sweep;

struct sweep_account {
	struct span company, account; /* live until the next sweep_next or sweep_free */
};

/* The first sweep begins at once, the next ones period_ms after the one before began. */
struct sweep *sweep_new(struct stage *stage, int64_t period_ms);
void sweep_free(struct sweep **sweep);
/* Up to max accounts that are due; 0 if none are (or Redis did not answer: tried again a second later). Reads the list of
 * accounts (one call) when a sweep begins. */
size_t sweep_next(struct sweep *sweep, int64_t now_mono_ms, struct sweep_account *accounts_out,
		  size_t max);
/* Splits `<company>/<account>`. */
bool sweep_split(struct span name, struct sweep_account *account_out);
/* The rendezvous hash: pure. */
uint64_t sweep_weight(struct span instance, struct span account);

#endif
