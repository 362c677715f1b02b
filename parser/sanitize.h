/*
 * sanitize: HTML from a message to HTML that may stand in a page of ours. By allow-list only: elements, attributes, CSS
 * properties and URL schemes that are not in the tables are dropped. No script, style sheets, forms, frames, events;
 * no remote content unless asked for. What it puts out, it gives back unchanged.
 */
#ifndef MW_PARSER_SANITIZE_H
#define MW_PARSER_SANITIZE_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

#define SANITIZE_HTML_BYTES_MAX (3u << 20) /* more is cut */
#define SANITIZE_BLOCKED_MAX 200u

struct sanitize {
	bool remote; /* keep http(s) images */
	struct arena *arena; /* for the lists */
	struct span blocked[SANITIZE_BLOCKED_MAX]; /* URLs that were left out */
	size_t blocked_count;
};

/*
 * html: UTF-8. Appends to out. Quoted history is wrapped in <div class="mw-quoted">. False, and nothing appended, when
 * the HTML is built to be expensive (its tree passes 64 MB, or its output twice SANITIZE_HTML_BYTES_MAX).
 */
MUST_USE bool sanitize_html(struct sanitize *s, struct span html, struct buf *out);

#endif
