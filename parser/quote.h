/* quote: where the new words of a reply end and the quoted history begins; simple marks only. Linear. */
#ifndef MW_PARSER_QUOTE_H
#define MW_PARSER_QUOTE_H

#include "common/base/span.h"

struct quote_parts {
	struct span
		fresh; /* the text before the quoted part (below it if there is none), without signature */
	struct span signature; /* n 0: none found */
	size_t quoted_from; /* bytes; text.n if nothing is quoted */
};

/*
 * text: UTF-8. The quoted part begins at: a line "On … wrote:" (in the languages of the table) that is followed by '>'
 * lines or ends the text's own words; "-----Original Message-----" and its kind; an Outlook header block ("From:" …
 * "Sent:" …); or a last run of '>' lines.
 */
struct quote_parts quote_split_text(struct span text);

#endif
