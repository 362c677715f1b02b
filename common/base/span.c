#include "common/base/span.h"

static uint8_t ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool span_ieq(struct span a, struct span b)
{
	return a.n == b.n && span_istarts(a, b);
}

bool span_istarts(struct span s, struct span prefix)
{
	if (s.n < prefix.n)
		return false;
	for (size_t i = 0; i < prefix.n; i++)
		if (ascii_lower(s.p[i]) != ascii_lower(prefix.p[i]))
			return false;
	return true;
}

struct span span_sub(struct span s, size_t offset, size_t n)
{
	if (offset > s.n)
		offset = s.n;
	if (n > s.n - offset)
		n = s.n - offset;
	return (struct span){s.p ? s.p + offset : NULL, n};
}

struct span span_trim(struct span s)
{
	size_t start = 0, end = s.n;

	while (start < end && is_blank(s.p[start]))
		start++;
	while (end > start && is_blank(s.p[end - 1]))
		end--;
	return span_sub(s, start, end - start);
}

int span_compare(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

size_t span_find_byte(struct span s, uint8_t c)
{
	const uint8_t *at = s.n ? memchr(s.p, c, s.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}

bool span_to_u64(struct span s, uint64_t max, uint64_t *value_out)
{
	uint64_t value = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)s.p[i] - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value > max)
		return false;
	*value_out = value;
	return true;
}
