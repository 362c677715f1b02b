/*
 * html_balance: HTML as written to HTML of which a tree can be built at bounded cost. Tree builders look through all open
 * elements, and all attributes of a tag, again and again: a megabyte of "<b>", or a tag with a million attributes, costs them
 * half a minute. What comes out has only elements and attributes that the sanitizer keeps, no comments, no raw text; its end
 * tags close what is open, so that the builder never holds more open than is counted here.
 */
#ifndef MW_PARSER_HTML_BALANCE_H
#define MW_PARSER_HTML_BALANCE_H

#include "common/base/buf.h"

#define HTML_DEPTH_MAX 200u /* elements open at once; the tags of more are left out */
#define HTML_FORMATTING_MAX \
	32u /* of them such as <b> and <font>, which builders open anew in every block */
#define HTML_TAGS_MAX 75000u /* start tags; the tags after them are left out */

/* Appends html, UTF-8, so reduced. Linear; at most twice the input and a little more. */
void html_balance(struct span html, struct buf *out);

#endif
