/*
 * transfer_base64: base64 decoded (RFC 2045 section 6.8), tolerant: foreign characters are skipped, padding in the middle begins anew, a
 * cut group gives the whole bytes it holds. By vector instructions where the processor has them, found out at run time;
 * all ways give the same bytes.
 */
#ifndef MW_PARSER_TRANSFER_BASE64_H
#define MW_PARSER_TRANSFER_BASE64_H

#include "common/base/buf.h"

enum transfer_base64_way {
	TRANSFER_BASE64_SCALAR = 0,
	TRANSFER_BASE64_SSSE3,
	TRANSFER_BASE64_AVX2
};

/* The fastest way this processor can go. */
enum transfer_base64_way transfer_base64_best(void);
/* Appends the decoded octets. way: at most transfer_base64_best(). */
void transfer_base64_decode(enum transfer_base64_way way, struct span in, struct buf *out);

#endif
