/*
 * mailbox_changes: one visit to a mailbox that changed: new messages, flags, UIDs that went; by QRESYNC where the server
 * has it, else by CONDSTORE and comparing UIDs, else by looking at the flags of the newest.
 */
#ifndef MW_FETCHER_MAILBOX_CHANGES_H
#define MW_FETCHER_MAILBOX_CHANGES_H

#include "fetcher/account.h"

/* Both end in live_next. */
void mailbox_visit(struct account *a, struct mailbox *mailbox);
/* In the mailbox selected: what came since. */
void mailbox_fetch_new(struct account *a);

#endif
