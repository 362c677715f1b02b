/* html_token: text and tags of HTML as browsers part them (HTML Living Standard 13.2.5), for what reads it without a tree.
 * Pure; linear. */
#ifndef MW_PARSER_HTML_TOKEN_H
#define MW_PARSER_HTML_TOKEN_H

#include "common/base/span.h"

enum html_token_kind {
	HTML_TEXT,
	HTML_START,
	HTML_END,
	HTML_OTHER, /* comments, declarations, and what has no end */
};

struct html_token {
	enum html_token_kind kind;
	struct span all;
	struct span name; /* of a tag, as written */
	struct span attributes; /* of a tag: what lies between its name and its '>' */
};

struct html_attribute {
	struct span name;
	struct span value; /* with its quotes; n 0: none */
};

/* The token at *at, which moves behind it. False at the end. */
bool html_token_next(struct span html, size_t *at, struct html_token *token_out);
/* The next attribute in token.attributes. */
bool html_attribute_next(struct span attributes, size_t *at, struct html_attribute *out);
/* Where the text of an element ends whose content is no markup (script, style, …): its end tag at or after `at`, or html.n. */
size_t html_raw_end(struct span html, size_t at, struct span name);

#endif
