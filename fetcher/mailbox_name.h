/* mailbox_name: names of mailboxes as people write them and as servers do (modified UTF-7, RFC 3501 5.1.3). Pure. */
#ifndef MW_FETCHER_MAILBOX_NAME_H
#define MW_FETCHER_MAILBOX_NAME_H

#include "common/base/buf.h"

/* Is path, the server's bytes, what a person writes as this UTF-8 text? */
bool mailbox_name_is(struct span path, struct span text);

/*
 * The server's bytes are a mailbox's identity (FAULTS F28). On a connection whose names are UTF-8 (RFC 9755, RFC 9051) they are
 * other bytes for the same mailbox, so there a name is turned into what it is elsewhere, and back.
 */
/* From such a connection. Appends; what is no UTF-8 as it is. */
void mailbox_name_from_utf8(struct span name, struct buf *out);
/* To such a connection; gives back what mailbox_name_from_utf8 was given. */
void mailbox_name_to_utf8(struct span path, struct buf *out);

#endif
