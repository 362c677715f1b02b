/* html_element: what builders of HTML trees do differently for one element than for another (HTML Living Standard 13.2.4). */
#ifndef MW_PARSER_HTML_ELEMENT_H
#define MW_PARSER_HTML_ELEMENT_H

#include "common/base/span.h"

#include <gumbo.h>

enum html_element_kind {
	HTML_BLOCK = 1, /* "special": ends the search for an inline element's start */
	HTML_FORMATTING = 2, /* opened anew in blocks that follow */
	HTML_SCOPE = 4, /* tables and cells: what is outside cannot be ended from inside */
	HTML_IN_TABLE = 8, /* has no place elsewhere */
	HTML_ROWS = 16, /* of these: rows and groups of rows or columns */
	HTML_ENDS_P = 32, /* its start ends a paragraph */
	HTML_LIST_END = 64, /* an item's start does not end an item beyond it */
	HTML_RAW = 128, /* its content is text */
	HTML_HIDDEN = 256, /* nothing in it is shown */
};

/* Is it of one of these kinds? */
bool html_element_is(GumboTag tag, unsigned kinds);
/* The tag of a name as written; GUMBO_TAG_UNKNOWN. "image" is "img". */
GumboTag html_element_tag(struct span name);

#endif
