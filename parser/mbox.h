/*
 * mbox: the messages of an mbox file (RFC 4155): each begins with a line "From address date" at the start of the file or after an
 * empty line. Lines of a message that begin with '>' and then "From " have lost nothing but their first '>' (mboxrd).
 */
#ifndef MW_PARSER_MBOX_H
#define MW_PARSER_MBOX_H

#include "common/base/buf.h"

/* Offset of the next separator at or after `from`, which is the start of a line; file.n if there is none. */
size_t mbox_next(struct span file, size_t from);
/* Offset after the separator line at `at`. */
size_t mbox_skip(struct span file, size_t at);
/* Appends the message with the quoting of "From " lines undone. */
void mbox_unquote(struct span message, struct buf *out);

#endif
