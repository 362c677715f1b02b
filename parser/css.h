/* css: the declarations of a style attribute, by allow-list of properties; no value that could load or run anything. */
#ifndef MW_PARSER_CSS_H
#define MW_PARSER_CSS_H

#include "common/base/buf.h"

/* Appends what is allowed of `style`, "name: value; name: value". True if a url( was left out. */
bool css_clean(struct span style, struct buf *out);

#endif
