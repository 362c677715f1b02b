/* lex: the tokens that structured header fields are made of (RFC 5322 section 3.2). */
#ifndef MW_PARSER_LEX_H
#define MW_PARSER_LEX_H

#include "common/base/buf.h"

#define LEX_COMMENT_DEPTH 1000

bool lex_is_blank(uint8_t c);
/* Position after the comment that begins at `at` ('('). An open one ends with s. Nested; no recursion. */
size_t lex_comment(struct span s, size_t at);
/* Position after blanks, line ends and comments. */
size_t lex_skip(struct span s, size_t at);
/* Position after the quoted string that begins at `at` ('"'); an open one ends with s. */
size_t lex_quoted(struct span s, size_t at);
/* Appends s without the quotes at its ends (`quote` and its partner) and without the backslashes of quoted pairs. */
void lex_unquote(struct span s, struct buf *out);

#endif
