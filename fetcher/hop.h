/* hop: the one file of the fetcher that touches the bus: raw messages out; commit notices, failures and rings in. */
#ifndef MW_FETCHER_HOP_H
#define MW_FETCHER_HOP_H

#include "fetcher/account.h"

/* body n 0: the bytes are in the flight's region of the spool. alone: in a batch of its own. mode as in the wire. */
void hop_give(struct account *a, const struct flight *f, struct span body, uint64_t mode,
	      bool alone);
/* The account's journal has a new entry: some linker is to apply it. A hint; their sweep finds what is missed. */
void hop_ring_journal(const struct account *a);
/* How many messages wait in this process for a taker. */
size_t hop_queued(const struct fetcher *f, unsigned lane);
/* Handlers for the stage library (ctx: struct fetcher). */
void hop_bell(void *ctx, struct span from, struct bus_item item);
void hop_peer(void *ctx, const char *stage, const char *instance, bool here);
/* Do parser, threader and linker all have an instance? */
bool hop_complete(const struct fetcher *f);
/* Is this instance the first choice for the account, among the fetchers that live? (rendezvous hashing) */
bool hop_is_mine(struct account *a);

#endif
