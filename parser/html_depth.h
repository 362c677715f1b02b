/*
 * html_depth: bounds how deep an HTML text nests before a tree is built of it: tree builders look through all open
 * elements again and again, so that a megabyte of "<b>" costs them half a minute.
 */
#ifndef MW_PARSER_HTML_DEPTH_H
#define MW_PARSER_HTML_DEPTH_H

#include "common/base/buf.h"

#define HTML_DEPTH_MAX 200u

/* Appends html without the start tags that would open more than HTML_DEPTH_MAX elements (and their end tags). Linear.
 * Counts by tag, so the true depth can be less. */
void html_depth_limit(struct span html, struct buf *out);

#endif
