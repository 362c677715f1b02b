/* account_open: the account that a path names, for whoever may manage it. */
#ifndef MW_GATEWAY_ACCOUNT_OPEN_H
#define MW_GATEWAY_ACCOUNT_OPEN_H

#include "gateway/account.h"

/* r->ids[0]. False: a problem is answered; for those it does not belong to it is not there (SHR-01). removed: accounts
 * that were taken away with their mail kept count too. */
bool account_open(struct http_request *r, bool removed, struct account_entry *entry_out);

#endif
