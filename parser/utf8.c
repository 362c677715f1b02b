#include "parser/utf8.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

size_t utf8_ascii_prefix(struct span s)
{
	size_t i = 0;
#if defined(__SSE2__)
	for (; i + 16 <= s.n; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.p + i));
		unsigned high = (unsigned)_mm_movemask_epi8(v);
		if (high)
			return i + (size_t)__builtin_ctz(high);
	}
#endif
	while (i < s.n && s.p[i] < 0x80)
		i++;
	return i;
}

/* Length of the sequence that begins with c and the range of its second byte; 0 if nothing begins with c. */
static unsigned lead(uint8_t c, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef) {
		if (c == 0xe0)
			*low = 0xa0;
		if (c == 0xed)
			*high = 0x9f;
		return 3;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		if (c == 0xf0)
			*low = 0x90;
		if (c == 0xf4)
			*high = 0x8f;
		return 4;
	}
	return 0;
}

uint32_t utf8_next(struct span s, size_t *pos)
{
	uint8_t c = s.p[(*pos)++], low, high;
	if (c < 0x80)
		return c;
	unsigned n = lead(c, &low, &high);
	if (n == 0)
		return UTF8_REPLACEMENT;
	uint32_t cp = c & (0xffu >> (n + 1));
	for (unsigned i = 1; i < n; i++) {
		if (*pos >= s.n || s.p[*pos] < low || s.p[*pos] > high)
			return UTF8_REPLACEMENT;
		cp = cp << 6 | (s.p[(*pos)++] & 0x3fu);
		low = 0x80;
		high = 0xbf;
	}
	return cp;
}

/* Length of the valid sequence at i, 0 if there is none. */
static size_t sequence(struct span s, size_t i)
{
	uint8_t low, high;
	unsigned n = lead(s.p[i], &low, &high);
	if (n == 0 || s.n - i < n || s.p[i + 1] < low || s.p[i + 1] > high)
		return 0;
	for (unsigned k = 2; k < n; k++) {
		if ((s.p[i + k] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

size_t utf8_valid_prefix(struct span s)
{
	size_t i = 0;
	while (i < s.n) {
		i += utf8_ascii_prefix((struct span){s.p + i, s.n - i});
		if (i >= s.n)
			break;
		size_t n = sequence(s, i);
		if (n == 0)
			break;
		i += n;
	}
	return i;
}

void utf8_put_lossy(struct span s, struct buf *out)
{
	while (s.n > 0) {
		size_t n = utf8_valid_prefix(s);
		buf_put(out, s.p, n);
		s = (struct span){s.p + n, s.n - n};
		if (s.n == 0)
			break;
		size_t pos = 0;
		utf8_next(s, &pos);
		buf_put_utf8(out, UTF8_REPLACEMENT);
		s = (struct span){s.p + pos, s.n - pos};
	}
}

size_t utf8_cut(struct span s, size_t max_bytes)
{
	if (s.n <= max_bytes)
		return s.n;
	size_t n = max_bytes;
	while (n > 0 && (s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}
