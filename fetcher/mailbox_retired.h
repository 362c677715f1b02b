/* mailbox_retired: what becomes of a mailbox's old number once UIDVALIDITY has changed (FAULTS F1). */
#ifndef MW_FETCHER_MAILBOX_RETIRED_H
#define MW_FETCHER_MAILBOX_RETIRED_H

#include "fetcher/account.h"

/* The retired numbers of mailboxes that are complete again give up their places. */
void mailbox_retired_sweep(struct account *a);

#endif
