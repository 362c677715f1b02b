/*
 * mailbox_sync: the first sync (SYN-03) over a connection of its own, newest first: mailbox by mailbox, windows of 10,000
 * UIDs downwards, a few FETCH commands always outstanding. The cursor's `back` follows batch by batch, so it goes on
 * where it was. Backfills (backfill.h) use the same connection while no first sync needs it.
 *
 * A FETCH that is refused is halved until the message is found that the server does not give: it is set aside with the
 * reason `refused`, and the rest goes on. Refusals that tell of the server's state end the connection instead.
 */
#ifndef MW_FETCHER_MAILBOX_SYNC_H
#define MW_FETCHER_MAILBOX_SYNC_H

#include "fetcher/account.h"

/* There may be mailboxes to sync: connects if so. */
void mailbox_sync_wake(struct account *a);
void mailbox_sync_stop(struct account *a);
/* Nothing is being fetched, and what was is entered and committed. */
/* Is there older mail to fetch? */
bool mailbox_sync_wanted(struct account *a);
bool mailbox_sync_at_rest(const struct account *a);
/* Answers of backfill_missing and backfill_people: what is left of the window to fetch. uids of known is taken over. */
void mailbox_sync_filtered(struct account *a, uint64_t epoch, const uint32_t *uids, size_t count);
void mailbox_sync_known(struct account *a, uint32_t *uids, size_t count);
void mailbox_sync_tick(struct account *a, int64_t now_ms);
int64_t mailbox_sync_due_ms(const struct account *a);

#endif
