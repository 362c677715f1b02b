/*
 * sanitize: HTML from a message to HTML that may stand in a page of ours. By allow-list only: elements, attributes, CSS
 * properties and URL schemes that are not in the tables are dropped. No script, style sheets, forms, frames, events;
 * no remote content unless asked for. What it puts out, it gives back unchanged.
 */
#ifndef MW_PARSER_SANITIZE_H
#define MW_PARSER_SANITIZE_H

#include "common/base/arena.h"
#include "common/base/buf.h"

#define SANITIZE_HTML_BYTES_MAX (8u << 20) /* more is cut */
#define SANITIZE_BLOCKED_MAX 200u

struct sanitize {
	bool remote; /* keep http(s) images */
	struct arena *arena; /* for the lists */
	struct span blocked[SANITIZE_BLOCKED_MAX]; /* URLs that were left out */
	size_t blocked_count;
};

/* html: UTF-8. Appends to out. Quoted history is wrapped in <div class="mw-quoted">. */
void sanitize_html(struct sanitize *s, struct span html, struct buf *out);

#endif
