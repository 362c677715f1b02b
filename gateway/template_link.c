#include "gateway/template_link.h"

#define SCHEME_MAX 16

/* A '#' that is no part of a character reference, '/' or '?': what follows is no scheme. */
static bool is_scheme_end(struct span value, size_t i)
{
	uint8_t c = value.p[i];

	return c == '/' || c == '?' || (c == '#' && (i == 0 || value.p[i - 1] != '&'));
}

bool template_link_ok(struct span value)
{
	static const char *const OPEN[] = {"http", "https", "mailto", "tel", "sms", "cid"};
	uint8_t scheme[SCHEME_MAX];
	size_t n = 0, i = 0;

	for (; i < value.n && value.p[i] != ':' && !is_scheme_end(value, i); i++)
		if (value.p[i] > ' ' && n < SCHEME_MAX)
			scheme[n++] = value.p[i];
	if (i == value.n || value.p[i] != ':')
		return true;
	for (size_t k = 0; k < sizeof(OPEN) / sizeof(OPEN[0]); k++)
		if (span_ieq(span_make(scheme, n), span_cstr(OPEN[k])))
			return true;
	return false;
}
