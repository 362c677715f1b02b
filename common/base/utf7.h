/* utf7: IMAP's modified UTF-7 of mailbox names (RFC 3501, 5.1.3) as UTF-8, to show them. */
#ifndef MW_BASE_UTF7_H
#define MW_BASE_UTF7_H

#include "common/base/buf.h"

/* Appends. What is not well formed (servers differ) is appended as it is. */
void utf7_decode(struct span name, struct buf *out);

#endif
