/*
 * uuencode: files within plain text, as programs older than MIME wrote them:
 *
 *     begin 644 name
 *     M…60 characters for 45 octets…
 *     end
 *
 * A block counts only if a right line of data follows "begin"; it ends with "end", or before the first line that is no data.
 * yEnc ("=ybegin") is not read: it stays text.
 */
#ifndef MW_PARSER_UUENCODE_H
#define MW_PARSER_UUENCODE_H

#include "common/base/span.h"

#define UUENCODE_NAME_MAX 255u

struct uuencode_block {
	size_t offset; /* of the line "begin" */
	struct span
		lines; /* from "begin" to the line after "end"; for transfer_decode with TRANSFER_UU */
	struct span name; /* as written */
};

/* The first block at or after `from`, which is the start of a line. False if there is none. Linear in what it passes. */
bool uuencode_next(struct span text, size_t from, struct uuencode_block *block_out);

#endif
