/* json_text: the two things the fetcher needs of JSON: one string of a flat object, and writing a string. */
#ifndef MW_FETCHER_JSON_TEXT_H
#define MW_FETCHER_JSON_TEXT_H

#include "common/base/buf.h"

/* Appends the decoded value of a string field of the outermost object. False if it is absent, not a string, or damaged. */
bool json_text_field(struct span json, const char *name, struct buf *out);
/* Appends s as a JSON string with its quotes; what is not UTF-8 or is a control character becomes '?'. */
void json_text_put(struct buf *out, struct span s);

#endif
