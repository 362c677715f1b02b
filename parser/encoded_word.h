/*
 * encoded_word: header text to UTF-8 (RFC 2047, 2231 section 5, 6532). Tolerated: words cut in the middle of a character
 * (neighbours of one charset are joined before conversion), blanks in a word, words inside of words and quotes, unknown
 * charsets, raw 8-bit text (UTF-8 if valid, else windows-1252), missing ends.
 */
#ifndef MW_PARSER_ENCODED_WORD_H
#define MW_PARSER_ENCODED_WORD_H

#include "parser/decode.h"

/*
 * Unfolded, decoded, without leading and trailing blanks and without control characters. Borrows from raw where nothing
 * had to change, else lives in the arena. Linear in raw.n.
 */
struct span encoded_word_text(struct decode *d, struct span raw);
/* Length of the encoded word at the start of s ("=?" … "?="), 0 if there is none: to skip it while looking for commas. */
size_t encoded_word_length(struct span s);

#endif
