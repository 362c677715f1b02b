/*
 * export_encode: the bytes of exported mail, in pieces: a message may be far larger than what is to be held of an answer.
 *
 *   mbox (mboxrd): "From <sender> <asctime, UTC>\n", the message with LF, lines of ">*From " with one '>' more, an empty line
 *   JSON: base64 of the message, without line breaks
 */
#ifndef MW_GATEWAY_EXPORT_ENCODE_H
#define MW_GATEWAY_EXPORT_ENCODE_H

#include "common/base/buf.h"
#include "common/base/span.h"

#define EXPORT_PIECE \
	((size_t)384 << 10) /* octets of a message that one call takes at most; divisible by 3 */

/* The separator line. sender: an address or empty; bytes that cannot stand there are left out. */
void export_mbox_begin(struct span sender, int64_t received_ms, struct buf *out);
/* The piece of raw from `from` on; returns where the next one begins, raw.n after the last, which is followed by the empty line. */
size_t export_mbox_piece(struct span raw, size_t from, struct buf *out);
size_t export_base64_piece(struct span raw, size_t from, struct buf *out);

#endif
