/* drive: from the ledger to the bus: the first push, looking what was committed, driving again, attempts that failed. */
#ifndef MW_FETCHER_DRIVE_H
#define MW_FETCHER_DRIVE_H

#include "fetcher/account.h"

/* Gives the message to the parser. body: its bytes if it has no region in the spool. */
void drive_push(struct account *a, struct flight *f, struct span body);
/* Asks Redis what is still in the ledger, soon; asked often it asks once. */
void drive_look(struct account *a);
/* All messages under way: those that were lost are driven again, and each account that has some looks at its ledger. */
void drive_tick(struct fetcher *fetcher, int64_t now_ms);
/* A stage reported that it failed with this message. */
void drive_failed(struct account *a, const struct id *id, struct span reason, struct span detail);

#endif
