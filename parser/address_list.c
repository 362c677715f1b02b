#include "parser/address_list.h"
#include "parser/encoded_word.h"
#include "parser/lex.h"
#include "parser/utf8.h"

#define FIRST_CAP 4

/* One element between separators, as found by scan_element. Offsets into raw. */
struct element {
	size_t start, end; /* all of it */
	size_t angle, angle_end; /* "<…>" without the brackets; angle_end 0: none */
	size_t comment, comment_end;
	bool quoted, at_sign;
	uint8_t stop; /* ',' ';' ':' or 0 at the end */
};

static size_t scan_angle(struct span s, size_t at, struct element *e)
{
	size_t from = ++at;
	bool seen_at = false;
	while (at < s.n && s.p[at] != '>' && s.p[at] != '<') {
		if (s.p[at] == '"')
			at = lex_quoted(s, at);
		else if (s.p[at] == ',' && seen_at && s.p[from] != '@')
			break;
		else
			seen_at |= s.p[at++] == '@';
	}
	if (at > s.n)
		at = s.n;
	e->angle = from;
	e->angle_end = at > from ? at : from;
	return at < s.n && s.p[at] == '>' ? at + 1 : at;
}

/* A quote that opens in the middle of a word or never closes is a character like others. */
static bool opens_quote(struct span s, size_t at, bool *no_close)
{
	if (*no_close ||
	    (at > 0 && !lex_is_blank(s.p[at - 1]) && !strchr(",;:<>()\"", s.p[at - 1])))
		return false;
	size_t end = lex_quoted(s, at);
	if (end == s.n && (s.n < at + 2 || s.p[s.n - 1] != '"')) {
		*no_close = true;
		return false;
	}
	return true;
}

/* Finds the end of the element that begins at `at`. */
static size_t scan_element(struct span s, size_t at, bool *no_close, bool *no_word,
			   struct element *e)
{
	*e = (struct element){.start = at};
	while (at < s.n) {
		uint8_t c = s.p[at];
		if (c == '"' && opens_quote(s, at, no_close)) {
			e->quoted = true;
			at = lex_quoted(s, at);
		} else if (c == '(') {
			size_t from = at;
			at = lex_comment(s, at);
			e->comment = from;
			e->comment_end = at;
		} else if (c == '<' && (e->angle_end == 0 || e->angle_end == e->angle)) {
			at = scan_angle(s, at, e);
		} else if (c == '=' && at + 1 < s.n && s.p[at + 1] == '?' && !*no_word) {
			size_t n = encoded_word_length((struct span){s.p + at, s.n - at});
			*no_word = n == 0;
			at += n ? n : 2;
		} else if (c == ',' || c == ';' || (c == ':' && e->angle_end == 0 && !e->at_sign)) {
			e->stop = c;
			break;
		} else {
			e->at_sign |= c == '@';
			at++;
		}
	}
	e->end = at > s.n ? s.n : at;
	return e->stop ? e->end + 1 : e->end;
}

/* The address without comments, blanks, source route and control characters. */
static struct span clean_email(struct decode *d, struct span raw)
{
	struct span s = span_trim(raw);
	if (s.n && s.p[0] == '@') {
		size_t colon = span_find_byte(s, ':');
		if (colon < s.n)
			s = (struct span){s.p + colon + 1, s.n - colon - 1};
	}
	if (span_istarts(s, SPAN_LIT("mailto:")))
		s = (struct span){s.p + 7, s.n - 7};
	bool plain = true;
	for (size_t i = 0; i < s.n; i++)
		plain &= s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '(' && s.p[i] != '"' &&
			 s.p[i] != '<';
	if (plain)
		return s;
	d->text.n = 0;
	for (size_t i = 0; i < s.n;) {
		if (s.p[i] == '(') {
			i = lex_comment(s, i);
		} else if (s.p[i] == '"' && i == 0) {
			size_t end = lex_quoted(s, i);
			buf_put(&d->text, s.p + i, end - i);
			i = end;
		} else {
			if (s.p[i] > ' ' && s.p[i] != 0x7f && s.p[i] != '<' && s.p[i] != '>')
				buf_put_byte(&d->text, s.p[i]);
			i++;
		}
	}
	struct span text = arena_span(d->arena, buf_span(&d->text));
	if (utf8_valid(text))
		return text;
	d->words.n = 0;
	charset_decode(NULL, CHARSET_UNKNOWN, text, &d->words);
	return arena_span(d->arena, buf_span(&d->words));
}

/* The name of a phrase: quotes and comments out, encoded words decoded (inside of quotes too). */
static struct span clean_name(struct decode *d, struct span raw)
{
	struct span s = span_trim(raw);
	bool plain = true;
	for (size_t i = 0; i < s.n; i++)
		plain &= s.p[i] != '"' && s.p[i] != '(' && s.p[i] != '\\';
	if (plain)
		return encoded_word_text(d, s);
	struct buf *out = &d->text;
	out->n = 0;
	for (size_t i = 0; i < s.n;) {
		if (s.p[i] == '(') {
			i = lex_comment(s, i);
		} else if (s.p[i] == '"') {
			size_t end = lex_quoted(s, i);
			lex_unquote((struct span){s.p + i, end - i}, out);
			i = end;
		} else {
			buf_put_byte(out, s.p[i++]);
		}
	}
	return encoded_word_text(d, arena_span(d->arena, buf_span(out)));
}

static struct span strip_quotes(struct span s)
{
	while (s.n >= 2 && s.p[0] == s.p[s.n - 1] && (s.p[0] == '\'' || s.p[0] == '"'))
		s = span_trim((struct span){s.p + 1, s.n - 2});
	return s;
}

static struct span comment_name(struct decode *d, struct span raw)
{
	d->text.n = 0;
	lex_unquote(raw, &d->text);
	return encoded_word_text(d, arena_span(d->arena, buf_span(&d->text)));
}

static void add(struct address_list *list, struct arena *arena, struct mail_address a)
{
	if (list->count >= ADDRESS_LIST_MAX)
		return;
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : FIRST_CAP;
		struct mail_address *grown = arena_array(arena, cap, sizeof(*grown));
		if (list->count)
			memcpy(grown, list->items, list->count * sizeof(*grown));
		list->items = grown;
		list->cap = cap;
	}
	list->items[list->count++] = a;
}

static struct span part(struct span raw, size_t from, size_t to)
{
	return (struct span){raw.p + from, to > from ? to - from : 0};
}

static bool has_blank(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (lex_is_blank(s.p[i]))
			return true;
	}
	return false;
}

/* `a@b (name)`, or a bare word, or words and an address without brackets. */
static struct mail_address bare_address(struct decode *d, struct span raw, const struct element *e)
{
	struct mail_address a = {0};
	struct span all = part(raw, e->start, e->end);
	if (e->comment_end > 0)
		a.name = comment_name(d, part(raw, e->comment, e->comment_end));
	struct span text = span_trim(all);
	if (!e->at_sign && (e->quoted || has_blank(text) || encoded_word_length(text))) {
		a.name = clean_name(d, text);
		return a;
	}
	a.email = clean_email(d, text);
	return a;
}

static void take(struct decode *d, struct span raw, const struct element *e,
		 struct address_list *list)
{
	struct mail_address a = {0};
	if (e->angle_end > 0) {
		a.email = clean_email(d, part(raw, e->angle, e->angle_end));
		a.name = clean_name(d, part(raw, e->start, e->angle - 1));
		if (a.name.n == 0 && e->comment_end > 0)
			a.name = comment_name(d, part(raw, e->comment, e->comment_end));
	} else {
		a = bare_address(d, raw, e);
	}
	a.name = strip_quotes(a.name);
	if (a.email.n > 0 || a.name.n > 0)
		add(list, d->arena, a);
}

void address_list_parse(struct decode *d, struct span raw, struct address_list *list)
{
	bool no_close = false, no_word = false;
	size_t at = 0;
	while (at < raw.n && list->count < ADDRESS_LIST_MAX) {
		struct element e;
		at = scan_element(raw, at, &no_close, &no_word, &e);
		if (e.stop == ':')
			continue;
		take(d, raw, &e, list);
	}
}
