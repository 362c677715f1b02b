#include "sender/tag.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t skip_blanks(struct span html, size_t i)
{
	while (i < html.n && is_blank(html.p[i]))
		i++;
	return i;
}

/* Up to a blank, `>`, `/`, or `=` where that ends it. */
static size_t word_end(struct span html, size_t i, bool name)
{
	while (i < html.n && !is_blank(html.p[i]) && html.p[i] != '>' &&
	       !(name && (html.p[i] == '/' || html.p[i] == '=')))
		i++;
	return i;
}

/* Behind the first `what` from i on, or the end. */
static size_t behind(struct span html, size_t i, const char *what)
{
	size_t n = strlen(what);

	for (; i + n <= html.n; i++)
		if (memcmp(html.p + i, what, n) == 0)
			return i + n;
	return html.n + 1;
}

static void take(struct tag *tag, struct span name, struct span value, bool quoted)
{
	if (span_ieq(name, SPAN_LIT("href")) && !tag->href.p) {
		tag->href = value;
		tag->href_quoted = quoted;
	} else if (span_ieq(name, SPAN_LIT("src")) && !tag->src.p) {
		tag->src = value;
	}
}

/* A value at i, behind the `=`. Returns behind it; over html.n: its quote is not closed. */
static size_t read_value(struct span html, size_t i, struct span *value, bool *quoted)
{
	size_t end;

	i = skip_blanks(html, i);
	*quoted = i < html.n && (html.p[i] == '"' || html.p[i] == '\'');
	if (!*quoted) {
		end = word_end(html, i, false);
		*value = span_sub(html, i, end - i);
		return end;
	}
	end = i + 1 + span_find_byte(span_sub(html, i + 1, html.n), html.p[i]);
	if (end >= html.n)
		return html.n + 1;
	*value = span_sub(html, i + 1, end - i - 1);
	return end + 1;
}

/* The attributes from i on. Returns behind the `>`; over html.n: there is none. */
static size_t read_attributes(struct span html, size_t i, struct tag *tag)
{
	while (i < html.n) {
		struct span name, value = {NULL, 0};
		bool quoted = false;
		size_t end, next;

		while (i < html.n && (is_blank(html.p[i]) || html.p[i] == '/'))
			i++;
		if (i < html.n && html.p[i] == '>')
			return i + 1;
		end = word_end(html, i + (i < html.n && html.p[i] == '='), true);
		name = span_sub(html, i, end - i);
		next = skip_blanks(html, end);
		i = end;
		if (next < html.n && html.p[next] == '=') {
			i = read_value(html, next + 1, &value, &quoted);
			if (i <= html.n)
				take(tag, name, value, quoted);
		}
	}
	return html.n + 1;
}

/* Elements whose content holds no tags but their own end. */
static bool is_raw(const struct tag *tag)
{
	static const char *const names[] = {"style",  "script",	 "title",    "textarea",
					    "iframe", "noembed", "noframes", "xmp"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!tag->closing && tag_is(tag, names[i]))
			return true;
	return false;
}

static size_t raw_end(struct span html, size_t i, struct span name)
{
	for (; i + 2 + name.n <= html.n; i++)
		if (html.p[i] == '<' && html.p[i + 1] == '/' &&
		    span_ieq(span_sub(html, i + 2, name.n), name))
			return i;
	return html.n;
}

static size_t read_tag(struct span html, size_t i, struct tag *tag)
{
	size_t end;

	if (i + 3 < html.n && memcmp(html.p + i, "<!--", 4) == 0)
		return behind(html, i + 4, "-->");
	if (i + 1 < html.n && (html.p[i + 1] == '!' || html.p[i + 1] == '?'))
		return behind(html, i + 1, ">");
	tag->closing = i + 1 < html.n && html.p[i + 1] == '/';
	i += tag->closing ? 2 : 1;
	if (i >= html.n || !is_letter(html.p[i]))
		return i;
	end = i;
	while (end < html.n && !is_blank(html.p[end]) && html.p[end] != '>' && html.p[end] != '/')
		end++;
	tag->name = span_sub(html, i, end - i);
	return read_attributes(html, end, tag);
}

bool tag_next(struct span html, size_t *at, struct tag *tag_out)
{
	size_t i = *at + span_find_byte(span_sub(html, *at, html.n), '<');

	if (*at >= html.n || i >= html.n)
		return false;
	*tag_out = (struct tag){.begin = i};
	tag_out->end = read_tag(html, i, tag_out);
	if (tag_out->end > html.n)
		return false;
	*at = is_raw(tag_out) ? raw_end(html, tag_out->end, tag_out->name) : tag_out->end;
	return true;
}

bool tag_is(const struct tag *tag, const char *name)
{
	return span_ieq(tag->name, span_cstr(name));
}

static unsigned digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - (unsigned)'0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : 99;
}

/* The code point of `#38` or `#x26`, 0 if it is none of ASCII. */
static unsigned numeric(struct span s)
{
	bool hex = s.n > 1 && (s.p[1] == 'x' || s.p[1] == 'X');
	unsigned value = 0, base = hex ? 16 : 10;

	if (s.n <= (hex ? 2u : 1u) || s.n > 8)
		return 0;
	for (size_t i = hex ? 2 : 1; i < s.n; i++) {
		if (digit_of(s.p[i]) >= base)
			return 0;
		value = value * base + digit_of(s.p[i]);
	}
	return value < 0x80 ? value : 0;
}

static uint8_t reference(struct span s)
{
	static const struct {
		const char *name;
		uint8_t c;
	} known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};

	if (s.n && s.p[0] == '#')
		return (uint8_t)numeric(s);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (span_eq(s, span_cstr(known[i].name)))
			return known[i].c;
	return 0;
}

struct span tag_value(struct span value, struct arena *arena)
{
	uint8_t *out = arena_alloc(arena, value.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < value.n; i++) {
		struct span rest = span_sub(value, i + 1, 10);
		size_t end = span_find_byte(rest, ';');
		uint8_t c = value.p[i] == '&' && end < rest.n ? reference(span_sub(rest, 0, end))
							      : 0;

		out[n++] = c ? c : value.p[i];
		i += c ? end + 1 : 0;
	}
	return span_make(out, n);
}
