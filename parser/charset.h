/*
 * charset: names of character sets and conversion to UTF-8. The names people write are mapped to the sets that mail
 * programs mean by them (as browsers do: ISO-8859-1 is read as windows-1252, GB2312 as GB18030, …). Pure: what needs
 * converters of the C library gets them handed in, opened before the sandbox closes.
 */
#ifndef MW_PARSER_CHARSET_H
#define MW_PARSER_CHARSET_H

#include "common/base/buf.h"

/* Numbers of character sets; those from CHARSET_TABLE on are rows of the table in charset.c. */
enum { CHARSET_UNKNOWN = 0, CHARSET_ASCII, CHARSET_UTF8, CHARSET_WINDOWS_1252, CHARSET_TABLE };

/* The converters. convert appends the UTF-8 of `in` to out, U+FFFD for what cannot be read, and always consumes all. */
struct charset_set {
	void *ctx;
	void (*convert)(void *ctx, unsigned charset, struct span in, struct buf *out);
};

/* The set that a name in a message means; CHARSET_UNKNOWN if we do not know it. */
unsigned charset_find(struct span name);
/* For the one who opens converters: numbers run from CHARSET_TABLE to charset_end() - 1. */
unsigned charset_end(void);
const char *charset_iconv_name(unsigned charset);
/* Needs no converter: UTF-8 and the sets of one byte a character. */
bool charset_is_built_in(unsigned charset);
/*
 * Appends the UTF-8 of `in`. CHARSET_UNKNOWN and CHARSET_ASCII: UTF-8 if it is valid UTF-8, else windows-1252.
 * set may be NULL: then sets of the table are read as if unknown.
 */
void charset_decode(const struct charset_set *set, unsigned charset, struct span in,
		    struct buf *out);

#endif
