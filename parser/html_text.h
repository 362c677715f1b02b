/* html_text: the words of an HTML text, for previews and for mail that has no plain text. Not a sanitizer. Linear. */
#ifndef MW_PARSER_HTML_TEXT_H
#define MW_PARSER_HTML_TEXT_H

#include "common/base/buf.h"

/* Appends UTF-8: tags out, script, style and title left out, references decoded, a line end for each block. html: UTF-8.
 * Stops once out holds max bytes (about). */
void html_text(struct span html, size_t max_bytes, struct buf *out);
/* The same, with "> " before the lines of what mail programs mark as quoted, so that quote.h sees it. */
void html_text_marked(struct span html, size_t max_bytes, struct buf *out);

#endif
