#include "parser/charset_guess.h"
#include "parser/utf8.h"

#define ESCAPE 0x1b

static unsigned by_mark(struct span s)
{
	if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
		return CHARSET_UTF8;
	if (s.n >= 4 && memcmp(s.p, "\xff\xfe", 2) == 0 && (s.p[2] != 0 || s.p[3] != 0))
		return charset_find(SPAN_LIT("utf-16"));
	if (s.n >= 4 && memcmp(s.p, "\xfe\xff", 2) == 0)
		return charset_find(SPAN_LIT("utf-16"));
	return CHARSET_UNKNOWN;
}

/* A text of seven bits with an escape to Japanese or Korean characters. */
static unsigned by_escape(struct span s)
{
	const uint8_t *at = s.n ? memchr(s.p, ESCAPE, s.n) : NULL;
	if (!at || utf8_ascii_prefix(s) != s.n)
		return CHARSET_UNKNOWN;
	for (; at; at = memchr(at + 1, ESCAPE, (size_t)(s.p + s.n - at - 1))) {
		struct span escape = span_sub(s, (size_t)(at - s.p) + 1, 3);
		if (escape.n >= 2 && escape.p[0] == '$' &&
		    (escape.p[1] == '@' || escape.p[1] == 'B'))
			return charset_find(SPAN_LIT("iso-2022-jp"));
		if (span_eq(escape, SPAN_LIT("$)C")))
			return charset_find(SPAN_LIT("iso-2022-kr"));
	}
	return CHARSET_UNKNOWN;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

/* The value after "charset" within a <meta …>; n 0 if there is none. */
static struct span meta_value(struct span tag)
{
	static const char word[] = "charset";
	for (size_t i = 0; i + sizeof(word) - 1 < tag.n; i++) {
		size_t at = i + sizeof(word) - 1;
		if (!span_istarts(span_sub(tag, i, tag.n), span_cstr(word)))
			continue;
		while (at < tag.n && is_space(tag.p[at]))
			at++;
		if (at >= tag.n || tag.p[at] != '=')
			continue;
		at++;
		while (at < tag.n && (is_space(tag.p[at]) || tag.p[at] == '"' || tag.p[at] == '\''))
			at++;
		size_t end = at;
		while (end < tag.n && !is_space(tag.p[end]) && !strchr("\"';/>", tag.p[end]))
			end++;
		return span_sub(tag, at, end - at);
	}
	return (struct span){0};
}

static unsigned by_meta(struct span html)
{
	struct span head = span_sub(html, 0, CHARSET_GUESS_META_BYTES);
	for (size_t at = 0; at < head.n;) {
		struct span rest = span_sub(head, at, head.n);
		size_t open = span_find_byte(rest, '<');
		struct span tag = span_sub(rest, open, rest.n);
		size_t end = span_find_byte(tag, '>');
		if (span_istarts(tag, SPAN_LIT("<meta"))) {
			struct span name = meta_value(span_sub(tag, 0, end));
			if (name.n > 0)
				return charset_find(name);
		}
		at += open + 1;
	}
	return CHARSET_UNKNOWN;
}

unsigned charset_guess(struct span bytes, bool html)
{
	unsigned found = by_mark(bytes);
	if (found == CHARSET_UNKNOWN)
		found = by_escape(bytes);
	if (found == CHARSET_UNKNOWN && html && !utf8_valid(bytes))
		found = by_meta(bytes);
	return found;
}
