/*
 * tag: the tags of an HTML text, one after the other, with where their links stand. A pure scanner that follows the HTML
 * standard's tokenizer as far as links need it: comments, quotes, and elements whose content is no markup.
 */
#ifndef MW_SENDER_TAG_H
#define MW_SENDER_TAG_H

#include "common/base/arena.h"

struct tag {
	size_t begin, end; /* from `<` to behind `>` */
	struct span name; /* as written, without the slash; empty: a comment or the like */
	bool closing;
	struct span href,
		src; /* values as written, without quotes, parts of the html; p NULL: none */
	bool href_quoted;
};

/* The next tag at or behind *at, which is moved behind it (and behind the content of style, script and the like).
 * False: there is none that is closed. */
bool tag_next(struct span html, size_t *at, struct tag *tag_out);
bool tag_is(const struct tag *tag, const char *name);
/* A value with its character references resolved: the numeric ones and those that stand in links. */
struct span tag_value(struct span value, struct arena *arena);

#endif
