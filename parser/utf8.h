/* utf8: what is and what is not UTF-8 (RFC 3629). Pure; linear. */
#ifndef MW_PARSER_UTF8_H
#define MW_PARSER_UTF8_H

#include "common/base/buf.h"

#define UTF8_REPLACEMENT 0xfffdu

/* Bytes of the longest valid prefix. */
size_t utf8_valid_prefix(struct span s);
static inline bool utf8_valid(struct span s)
{
	return utf8_valid_prefix(s) == s.n;
}
/* Bytes of the longest prefix of bytes under 0x80. */
size_t utf8_ascii_prefix(struct span s);
/* The code point at *pos, which must be < s.n, and moves on; U+FFFD for each maximal part of a bad sequence. */
uint32_t utf8_next(struct span s, size_t *pos);
/* Appends s with U+FFFD for what is not UTF-8. */
void utf8_put_lossy(struct span s, struct buf *out);
/* Length of the longest prefix of at most max bytes that does not cut a character. s must be valid. */
size_t utf8_cut(struct span s, size_t max_bytes);

#endif
