/*
 * live: the connection for all that is new (SYN-04): it lists the mailboxes, visits those that changed, and waits in
 * IDLE on the inbox. It never fetches what is old, so new mail never waits behind a first sync.
 *
 * live_next is the one place that decides what the connection does next: it is called whenever nothing is outstanding.
 */
#ifndef MW_FETCHER_LIVE_H
#define MW_FETCHER_LIVE_H

#include "fetcher/account.h"

void live_start(struct account *a);
void live_stop(struct account *a);
void live_next(struct account *a);
/* There is something to do: leaves IDLE. */
void live_wake(struct account *a);
void live_tick(struct account *a, int64_t now_ms);
int64_t live_due_ms(const struct account *a);

#endif
