#include "sender/body_encode.h"

#include "common/base/code.h"

enum { BASE64_LINE_OCTETS = 57, QP_LINE = 76 };

void body_base64(struct buf *out, struct span content)
{
	while (content.n) {
		size_t n = content.n < BASE64_LINE_OCTETS ? content.n : BASE64_LINE_OCTETS;

		base64_encode(span_sub(content, 0, n), out);
		buf_put_cstr(out, "\r\n");
		content = span_sub(content, n, content.n);
	}
}

/* Length of the line end at i, 0 if there is none: CRLF, LF or CR. */
static size_t line_end(struct span text, size_t i)
{
	if (text.p[i] == '\r')
		return i + 1 < text.n && text.p[i + 1] == '\n' ? 2 : 1;
	return text.p[i] == '\n' ? 1 : 0;
}

static bool qp_literal(struct span text, size_t i)
{
	uint8_t c = text.p[i];

	if (c == ' ' || c == '\t')
		return i + 1 < text.n && !line_end(text, i + 1);
	return c > 0x20 && c < 0x7f && c != '=';
}

/* How many octets from i on go as they are, at most room. */
static size_t qp_run(struct span text, size_t i, size_t room)
{
	size_t n = 0;

	while (n < room && i + n < text.n && !line_end(text, i + n) && qp_literal(text, i + n))
		n++;
	return n;
}

void body_quoted_printable(struct buf *out, struct span text)
{
	size_t column = 0;

	for (size_t i = 0; i < text.n;) {
		size_t end = line_end(text, i), run = qp_run(text, i, QP_LINE - 1 - column);

		if (end) {
			buf_put_cstr(out, "\r\n");
			column = 0;
			i += end;
		} else if (run) {
			buf_put_span(out, span_sub(text, i, run));
			column += run;
			i += run;
		} else if (column + (qp_literal(text, i) ? 1 : 3) > QP_LINE - 1) {
			buf_put_cstr(out, "=\r\n");
			column = 0;
		} else {
			buf_printf(out, "=%02X", text.p[i++]);
			column += 3;
		}
	}
	if (column)
		buf_put_cstr(out, "\r\n");
}

struct html_text {
	struct buf *out;
	struct span html;
	size_t at;
	bool blank; /* a blank is owed before the next word */
};

static bool at_line_start(const struct html_text *h)
{
	return h->out->n == 0 || h->out->p[h->out->n - 1] == '\n';
}

static void text_line(struct html_text *h, size_t lines)
{
	size_t have = 0;

	while (have < h->out->n && h->out->p[h->out->n - 1 - have] == '\n')
		have++;
	if (h->out->n)
		for (; have < lines; have++)
			buf_put_byte(h->out, '\n');
	h->blank = false;
}

static void text_bytes(struct html_text *h, const void *p, size_t n)
{
	if (h->blank && !at_line_start(h))
		buf_put_byte(h->out, ' ');
	h->blank = false;
	buf_put(h->out, p, n);
}

static void text_code_point(struct html_text *h, uint32_t c)
{
	uint8_t b[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (c < 0x20 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return;
	for (size_t i = n; i-- > 1; c >>= 6)
		b[i] = (uint8_t)(0x80 | (c & 0x3f));
	b[0] = (uint8_t)(n == 1 ? c : (0xf00u >> n & 0xff) | c);
	text_bytes(h, b, n);
}

static bool text_named(struct html_text *h, struct span name)
{
	static const struct {
		const char *name;
		uint32_t c;
	} known[] = {{"amp", '&'},	{"lt", '<'},	   {"gt", '>'},	       {"quot", '"'},
		     {"apos", '\''},	{"nbsp", ' '},	   {"euro", 0x20ac},   {"copy", 0xa9},
		     {"mdash", 0x2014}, {"ndash", 0x2013}, {"hellip", 0x2026}, {"rsquo", 0x2019},
		     {"lsquo", 0x2018}, {"rdquo", 0x201d}, {"ldquo", 0x201c},  {"bull", 0x2022}};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (span_eq(name, span_cstr(known[i].name))) {
			text_code_point(h, known[i].c);
			return true;
		}
	return false;
}

static bool text_numeric(struct html_text *h, struct span digits)
{
	bool hex = digits.n && (digits.p[0] == 'x' || digits.p[0] == 'X');
	uint32_t c = 0;

	if (digits.n < (hex ? 2u : 1u) || digits.n > 8)
		return false;
	for (size_t i = hex; i < digits.n; i++) {
		uint32_t d = digits.p[i] | 0x20u;

		d = d >= 'a' ? d - 'a' + 10 : (uint32_t)digits.p[i] - '0';
		if (d >= (hex ? 16u : 10u))
			return false;
		c = c * (hex ? 16 : 10) + d;
	}
	text_code_point(h, c);
	return true;
}

static void text_reference(struct html_text *h)
{
	struct span rest = span_sub(h->html, h->at + 1, 12);
	size_t n = span_find_byte(rest, ';');
	struct span name = span_sub(rest, 0, n);
	bool known = n < rest.n && (n && name.p[0] == '#' ? text_numeric(h, span_sub(name, 1, n))
							  : text_named(h, name));

	if (known) {
		h->at += n + 2;
	} else {
		text_bytes(h, "&", 1);
		h->at++;
	}
}

static bool tag_is(struct span tag, const char *name)
{
	struct span n = span_cstr(name);

	return span_istarts(tag, n) &&
	       (tag.n == n.n || strchr(" \t\r\n/>", (int)tag.p[n.n]) != NULL);
}

static bool tag_among(struct span tag, const char *const *names)
{
	for (; *names; names++)
		if (tag_is(tag, *names))
			return true;
	return false;
}

/* After an opening tag whose content is not text: to its end tag. */
static void skip_element(struct html_text *h, const char *end_tag)
{
	struct span end = span_cstr(end_tag);

	while (h->at < h->html.n && !span_istarts(span_sub(h->html, h->at, end.n), end))
		h->at++;
}

static void text_tag(struct html_text *h)
{
	static const char *const blocks[] = {
		"p",  "/p",  "h1",  "h2",    "h3",     "h4",  "h5",  "h6",  "blockquote", "ul",
		"ol", "/ul", "/ol", "table", "/table", "/h1", "/h2", "/h3", NULL};
	static const char *const lines[] = {"br", "div", "/div", "tr", "/tr", "li", "hr", NULL};
	struct span rest = span_sub(h->html, h->at, h->html.n);
	bool comment = span_istarts(rest, SPAN_LIT("<!--"));
	size_t n = span_find_byte(rest, '>');
	struct span tag = span_sub(rest, 1, n ? n - 1 : 0);

	if (comment) {
		skip_element(h, "-->");
		h->at = h->at + 3 < h->html.n ? h->at + 3 : h->html.n;
		return;
	}
	h->at += n < rest.n ? n + 1 : rest.n;
	if (tag_is(tag, "style"))
		skip_element(h, "</style");
	else if (tag_is(tag, "script"))
		skip_element(h, "</script");
	else if (tag_is(tag, "title"))
		skip_element(h, "</title");
	else if (tag_among(tag, blocks))
		text_line(h, 2);
	else if (tag_is(tag, "br"))
		buf_put_byte(h->out, '\n');
	else if (tag_among(tag, lines))
		text_line(h, 1);
	if (tag_is(tag, "li"))
		buf_put_cstr(h->out, "- ");
	else if (tag_is(tag, "td") || tag_is(tag, "th"))
		h->blank = true;
}

void body_text_from_html(struct buf *out, struct span html)
{
	struct html_text h = {.out = out, .html = html};

	while (h.at < html.n) {
		uint8_t c = html.p[h.at];

		if (c == '<' && h.at + 1 < html.n &&
		    strchr("/!abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
			   html.p[h.at + 1]) &&
		    html.p[h.at + 1]) {
			text_tag(&h);
		} else if (c == '&') {
			text_reference(&h);
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			h.blank = true;
			h.at++;
		} else {
			text_bytes(&h, &html.p[h.at], 1);
			h.at++;
		}
	}
	text_line(&h, 1);
}
