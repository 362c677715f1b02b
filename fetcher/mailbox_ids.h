/* mailbox_ids: mailboxes under the names that they have now, by what the server calls them itself (RFC 8474, FAULTS F36). */
#ifndef MW_FETCHER_MAILBOX_IDS_H
#define MW_FETCHER_MAILBOX_IDS_H

#include "common/base/span.h"

struct account;
struct mailbox;
struct mailbox_id;

/* A whole list has come: whoever has another name now goes on under it, with its number, places and cursor. */
void mailbox_ids_settle(struct account *a);
/* It was selected, and this is its id (n 0: none). What lists say is only believed as long as it is the same. */
void mailbox_ids_selected(struct account *a, struct mailbox *m, const struct mailbox_id *id);
/* The server says that it renamed one (OLDNAME, RFC 9051 section 7.3.1). False: none is known by that name, or the new name is
 * taken. */
bool mailbox_renamed(struct account *a, struct span old_path, struct span path, int delimiter);

#endif
