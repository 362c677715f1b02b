/* A few bits of what makes a message the same although its bytes are not: its Message-ID. */
#include "fetcher/identify.h"

#define HEADER_MAX (64u << 10)

/* Where the field's value begins; NULL: the header has none. */
static const uint8_t *value_of(struct span header, struct span name)
{
	const uint8_t *p = header.p, *end = header.p + header.n;

	while (p < end && *p != '\r' && *p != '\n') {
		const uint8_t *next = memchr(p, '\n', (size_t)(end - p));

		if ((size_t)(end - p) > name.n && span_ieq(span_make(p, name.n), name))
			return p + name.n;
		if (!next)
			return NULL;
		p = next + 1;
	}
	return NULL;
}

/* FNV-1a over what is not blank, up to the end of the (folded) field. */
uint32_t message_check(struct span raw)
{
	const struct span header = span_sub(raw, 0, HEADER_MAX);
	const uint8_t *end = header.p + header.n;
	uint32_t hash = 2166136261u;
	size_t count = 0;

	for (const uint8_t *p = value_of(header, SPAN_LIT("Message-ID:")); p && p < end; p++) {
		if (*p == '\n' && (p + 1 == end || (p[1] != ' ' && p[1] != '\t')))
			break;
		if (*p <= ' ')
			continue;
		hash = (hash ^ *p) * 16777619u;
		count++;
	}
	return count ? hash | 1u : 0;
}
