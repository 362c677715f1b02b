#include "parser/html_text.h"
#include "parser/entity.h"
#include "parser/html_token.h"

enum effect { NONE = 0, LINE_END, BLANK, LEFT_OUT };

/* What a tag is in text: line ends around blocks, blanks between cells; the content of some is no text. */
static enum effect effect_of(struct span name)
{
	static const struct {
		const char *names; /* in small letters, all of one length */
		enum effect effect;
		uint8_t length, count;
	} groups[] = {
		{"p", LINE_END, 1, 1},
		{"brtrliulolh1h2h3h4h5h6hrdldtdd", LINE_END, 2, 15},
		{"tdth", BLANK, 2, 2},
		{"divpre", LINE_END, 3, 2},
		{"xml", LEFT_OUT, 3, 1},
		{"table", LINE_END, 5, 1},
		{"styletitle", LEFT_OUT, 5, 2},
		{"headerfooter", LINE_END, 6, 2},
		{"script", LEFT_OUT, 6, 1},
		{"sectionarticle", LINE_END, 7, 2},
		{"textareanoscript", LEFT_OUT, 8, 2},
		{"blockquote", LINE_END, 10, 1},
	};
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		for (size_t i = 0; groups[g].length == name.n && i < groups[g].count; i++) {
			if (span_ieq(name, span_make(groups[g].names + i * name.n, name.n)))
				return groups[g].effect;
		}
	}
	return NONE;
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
	enum effect effect = effect_of(token->name);
	if (span_ieq(token->name, SPAN_LIT("blockquote")))
		count_depth(w, token);
	if (effect == LINE_END)
		put_line_end(w);
	else if (effect == BLANK)
		buf_put_byte(w->out, ' ');
	else if (effect == LEFT_OUT && token->kind == HTML_START)
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
