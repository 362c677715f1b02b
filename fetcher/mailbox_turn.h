/* mailbox_turn: where a server bears one connection of an account alone, the live one and the bulk one take turns (FAULTS F6). */
#ifndef MW_FETCHER_MAILBOX_TURN_H
#define MW_FETCHER_MAILBOX_TURN_H

#include "fetcher/account.h"

/* The bulk connection got no leave, from us or from the server. */
void mailbox_turn_refused(struct account *a);
/* If it has got none for a minute, the live one is all there is, at rest, and there is older mail to fetch, that makes way for
 * 20 seconds: true. */
bool mailbox_turn_take(struct account *a);
/* While the live one has made way: it is made anew when time is up or nothing is left to do, and all that came is entered. */
void mailbox_turn_tick(struct account *a, int64_t now_ms);

#endif
