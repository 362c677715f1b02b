/* html_tag: where a tag ends, for what reads HTML without a tree. Pure; linear. */
#ifndef MW_PARSER_HTML_TAG_H
#define MW_PARSER_HTML_TAG_H

#include "common/base/span.h"

/* Position after the '>' of the tag that `at` is in, or s.n. Quotes count only after '='. */
size_t html_tag_end(struct span s, size_t at);

#endif
