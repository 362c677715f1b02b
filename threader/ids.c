#include "threader/ids.h"

#include "common/base/code.h"
#include "common/secret/secret.h"

/* Length of the comment that s begins with, nested ones included; 0 if it is not closed: then '(' is an ordinary byte. */
static size_t comment_length(struct span s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

bool ids_next(struct span *field, struct span *token_out)
{
	bool comments = true;
	size_t i = 0;

	while (i < field->n) {
		struct span rest = span_sub(*field, i, field->n);
		size_t skip = 1;

		if (rest.p[0] == '<') {
			size_t end = span_find_byte(rest, '>');

			if (end == rest.n)
				break;
			*token_out = span_sub(rest, 1, end - 1);
			*field = span_sub(rest, end + 1, rest.n);
			return true;
		}
		if (rest.p[0] == '(' && comments) {
			skip = comment_length(rest);
			comments = skip > 0; /* one look at an unclosed one is enough */
			skip += skip == 0;
		}
		i += skip;
	}
	*field = span_sub(*field, field->n, 0);
	return false;
}

static bool is_edge(uint8_t c)
{
	return c <= ' ' || c == '<' || c == '>';
}

bool ids_normalize(struct span token, struct buf *out)
{
	size_t before = out->n;
	bool at = false;

	while (token.n > 0 && is_edge(token.p[0]))
		token = span_sub(token, 1, token.n);
	while (token.n > 0 && is_edge(token.p[token.n - 1]))
		token.n--;
	if (span_find_byte(token, '@') == token.n)
		return false;
	for (size_t i = 0; i < token.n; i++) {
		uint8_t c = token.p[i];

		if (c <= ' ' || c == 0x7f)
			continue;
		at |= c == '@';
		buf_put_byte(out, c);
	}
	if (out->n == before + 1 && at) /* a lone '@' */
		out->n = before;
	return out->n > before;
}

void ids_key(struct span normalized, uint8_t key_out[IDS_KEY_BYTES])
{
	uint8_t digest[32];

	secret_sha256(normalized, digest);
	memcpy(key_out, digest, IDS_KEY_BYTES);
}
