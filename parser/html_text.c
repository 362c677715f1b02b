#include "parser/html_text.h"
#include "parser/html_tag.h"
#include "parser/entity.h"
#include "parser/utf8.h"

#define TAG_MAX 16

static bool is_name(uint8_t c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
}

static bool one_of(const char *names, const char *name, size_t n)
{
	for (const char *at = names; *at;) {
		const char *end = strchrnul(at, ' ');
		if ((size_t)(end - at) == n && memcmp(at, name, n) == 0)
			return true;
		at = *end ? end + 1 : end;
	}
	return false;
}

/* Position of "</name" at or after `at`. */
static size_t find_close(struct span s, size_t at, const char *name, size_t n)
{
	while (at < s.n) {
		const uint8_t *hit = memchr(s.p + at, '<', s.n - at);
		if (!hit)
			break;
		at = (size_t)(hit - s.p);
		if (at + 2 + n <= s.n && s.p[at + 1] == '/' &&
		    span_ieq((struct span){s.p + at + 2, n}, span_make(name, n)))
			return at;
		at++;
	}
	return s.n;
}

/* At '<'. Returns where to go on. */
static size_t skip_markup(struct span s, size_t at, struct buf *out)
{
	struct span rest = {s.p + at, s.n - at};
	if (rest.n >= 4 && memcmp(rest.p, "<!--", 4) == 0) {
		const uint8_t *end = memmem(rest.p + 4, rest.n - 4, "-->", 3);
		return end ? (size_t)(end - s.p) + 3 : s.n;
	}
	size_t name = at + 1 + (rest.n > 1 && rest.p[1] == '/'), end = name;
	char tag[TAG_MAX];
	while (end < s.n && end - name < TAG_MAX && is_name(s.p[end])) {
		tag[end - name] = (char)(s.p[end] | 0x20);
		end++;
	}
	if (end == name && (rest.n < 2 || (rest.p[1] != '!' && rest.p[1] != '?'))) {
		buf_put_byte(out, '<');
		return at + 1;
	}
	size_t after = html_tag_end(s, end), n = end - name;
	for (size_t i = 0; i < n; i++) {
		if (s.p[name + i] >= '0' && s.p[name + i] <= '9')
			tag[i] = (char)s.p[name + i];
	}
	if (one_of("br p div tr li ul ol table h1 h2 h3 h4 h5 h6 blockquote hr pre section article "
		   "header footer dl dt dd",
		   tag, n))
		buf_put_byte(out, '\n');
	else if (one_of("td th", tag, n))
		buf_put_byte(out, ' ');
	if (name == at + 1 && one_of("script style title textarea xml noscript", tag, n))
		return find_close(s, after, tag, n);
	return after;
}

void html_text(struct span s, size_t max_bytes, struct buf *out)
{
	size_t at = 0;
	while (at < s.n && out->n < max_bytes) {
		size_t run = at;
		while (run < s.n && s.p[run] != '<' && s.p[run] != '&')
			run++;
		buf_put(out, s.p + at, run - at);
		at = run;
		if (at >= s.n)
			break;
		if (s.p[at] == '<') {
			at = skip_markup(s, at, out);
			continue;
		}
		size_t n;
		uint32_t code = entity_read((struct span){s.p + at, s.n - at}, &n);
		if (code)
			buf_put_utf8(out, code);
		else
			buf_put_byte(out, '&');
		at += code ? n : 1;
	}
}
