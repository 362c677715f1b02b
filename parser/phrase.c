#include "parser/phrase.h"

bool phrase_in(struct span text, const char *phrase)
{
	const struct span wanted = span_cstr(phrase);

	for (size_t i = 0; i + wanted.n <= text.n; i++) {
		if ((text.p[i] | 0x20) == (wanted.p[0] | 0x20) &&
		    span_ieq((struct span){text.p + i, wanted.n}, wanted))
			return true;
	}
	return false;
}

bool phrase_any_in(struct span text, const char *const *phrases)
{
	for (; *phrases; phrases++) {
		if (phrase_in(text, *phrases))
			return true;
	}
	return false;
}
