#include "parser/mime_scan.h"
#include "parser/lex.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

bool mime_scan_line(const struct mime_message *m, const struct mime_stack *stack, size_t at,
		    struct mime_boundary *boundary_out)
{
	struct span raw = m->raw;
	if (raw.n - at < 3 || raw.p[at] != '-' || raw.p[at + 1] != '-' || stack->depth == 0)
		return false;
	size_t end, next = header_line(raw, m->eol, at, &end);
	while (end > at && lex_is_blank(raw.p[end - 1]))
		end--;
	struct span line = {raw.p + at + 2, end > at + 2 ? end - at - 2 : 0};
	for (uint32_t i = stack->depth; i-- > 0;) {
		struct span b = stack->levels[i].boundary;
		if (line.n != b.n && line.n != b.n + 2)
			continue;
		if (memcmp(line.p, b.p, b.n) != 0 ||
		    (line.n > b.n && memcmp(line.p + b.n, "--", 2) != 0))
			continue;
		*boundary_out = (struct mime_boundary){at, next, i, line.n > b.n};
		return true;
	}
	return false;
}

/* Offset of the line after the next `eol` that is followed by "--", at or after `at`; raw.n if there is none. */
static size_t next_dashes(struct span raw, uint8_t eol, size_t at)
{
#if defined(__SSE2__)
	const __m128i line_end = _mm_set1_epi8((char)eol), dash = _mm_set1_epi8('-');
	for (; at + 18 <= raw.n; at += 16) {
		__m128i a = _mm_loadu_si128((const __m128i *)(const void *)(raw.p + at));
		__m128i b = _mm_loadu_si128((const __m128i *)(const void *)(raw.p + at + 1));
		__m128i c = _mm_loadu_si128((const __m128i *)(const void *)(raw.p + at + 2));
		__m128i hit = _mm_and_si128(
			_mm_and_si128(_mm_cmpeq_epi8(a, line_end), _mm_cmpeq_epi8(b, dash)),
			_mm_cmpeq_epi8(c, dash));
		unsigned mask = (unsigned)_mm_movemask_epi8(hit);
		if (mask)
			return at + (size_t)__builtin_ctz(mask) + 1;
	}
#endif
	for (; at + 3 <= raw.n; at++) {
		if (raw.p[at] == eol && raw.p[at + 1] == '-' && raw.p[at + 2] == '-')
			return at + 1;
	}
	return raw.n;
}

bool mime_scan_next(const struct mime_message *m, const struct mime_stack *stack, size_t at,
		    struct mime_boundary *boundary_out)
{
	if (stack->depth == 0 || at >= m->raw.n)
		return false;
	if (mime_scan_line(m, stack, at, boundary_out))
		return true;
	while ((at = next_dashes(m->raw, m->eol, at)) < m->raw.n) {
		if (mime_scan_line(m, stack, at, boundary_out))
			return true;
	}
	return false;
}
