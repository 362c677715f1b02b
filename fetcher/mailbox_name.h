/* mailbox_name: names of mailboxes as people write them and as servers do (modified UTF-7, RFC 3501 5.1.3). Pure. */
#ifndef MW_FETCHER_MAILBOX_NAME_H
#define MW_FETCHER_MAILBOX_NAME_H

#include "common/base/span.h"

/* Is path, the server's bytes, what a person writes as this UTF-8 text? */
bool mailbox_name_is(struct span path, struct span text);

#endif
