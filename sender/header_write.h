/* header_write: header fields of a message to be sent: folding, RFC 2047 words, RFC 2231 parameters. Pure. */
#ifndef MW_SENDER_HEADER_WRITE_H
#define MW_SENDER_HEADER_WRITE_H

#include "common/base/code.h"
#include "sender/compose.h"

/* May the value stand in a header: no CR, LF, NUL (SND-09)? */
bool header_value_ok(struct span value);

/* `Name: value` CRLF for text of any kind: words beyond ASCII become encoded words, the line is folded at 76. */
void header_write_text(struct buf *out, const char *name, struct span value);
/* A list of mailboxes; nothing for an empty list. */
void header_write_addresses(struct buf *out, const char *name, struct compose_addresses list);
/* Message-IDs in angle brackets, folded. */
void header_write_ids(struct buf *out, const char *name, const struct span *ids, size_t count);
/* List-Unsubscribe, and its Post for a reader's one click; nothing if neither is given. */
void header_write_unsubscribe(struct buf *out, const struct compose_unsubscribe *u);
void header_write_date(struct buf *out, const char *name, int64_t wall_ms);
/* `; name="value"`, or RFC 2231 `name*=utf-8''…` for anything beyond printable ASCII; on a line of its own. */
void header_write_param(struct buf *out, const char *name, struct span value);

#endif
