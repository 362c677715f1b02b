#include "parser/html_text.h"
#include "parser/entity.h"
#include "parser/html_token.h"
#include "parser/name_list.h"
#include "parser/utf8.h"

#define TAG_MAX 16

/* The tag's name in small letters; none for a long one. */
static struct span small_name(struct span name, uint8_t out[TAG_MAX])
{
	size_t n = name.n <= TAG_MAX ? name.n : 0;
	for (size_t i = 0; i < n; i++)
		out[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 0x20 : name.p[i];
	return (struct span){out, n};
}

/* What a tag is as text. Returns where to go on. */
static size_t put_tag(struct span s, size_t after, const struct html_token *token, struct buf *out)
{
	uint8_t small[TAG_MAX];
	struct span name = small_name(token->name, small);
	if (name_in_list("br p div tr li ul ol table h1 h2 h3 h4 h5 h6 blockquote hr pre section "
			 "article header footer dl dt dd",
			 name))
		buf_put_byte(out, '\n');
	else if (name_in_list("td th", name))
		buf_put_byte(out, ' ');
	if (token->kind == HTML_START &&
	    name_in_list("script style title textarea xml noscript", name))
		return html_raw_end(s, after, token->name);
	return after;
}

static void put_text(struct span s, size_t max_bytes, struct buf *out)
{
	size_t at = 0;
	while (at < s.n && out->n < max_bytes) {
		size_t run = at, n;
		while (run < s.n && s.p[run] != '&')
			run++;
		buf_put(out, s.p + at, run - at);
		at = run;
		if (at >= s.n)
			break;
		uint32_t code = entity_read((struct span){s.p + at, s.n - at}, &n);
		if (code)
			buf_put_utf8(out, code);
		else
			buf_put_byte(out, '&');
		at += code ? n : 1;
	}
}

void html_text(struct span s, size_t max_bytes, struct buf *out)
{
	struct html_token token;
	size_t at = 0;
	while (out->n < max_bytes && html_token_next(s, &at, &token)) {
		if (token.kind == HTML_TEXT)
			put_text(token.all, max_bytes, out);
		else if (token.kind != HTML_OTHER)
			at = put_tag(s, at, &token, out);
	}
}
