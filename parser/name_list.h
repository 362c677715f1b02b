/* name_list: is a word among those of a list "a b c"? For short lists of names that stand in the code. */
#ifndef MW_PARSER_NAME_LIST_H
#define MW_PARSER_NAME_LIST_H

#include "common/base/span.h"

static inline bool name_in_list(const char *names, struct span name)
{
	for (const char *at = names; *at && name.n > 0;) {
		const char *end = strchrnul(at, ' ');
		if ((size_t)(end - at) == name.n && memcmp(at, name.p, name.n) == 0)
			return true;
		at = *end ? end + 1 : end;
	}
	return false;
}

#endif
