#include "parser/lex.h"

bool lex_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

size_t lex_comment(struct span s, size_t at)
{
	size_t depth = 0;
	for (; at < s.n; at++) {
		if (s.p[at] == '\\') {
			at++;
		} else if (s.p[at] == '(') {
			depth++;
		} else if (s.p[at] == ')' && --depth == 0) {
			return at + 1;
		}
	}
	return s.n;
}

size_t lex_skip(struct span s, size_t at)
{
	while (at < s.n) {
		if (lex_is_blank(s.p[at]))
			at++;
		else if (s.p[at] == '(')
			at = lex_comment(s, at);
		else
			break;
	}
	return at;
}

size_t lex_quoted(struct span s, size_t at)
{
	for (at++; at < s.n; at++) {
		if (s.p[at] == '\\')
			at++;
		else if (s.p[at] == '"')
			return at + 1;
	}
	return s.n;
}

void lex_unquote(struct span s, struct buf *out)
{
	size_t i = 0, end = s.n;
	if (s.n && (s.p[0] == '"' || s.p[0] == '(')) {
		i = 1;
		if (s.n >= 2 && s.p[s.n - 1] == (s.p[0] == '"' ? '"' : ')'))
			end--;
	}
	for (; i < end; i++) {
		if (s.p[i] == '\\' && i + 1 < end)
			i++;
		buf_put_byte(out, s.p[i]);
	}
}
