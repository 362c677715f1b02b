#include "parser/html_token.h"

static bool is_letter(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static bool ends_name(uint8_t c)
{
	return is_blank(c) || c == '/' || c == '>';
}

static size_t skip_blanks(struct span s, size_t at)
{
	while (at < s.n && is_blank(s.p[at]))
		at++;
	return at;
}

/* At the first byte after '='. Returns the position after the value; s.n + 1 if its quote has no end. */
static size_t value_end(struct span s, size_t at)
{
	if (at < s.n && (s.p[at] == '"' || s.p[at] == '\'')) {
		const uint8_t *close = memchr(s.p + at + 1, s.p[at], s.n - at - 1);
		return close ? (size_t)(close - s.p) + 1 : s.n + 1;
	}
	while (at < s.n && !is_blank(s.p[at]) && s.p[at] != '>')
		at++;
	return at;
}

enum step { STEP_ATTRIBUTE, STEP_CLOSE, STEP_OPEN_END };

/* What follows in a tag: an attribute; '>', where *at then stands; or the end of all, with no '>'. */
static enum step attribute_step(struct span s, size_t *at, struct html_attribute *out)
{
	size_t begin = *at;
	while (begin < s.n && (is_blank(s.p[begin]) || s.p[begin] == '/'))
		begin++;
	*at = begin;
	if (begin >= s.n)
		return STEP_OPEN_END;
	if (s.p[begin] == '>')
		return STEP_CLOSE;
	size_t end = begin + 1; /* a '=' in front belongs to the name */
	while (end < s.n && !ends_name(s.p[end]) && s.p[end] != '=')
		end++;
	*out = (struct html_attribute){.name = {s.p + begin, end - begin}};
	size_t next = skip_blanks(s, end);
	if (next < s.n && s.p[next] == '=') {
		size_t value = skip_blanks(s, next + 1);
		next = value_end(s, value);
		if (next > s.n) {
			*at = s.n;
			return STEP_OPEN_END;
		}
		out->value = span_sub(s, value, next - value);
	}
	*at = next;
	return STEP_ATTRIBUTE;
}

bool html_attribute_next(struct span attributes, size_t *at, struct html_attribute *out)
{
	return attribute_step(attributes, at, out) == STEP_ATTRIBUTE;
}

/* `name` is where the tag's name begins. */
static size_t read_tag(struct span s, size_t name, struct html_token *out)
{
	struct html_attribute skipped;
	size_t at = name;
	while (at < s.n && !ends_name(s.p[at]))
		at++;
	out->name = span_sub(s, name, at - name);
	size_t begin = at;
	enum step step;
	do
		step = attribute_step(s, &at, &skipped);
	while (step == STEP_ATTRIBUTE);
	if (step == STEP_OPEN_END) {
		out->kind = HTML_OTHER;
		return s.n;
	}
	out->attributes = span_sub(s, begin, at - begin);
	return at + 1;
}

/* Comments end at "-->" and "--!>"; "<!-->" and "<!--->" are whole ones. */
static size_t comment_end(struct span s, size_t at)
{
	if (at < s.n && s.p[at] == '>')
		return at + 1;
	if (at + 1 < s.n && s.p[at] == '-' && s.p[at + 1] == '>')
		return at + 2;
	while (at < s.n) {
		const uint8_t *dashes = memmem(s.p + at, s.n - at, "--", 2);
		if (!dashes)
			break;
		at = (size_t)(dashes - s.p) + 2;
		if (at < s.n && s.p[at] == '>')
			return at + 1;
		if (at + 1 < s.n && s.p[at] == '!' && s.p[at + 1] == '>')
			return at + 2;
		at--;
	}
	return s.n;
}

/* At a '<' that begins no text. Returns the position after the markup. */
static size_t read_markup(struct span s, size_t at, struct html_token *out)
{
	uint8_t next = s.p[at + 1];
	if (is_letter(next)) {
		out->kind = HTML_START;
		return read_tag(s, at + 1, out);
	}
	if (next == '/' && at + 2 < s.n && is_letter(s.p[at + 2])) {
		out->kind = HTML_END;
		return read_tag(s, at + 2, out);
	}
	out->kind = HTML_OTHER;
	if (s.n - at >= 4 && memcmp(s.p + at, "<!--", 4) == 0)
		return comment_end(s, at + 4);
	const uint8_t *close = memchr(s.p + at, '>', s.n - at);
	return close ? (size_t)(close - s.p) + 1 : s.n;
}

static bool begins_markup(struct span s, size_t at)
{
	if (s.p[at] != '<' || at + 1 >= s.n)
		return false;
	uint8_t next = s.p[at + 1];
	return is_letter(next) || next == '!' || next == '?' || (next == '/' && at + 2 < s.n);
}

bool html_token_next(struct span s, size_t *at, struct html_token *out)
{
	size_t begin = *at, end = begin;
	if (begin >= s.n)
		return false;
	*out = (struct html_token){.kind = HTML_TEXT};
	if (begins_markup(s, begin)) {
		end = read_markup(s, begin, out);
	} else {
		do {
			const uint8_t *open = memchr(s.p + end + 1, '<', s.n - end - 1);
			end = open ? (size_t)(open - s.p) : s.n;
		} while (end < s.n && !begins_markup(s, end));
	}
	out->all = span_sub(s, begin, end - begin);
	*at = end;
	return true;
}

size_t html_raw_end(struct span s, size_t at, struct span name)
{
	while (at < s.n) {
		const uint8_t *open = memchr(s.p + at, '<', s.n - at);
		if (!open)
			break;
		at = (size_t)(open - s.p);
		size_t end = at + 2 + name.n;
		if (end < s.n && s.p[at + 1] == '/' && ends_name(s.p[end]) &&
		    span_ieq((struct span){s.p + at + 2, name.n}, name))
			return at;
		at++;
	}
	return s.n;
}
