#include "sender/direction.h"

/* U+0590 to U+08FF, U+FB1D to U+FDFF and U+FE70 to U+FEFC, by their UTF-8. */
static bool right_to_left(struct span s, size_t i)
{
	uint8_t a = s.p[i], b = i + 1 < s.n ? s.p[i + 1] : 0, c = i + 2 < s.n ? s.p[i + 2] : 0;

	if (a >= 0xd6 && a <= 0xdf)
		return a > 0xd6 || b >= 0x90;
	if (a == 0xe0)
		return b >= 0xa0 && b <= 0xa3;
	if (a != 0xef)
		return false;
	return (b == 0xac && c >= 0x9d) || (b >= 0xad && b <= 0xb7) || (b == 0xb9 && c >= 0xb0) ||
	       b == 0xba || (b == 0xbb && c <= 0xbc);
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool direction_unmarked(struct span html)
{
	bool found = false;

	for (size_t i = 0; i < html.n; i++) {
		found = found || right_to_left(html, i);
		if (i && blank(html.p[i - 1]) &&
		    span_istarts(span_sub(html, i, 4), SPAN_LIT("dir=")))
			return false;
	}
	return found;
}

/* Behind the name of the body's start tag; 0: there is none. */
static size_t body_tag(struct span html)
{
	static const struct span name = {(const uint8_t *)"<body", 5};

	for (size_t i = 0; i + 5 < html.n; i++)
		if (span_istarts(span_sub(html, i, 5), name) &&
		    (html.p[i + 5] == '>' || blank(html.p[i + 5])))
			return i + 5;
	return 0;
}

void direction_mark(struct span html, struct buf *out)
{
	size_t at = body_tag(html);

	if (at) {
		buf_put_span(out, span_sub(html, 0, at));
		buf_put_cstr(out, " dir=\"auto\"");
		buf_put_span(out, span_sub(html, at, html.n));
		return;
	}
	buf_put_cstr(out, "<div dir=\"auto\">");
	buf_put_span(out, html);
	buf_put_cstr(out, "</div>");
}
