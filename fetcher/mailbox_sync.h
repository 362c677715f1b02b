/*
 * mailbox_sync: the first sync (SYN-03) over a connection of its own, newest first: mailbox by mailbox, windows of 10,000
 * UIDs downwards, a few FETCH commands always outstanding. The cursor's `back` follows batch by batch, so it goes on
 * where it was.
 */
#ifndef MW_FETCHER_MAILBOX_SYNC_H
#define MW_FETCHER_MAILBOX_SYNC_H

#include "fetcher/account.h"

/* There may be mailboxes to sync: connects if so. */
void mailbox_sync_wake(struct account *a);
void mailbox_sync_stop(struct account *a);
void mailbox_sync_tick(struct account *a, int64_t now_ms);

#endif
