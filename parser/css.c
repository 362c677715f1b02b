#include "parser/css.h"
#include "parser/phrase.h"

#include <string.h>

#define NAME_MAX_BYTES 40

static const char PROPERTIES[] =
	" background-color border border-bottom border-bottom-color border-bottom-style "
	"border-bottom-width border-collapse "
	"border-color border-left border-left-color border-left-style border-left-width "
	"border-radius border-right "
	"border-right-color border-right-style border-right-width border-spacing border-style "
	"border-top border-top-color "
	"border-top-style border-top-width border-width box-sizing caption-side clear color "
	"direction display empty-cells "
	"float font font-family font-size font-style font-variant font-weight height "
	"letter-spacing line-height list-style "
	"list-style-position list-style-type margin margin-bottom margin-left margin-right "
	"margin-top max-height max-width "
	"min-height min-width opacity overflow overflow-wrap padding padding-bottom padding-left "
	"padding-right padding-top "
	"table-layout text-align text-decoration text-indent text-overflow text-transform "
	"unicode-bidi vertical-align "
	"visibility white-space width word-break word-spacing word-wrap background ";

static bool is_property(struct span name)
{
	char word[NAME_MAX_BYTES + 2];
	if (name.n == 0 || name.n >= NAME_MAX_BYTES)
		return false;
	word[0] = ' ';
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c | 0x20);
		if ((c < 'a' || c > 'z') && c != '-')
			return false;
		word[i + 1] = (char)c;
	}
	word[name.n + 1] = ' ';
	return memmem(PROPERTIES, sizeof(PROPERTIES) - 1, word, name.n + 2) != NULL;
}

/* Only characters that make words, numbers, colours and font names; functions only of colours. */
static bool is_value(struct span value)
{
	if (value.n == 0 || value.n > 256)
		return false;
	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];
		bool word = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
		if (!word && !strchr(" .,%#-+!'\"()/_", c))
			return false;
		if (c == 0)
			return false;
	}
	if (phrase_in(value, "expression") || phrase_in(value, "url") ||
	    phrase_in(value, "image") || phrase_in(value, "attr"))
		return false;
	return !memchr(value.p, '(', value.n) || phrase_in(value, "rgb") || phrase_in(value, "hsl");
}

static void put_lower(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++)
		buf_put_byte(out,
			     s.p[i] >= 'A' && s.p[i] <= 'Z' ? (uint8_t)(s.p[i] | 0x20) : s.p[i]);
}

/* One `name: value`. */
static bool put_declaration(struct span text, size_t start, struct buf *out)
{
	size_t colon = span_find_byte(text, ':');
	if (colon == text.n)
		return false;
	struct span name = span_trim((struct span){text.p, colon});
	struct span value = span_trim((struct span){text.p + colon + 1, text.n - colon - 1});
	if (!is_property(name) || !is_value(value))
		return phrase_in(value, "url");
	if (out->n > start)
		buf_put(out, "; ", 2);
	put_lower(name, out);
	buf_put(out, ": ", 2);
	buf_put_span(out, value);
	return false;
}

/* End of the declaration at s: ';' outside of quotes and parentheses. */
static size_t declaration_end(struct span s)
{
	uint8_t quote = 0;
	int depth = 0;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		if (quote)
			quote = c == quote ? 0 : quote;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (c == ';' && depth == 0)
			return i;
	}
	return s.n;
}

bool css_clean(struct span style, struct buf *out)
{
	bool remote = false;
	size_t start = out->n;
	while (style.n > 0) {
		size_t n = declaration_end(style);
		remote |= put_declaration((struct span){style.p, n}, start, out);
		style = span_sub(style, n + 1, style.n);
	}
	return remote;
}
