/* charset_guess: the character set of a text that names none we know, from marks within it. Linear. */
#ifndef MW_PARSER_CHARSET_GUESS_H
#define MW_PARSER_CHARSET_GUESS_H

#include "parser/charset.h"

#define CHARSET_GUESS_META_BYTES 4096 /* of an HTML text in which <meta> may stand */

/*
 * A byte order mark, the escapes of ISO-2022-JP and -KR, and for HTML the charset of a <meta> element, which counts only if
 * the bytes are not UTF-8 as they are. CHARSET_UNKNOWN: nothing speaks for any.
 */
unsigned charset_guess(struct span bytes, bool html);

#endif
