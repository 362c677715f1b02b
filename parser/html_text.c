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

struct writer {
	struct buf *out;
	bool marked; /* quoted blocks get '>' */
	unsigned depth; /* of blockquotes, from the outermost quoting one on */
};

static void put_line_end(struct writer *w)
{
	buf_put_cstr(w->out, w->depth > 0 ? "\n> " : "\n");
}

static struct span unquoted(struct span value)
{
	bool quotes = value.n >= 2 && (value.p[0] == '"' || value.p[0] == '\'');
	return quotes ? span_sub(value, 1, value.n - 2) : value;
}

/* As mail programs mark the message they answer: <blockquote type="cite">, class="gmail_quote". */
static bool is_cite(struct span attributes)
{
	struct html_attribute a;
	for (size_t at = 0; html_attribute_next(attributes, &at, &a);) {
		struct span value = unquoted(a.value);
		if (span_ieq(a.name, SPAN_LIT("type")) && span_ieq(value, SPAN_LIT("cite")))
			return true;
		if (span_ieq(a.name, SPAN_LIT("class")) &&
		    span_istarts(value, SPAN_LIT("gmail_quote")))
			return true;
	}
	return false;
}

static void count_depth(struct writer *w, const struct html_token *token)
{
	if (token->kind == HTML_END)
		w->depth -= w->depth > 0;
	else if (w->depth > 0 || (w->marked && is_cite(token->attributes)))
		w->depth++;
}

/* What a tag is as text. Returns where to go on. */
static size_t put_tag(struct writer *w, struct span s, size_t after, const struct html_token *token)
{
	uint8_t small[TAG_MAX];
	struct span name = small_name(token->name, small);
	if (name_in_list("blockquote", name))
		count_depth(w, token);
	if (name_in_list("br p div tr li ul ol table h1 h2 h3 h4 h5 h6 blockquote hr pre section "
			 "article header footer dl dt dd",
			 name))
		put_line_end(w);
	else if (name_in_list("td th", name))
		buf_put_byte(w->out, ' ');
	if (token->kind == HTML_START &&
	    name_in_list("script style title textarea xml noscript", name))
		return html_raw_end(s, after, token->name);
	return after;
}

/* Line ends of the source are none of the text: in a quoted block they would lose its mark. */
static void put_words(struct writer *w, struct span words)
{
	size_t start = w->out->n;
	buf_put_span(w->out, words);
	for (size_t i = start; w->depth > 0 && i < w->out->n; i++) {
		if (w->out->p[i] == '\n' || w->out->p[i] == '\r')
			w->out->p[i] = ' ';
	}
}

static void put_text(struct writer *w, struct span s, size_t max_bytes)
{
	size_t at = 0;
	while (at < s.n && w->out->n < max_bytes) {
		size_t run = at, n;
		while (run < s.n && s.p[run] != '&')
			run++;
		put_words(w, span_sub(s, at, run - at));
		at = run;
		if (at >= s.n)
			break;
		uint32_t code = entity_read((struct span){s.p + at, s.n - at}, &n);
		if (code)
			buf_put_utf8(w->out, w->depth > 0 && code == '\n' ? ' ' : code);
		else
			buf_put_byte(w->out, '&');
		at += code ? n : 1;
	}
}

static void put_html(struct writer *w, struct span s, size_t max_bytes)
{
	struct html_token token;
	size_t at = 0;
	while (w->out->n < max_bytes && html_token_next(s, &at, &token)) {
		if (token.kind == HTML_TEXT)
			put_text(w, token.all, max_bytes);
		else if (token.kind != HTML_OTHER)
			at = put_tag(w, s, at, &token);
	}
}

void html_text(struct span html, size_t max_bytes, struct buf *out)
{
	struct writer w = {.out = out};
	put_html(&w, html, max_bytes);
}

void html_text_marked(struct span html, size_t max_bytes, struct buf *out)
{
	struct writer w = {.out = out, .marked = true};
	put_html(&w, html, max_bytes);
}
