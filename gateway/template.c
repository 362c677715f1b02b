#include "gateway/template.h"

#include <string.h>

#include "gateway/template_link.h"
#include "gateway/template_place.h"

/* An open condition. */
struct level {
	struct template_place place; /* where it began */
	struct span tag;
	bool outer; /* what is around it goes out */
	bool chosen; /* its first branch was */
	bool other; /* behind {{else}} */
};

struct filler {
	enum template_mode mode;
	const struct template_fields *fields;
	struct buf *out;
	struct template_gaps *gaps;
	struct template_place place;
	struct level levels[TEMPLATE_DEPTH_MAX];
	size_t depth;
	bool active; /* what comes goes out */
};

static void gap(struct filler *f, enum template_value why, struct span tag, const char *words)
{
	struct template_gaps *g = f->gaps;

	for (size_t i = 0; i < g->count && i < TEMPLATE_GAPS_MAX; i++)
		if (g->items[i].why == why && span_eq(g->items[i].tag, tag))
			return;
	if (g->count < TEMPLATE_GAPS_MAX)
		g->items[g->count] = (struct template_gap){why, tag, words};
	g->count++;
}

static void literal(struct filler *f, struct span text)
{
	if (f->mode == TEMPLATE_HTML)
		template_place_feed(&f->place, text);
	if (f->active)
		buf_put_span(f->out, text);
}

/* own: written by the author, in the text's own language; else a value. */
static void escaped(struct filler *f, struct span value, bool own)
{
	const char *line = template_place_text(&f->place) ? "<br>" : " ";
	bool comment = template_place_comment(&f->place);

	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];

		if (c == '<')
			buf_put_cstr(f->out, "&lt;");
		else if (c == '>')
			buf_put_cstr(f->out, "&gt;");
		else if (c == '"')
			buf_put_cstr(f->out, "&quot;");
		else if (c == '\'')
			buf_put_cstr(f->out, "&#39;");
		else if (c == '&' && !own)
			buf_put_cstr(f->out, "&amp;");
		else if (c == '-' && comment)
			buf_put_cstr(f->out, "&#45;");
		else if (c == '\n')
			buf_put_cstr(f->out, line);
		else if (c != '\r')
			buf_put_byte(f->out, c);
	}
}

static void put(struct filler *f, struct span value, bool own)
{
	if (f->mode == TEMPLATE_HTML)
		escaped(f, value, own);
	else
		buf_put_span(f->out, value);
}

/* With this value in it, does the link lead where one may go? */
static void check_link(struct filler *f, struct span tag)
{
	char quote = f->mode == TEMPLATE_HTML ? template_place_link(&f->place) : 0;
	struct span out = buf_span(f->out);
	size_t begin = out.n;

	while (quote && begin > 0 && out.p[begin - 1] != (uint8_t)quote)
		begin--;
	if (quote && !template_link_ok(span_sub(out, begin, out.n - begin)))
		gap(f, TEMPLATE_BAD, tag,
		    "makes a link that is none of http, https, mailto, tel, sms and cid");
}

static bool is_name(struct span name)
{
	bool after_dot = true;

	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		if (c == '.' && after_dot)
			return false;
		after_dot = c == '.';
		if (!after_dot && !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				    (c >= '0' && c <= '9') || c == '_' || c == '-'))
			return false;
	}
	return !after_dot && name.n <= TEMPLATE_NAME_MAX;
}

static void fill_field(struct filler *f, struct span tag, struct span inside)
{
	size_t bar = span_find_byte(inside, '|');
	struct span name = span_trim(span_sub(inside, 0, bar));
	struct span other = span_trim(span_sub(inside, bar + 1, inside.n)), value;
	enum template_value found;

	if (other.n >= 2 && other.p[0] == '"' && other.p[other.n - 1] == '"')
		other = span_sub(other, 1, other.n - 2);
	if (!is_name(name)) {
		gap(f, TEMPLATE_BAD, tag, "is not understood");
		return;
	}
	if (f->mode == TEMPLATE_HTML && !template_place_safe(&f->place)) {
		gap(f, TEMPLATE_BAD, tag, "cannot stand inside a tag, but in quotes");
		return;
	}
	if (!f->active)
		return;
	found = f->fields->get(f->fields->ctx, name, &value);
	if (found == TEMPLATE_FOUND)
		put(f, value, false);
	else if (bar < inside.n)
		put(f, other, true);
	else
		gap(f, found, tag,
		    found == TEMPLATE_EMPTY ? "has no value" : "is no field that is known");
	check_link(f, tag);
}

static void open_if(struct filler *f, struct span tag, struct span name)
{
	struct level *level = &f->levels[f->depth];
	enum template_value found = TEMPLATE_EMPTY;
	struct span value;

	if (!is_name(name) || f->depth == TEMPLATE_DEPTH_MAX) {
		gap(f, TEMPLATE_BAD, tag,
		    f->depth == TEMPLATE_DEPTH_MAX ? "is nested too deep" : "is not understood");
		return;
	}
	if (f->active)
		found = f->fields->get(f->fields->ctx, name, &value);
	if (found == TEMPLATE_UNKNOWN)
		gap(f, found, tag, "asks for no field that is known");
	*level = (struct level){f->place, tag, f->active, found == TEMPLATE_FOUND, false};
	f->depth++;
	f->active = level->outer && level->chosen;
}

static bool in_place(struct filler *f, const struct level *level)
{
	if (template_place_same(&f->place, &level->place))
		return true;
	gap(f, TEMPLATE_BAD, level->tag,
	    "begins and ends in different places of the HTML: put whole elements into it");
	return false;
}

static void turn_else(struct filler *f, struct span tag)
{
	struct level *level = f->depth ? &f->levels[f->depth - 1] : NULL;

	if (!level || level->other) {
		gap(f, TEMPLATE_BAD, tag, "belongs to no {{#if …}}");
		return;
	}
	(void)in_place(f, level);
	level->other = true;
	f->active = level->outer && !level->chosen;
}

static void close_if(struct filler *f, struct span tag)
{
	if (!f->depth) {
		gap(f, TEMPLATE_BAD, tag, "belongs to no {{#if …}}");
		return;
	}
	f->depth--;
	(void)in_place(f, &f->levels[f->depth]);
	f->active = f->levels[f->depth].outer;
}

static void take_tag(struct filler *f, struct span tag)
{
	struct span inside = span_trim(span_sub(tag, 2, tag.n - 4));

	if (span_eq(inside, SPAN_LIT("else")))
		turn_else(f, tag);
	else if (span_eq(inside, SPAN_LIT("/if")))
		close_if(f, tag);
	else if (inside.n > 4 && memcmp(inside.p, "#if ", 4) == 0)
		open_if(f, tag, span_trim(span_sub(inside, 4, inside.n)));
	else
		fill_field(f, tag, inside);
}

/* Where the first `}}` at or behind `at` begins; text.n: there is none. */
static size_t next_close(struct span text, size_t at)
{
	while (at + 1 < text.n && (text.p[at] != '}' || text.p[at + 1] != '}'))
		at++;
	return at + 1 < text.n ? at : text.n;
}

/* The length of the tag at `at`; 0: there is none. *close_in_out: the next `}}`, so that nothing is read twice. */
static size_t tag_length(struct span text, size_t at, size_t *close_in_out)
{
	if (text.n - at < 4 || text.p[at] != '{' || text.p[at + 1] != '{')
		return 0;
	if (*close_in_out < at + 2)
		*close_in_out = next_close(text, at + 2);
	if (*close_in_out == text.n || *close_in_out + 2 - at > TEMPLATE_TAG_MAX)
		return 0;
	return *close_in_out + 2 - at;
}

void template_fill(struct span text, enum template_mode mode, const struct template_fields *fields,
		   struct buf *out, struct template_gaps *gaps)
{
	struct filler f = {
		.mode = mode, .fields = fields, .out = out, .gaps = gaps, .active = true};
	size_t from = 0, at = 0, close = 0;

	while (at < text.n) {
		size_t n = tag_length(text, at, &close);

		if (!n) {
			at++;
			continue;
		}
		literal(&f, span_sub(text, from, at - from));
		take_tag(&f, span_sub(text, at, n));
		from = at += n;
	}
	literal(&f, span_sub(text, from, at - from));
	for (; f.depth > 0; f.depth--)
		gap(&f, TEMPLATE_BAD, f.levels[f.depth - 1].tag, "is not closed by {{/if}}");
}
