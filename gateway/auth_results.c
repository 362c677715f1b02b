#include "gateway/auth_results.h"

#include <ctype.h>
#include <string.h>

#define HEADER_MAX (256u << 10)
#define FIELD_MAX 8192

/* The length of the line at `at`, its end included. */
static size_t line_length(struct span text, size_t at)
{
	const uint8_t *end = memchr(text.p + at, '\n', text.n - at);

	return end ? (size_t)(end - text.p) - at + 1 : text.n - at;
}

static bool is_folded(struct span text, size_t at)
{
	return at < text.n && (text.p[at] == ' ' || text.p[at] == '\t');
}

/* The value of the first field of that name (with its colon), folded lines included; empty if there is none. */
static struct span field_find(struct span raw, struct span name)
{
	const struct span text = span_sub(raw, 0, HEADER_MAX);
	size_t at = 0;

	while (at < text.n) {
		const size_t begin = at;
		const struct span line = span_sub(text, at, line_length(text, at));

		if (line.n == 0 || line.p[0] == '\n' || line.p[0] == '\r')
			break;
		at += line.n;
		while (is_folded(text, at))
			at += line_length(text, at);
		if (line.n > name.n && span_ieq(span_sub(line, 0, name.n), name))
			return span_sub(text, begin + name.n, at - begin - name.n);
	}
	return SPAN_LIT("");
}

/* Without comments, which nest, and quoted strings: neither says what a method found. */
static size_t plain_copy(struct span value, char *out, size_t room)
{
	size_t depth = 0, n = 0;
	bool quoted = false;

	for (size_t i = 0; i < value.n && n + 1 < room; i++) {
		const char c = (char)value.p[i];

		if (c == '\\' && (depth || quoted))
			i++;
		else if (c == '"' && !depth)
			quoted = !quoted;
		else if (c == '(' && !quoted)
			depth++;
		else if (c == ')' && !quoted && depth)
			depth--;
		else if (!depth && !quoted)
			out[n++] = (char)tolower((unsigned char)c);
	}
	out[n] = '\0';
	return n;
}

/* `method [/version] = result` at the beginning of a part between semicolons. */
static void take(const char *part, const char *method, char result[AUTH_RESULT_BYTES])
{
	const size_t n = strlen(method);
	size_t length;

	part += strspn(part, " \t\r\n");
	if (strncmp(part, method, n) != 0)
		return;
	part += n;
	part += strspn(part, " \t\r\n");
	if (*part == '/')
		part += 1 + strspn(part + 1, " \t\r\n0123456789");
	if (*part != '=')
		return;
	part++;
	part += strspn(part, " \t\r\n");
	length = strspn(part, "abcdefghijklmnopqrstuvwxyz");
	if (length == 0 || length >= AUTH_RESULT_BYTES ||
	    (result[0] && strncmp(part, "pass", length) != 0))
		return;
	memcpy(result, part, length);
	result[length] = '\0';
}

void auth_results_read(struct span raw, struct auth_results *out)
{
	const struct span value = field_find(raw, SPAN_LIT("Authentication-Results:"));
	char text[FIELD_MAX];

	memset(out, 0, sizeof(*out));
	out->found = value.n > 0;
	plain_copy(value, text, sizeof(text));
	/* What stands before the first semicolon is the server's name. */
	for (char *part = strchr(text, ';'); part; part = strchr(part, ';')) {
		part++;
		take(part, "spf", out->spf);
		take(part, "dkim", out->dkim);
		take(part, "dmarc", out->dmarc);
	}
}
