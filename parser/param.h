/*
 * param: `value; name=value; …` as in Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2231). Tolerated:
 * missing semicolons, blanks around '=', unquoted values with blanks, encoded words in values, raw 8-bit text.
 */
#ifndef MW_PARSER_PARAM_H
#define MW_PARSER_PARAM_H

#include "parser/decode.h"

#define PARAM_MAX 64

struct param {
	struct span name; /* as written, with the '*' of RFC 2231 */
	struct span value; /* as written, quotes and all */
};

struct param_list {
	struct span value; /* what comes before the first ';', trimmed, comments dropped */
	struct param items[PARAM_MAX];
	size_t count;
};

void param_parse(struct span raw, struct param_list *list_out);
/* The decoded value, UTF-8, in the arena or borrowed; empty span with p NULL if absent. RFC 2231 forms win. */
struct span param_get(struct decode *d, const struct param_list *list, const char *name);
/* The value unquoted and nothing else: for boundaries and charsets. */
struct span param_bytes(struct decode *d, const struct param_list *list, const char *name);

#endif
