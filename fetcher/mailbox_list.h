/* mailbox_list: which mailboxes there are, which of them are wanted, and which changed since (LIST, STATUS). */
#ifndef MW_FETCHER_MAILBOX_LIST_H
#define MW_FETCHER_MAILBOX_LIST_H

#include "fetcher/account.h"

/* Both end in live_next. */
void mailbox_list_begin(struct account *a);
void mailbox_poll_begin(struct account *a);
/* A LIST or STATUS response. */
void mailbox_list_take(struct account *a, const struct imap_resp *resp);
struct mailbox *mailbox_find(struct account *a, struct span path);
/* A new mailbox of the account, numbered. NULL if the path is too long or there are too many. */
struct mailbox *mailbox_add(struct account *a, struct span path, int delimiter);

/* A mailbox is visited for the first time: its cursor (at the mailbox's end) gets what of the mail that lies there is wanted.
 * before: what the cursor was until now. Chosen later: nothing (SYN-02); new on the server: all; at first: the window. */
void mailbox_begin(struct account *a, struct mailbox *mailbox, const struct mailbox_cursor *before);
/* From the top once more, from where its window begins: flags, what went, what is missing. */
void mailbox_resync(struct account *a, struct mailbox *mailbox);

#endif
