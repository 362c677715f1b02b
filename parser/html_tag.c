#include "parser/html_tag.h"

size_t html_tag_end(struct span s, size_t at)
{
	uint8_t before = 0;
	while (at < s.n && s.p[at] != '>') {
		uint8_t c = s.p[at];
		if ((c == '"' || c == '\'') && before == '=') {
			const uint8_t *close = memchr(s.p + at + 1, c, s.n - at - 1);
			if (!close)
				return s.n;
			at = (size_t)(close - s.p);
		}
		if (c > ' ')
			before = c;
		at++;
	}
	return at < s.n ? at + 1 : s.n;
}
