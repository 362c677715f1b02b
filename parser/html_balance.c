#include "parser/html_balance.h"
#include "parser/html_element.h"
#include "parser/html_token.h"
#include "parser/sanitize_table.h"

#define NAME_MAX_BYTES 16
#define ATTRIBUTES_MAX 24u /* of one tag */
#define FORMATTING_ATTRIBUTES_MAX 6u /* builders compare all of these with all others' */
#define ATTRIBUTES_SEEN_MAX 4096u
#define MISNESTED_MAX \
	2u /* blocks that a formatting element's end tag may cross and still surely end it */

struct balance {
	struct span s;
	size_t at;
	struct buf *out;
	GumboTag open[HTML_DEPTH_MAX];
	unsigned depth, formatting, tags;
	unsigned left_out[GUMBO_TAG_LAST + 1]; /* start tags; so many end tags go with them */
	bool never_ends[GUMBO_TAG_LAST + 1]; /* no end tag of it follows */
};

static void forget(struct balance *b, unsigned i)
{
	b->formatting -= html_element_is(b->open[i], HTML_FORMATTING);
	b->depth--;
	memmove(&b->open[i], &b->open[i + 1], (b->depth - i) * sizeof(b->open[0]));
}

static void put_end(struct balance *b, GumboTag tag)
{
	buf_put_cstr(b->out, "</");
	buf_put_cstr(b->out, gumbo_normalized_tagname(tag));
	buf_put_byte(b->out, '>');
}

/* Ends element i and what is open in it, but for formatting: that goes on behind it. */
static void close_from(struct balance *b, unsigned i)
{
	for (unsigned k = b->depth; k-- > i;) {
		if (k > i && html_element_is(b->open[k], HTML_FORMATTING))
			continue;
		put_end(b, b->open[k]);
		forget(b, k);
	}
}

/* The innermost open table or cell; depth: none. */
static unsigned find_scope(const struct balance *b)
{
	for (unsigned i = b->depth; i-- > 0;) {
		if (html_element_is(b->open[i], HTML_SCOPE))
			return i;
	}
	return b->depth;
}

/* The innermost open element of that tag, not beyond one of the kinds `end`; depth: none. */
static unsigned find_open(const struct balance *b, GumboTag tag, unsigned end)
{
	for (unsigned i = b->depth; i-- > 0;) {
		if (b->open[i] == tag)
			return i;
		if (html_element_is(b->open[i], end))
			break;
	}
	return b->depth;
}

/* A start tag that ends an element by itself: builders do the same, so no end tag is put. */
static void end_silently(struct balance *b, GumboTag tag, unsigned end)
{
	unsigned i = find_open(b, tag, end);
	if (i < b->depth)
		forget(b, i);
}

static bool in_table(const struct balance *b, unsigned scope)
{
	return scope < b->depth && b->open[scope] == GUMBO_TAG_TABLE;
}

/* Tags that stand in tables alone. False: it would be ignored. */
static bool start_in_table(struct balance *b, GumboTag tag)
{
	unsigned scope = find_scope(b);
	if (scope < b->depth && b->open[scope] != GUMBO_TAG_TABLE) {
		close_from(b, scope);
		scope = find_scope(b);
	}
	return in_table(b, scope) &&
	       (tag != GUMBO_TAG_COL || scope + 1 == b->depth); /* elsewhere it ends what is open */
}

/* What this start tag ends before it begins. False: it has no place here. */
static bool make_place(struct balance *b, GumboTag tag)
{
	if (html_element_is(tag, HTML_IN_TABLE))
		return start_in_table(b, tag);
	if (tag == GUMBO_TAG_TABLE) {
		unsigned scope = find_scope(b);
		if (in_table(b, scope))
			close_from(b, scope);
	}
	if (html_element_is(tag, HTML_ENDS_P))
		end_silently(b, GUMBO_TAG_P, HTML_SCOPE);
	if (tag == GUMBO_TAG_A)
		end_silently(b, tag, HTML_SCOPE);
	if (tag == GUMBO_TAG_LI)
		end_silently(b, tag, HTML_LIST_END);
	if (tag == GUMBO_TAG_DD || tag == GUMBO_TAG_DT) {
		end_silently(b, GUMBO_TAG_DD, HTML_LIST_END);
		end_silently(b, GUMBO_TAG_DT, HTML_LIST_END);
	}
	return true;
}

static bool has_room(const struct balance *b, GumboTag tag)
{
	return b->tags < HTML_TAGS_MAX && b->depth < HTML_DEPTH_MAX &&
	       (b->formatting < HTML_FORMATTING_MAX || !html_element_is(tag, HTML_FORMATTING));
}

/* `name` in small letters, NUL-ended; false if none that passes. */
static bool kept_name(struct span written, char name[NAME_MAX_BYTES])
{
	static const char *const ours[] = {"style",	 "src", "href", "class",
					   "background", "id",	"type", NULL};
	if (written.n >= NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < written.n; i++) {
		uint8_t c = written.p[i];
		name[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	name[written.n] = 0;
	for (const char *const *n = ours; *n; n++) {
		if (strcmp(*n, name) == 0)
			return true;
	}
	return memchr(name, 0, written.n) == NULL && sanitize_table_attribute(name);
}

static void put_attributes(struct balance *b, struct span attributes, unsigned max)
{
	char names[ATTRIBUTES_MAX][NAME_MAX_BYTES];
	struct html_attribute a;
	unsigned count = 0, seen = 0;
	for (size_t at = 0;
	     count < max && seen < ATTRIBUTES_SEEN_MAX && html_attribute_next(attributes, &at, &a);
	     seen++) {
		bool again = !kept_name(a.name, names[count]);
		for (unsigned i = 0; i < count && !again; i++)
			again = strcmp(names[i], names[count]) == 0;
		if (again)
			continue;
		buf_put_byte(b->out, ' ');
		buf_put_cstr(b->out, names[count++]);
		if (a.value.n > 0) {
			buf_put_byte(b->out, '=');
			buf_put_span(b->out, a.value);
		}
	}
}

static void put_start(struct balance *b, GumboTag tag, struct span attributes)
{
	buf_put_byte(b->out, '<');
	buf_put_cstr(b->out, gumbo_normalized_tagname(tag));
	put_attributes(b, attributes,
		       html_element_is(tag, HTML_FORMATTING) ? FORMATTING_ATTRIBUTES_MAX
							     : ATTRIBUTES_MAX);
	buf_put_byte(b->out, '>');
	b->tags++;
}

static void start_element(struct balance *b, GumboTag tag, struct span attributes)
{
	if (!has_room(b, tag)) {
		b->left_out[tag] += sanitize_table_element(tag) == SANITIZE_KEEP;
		return;
	}
	if (!make_place(b, tag))
		return;
	put_start(b, tag, attributes);
	if (sanitize_table_element(tag) == SANITIZE_KEEP_VOID || html_element_is(tag, HTML_ROWS))
		return;
	b->open[b->depth++] = tag;
	b->formatting += html_element_is(tag, HTML_FORMATTING);
}

/* Rows and their groups are not counted: a table has one of each open at most. */
static void end_rows(struct balance *b, GumboTag tag)
{
	unsigned scope = find_scope(b);
	if (scope < b->depth && b->open[scope] != GUMBO_TAG_TABLE) {
		close_from(b, scope);
		scope = find_scope(b);
	}
	if (in_table(b, scope))
		put_end(b, tag);
}

static void end_formatting(struct balance *b, GumboTag tag)
{
	unsigned i = find_open(b, tag, HTML_SCOPE), blocks = 0;
	if (i == b->depth)
		return;
	for (unsigned k = i + 1; k < b->depth; k++)
		blocks += html_element_is(b->open[k], HTML_BLOCK);
	if (blocks == 0) {
		close_from(b, i);
		return;
	}
	put_end(b, tag);
	if (blocks <= MISNESTED_MAX)
		forget(b, i);
}

static void end_scope(struct balance *b, GumboTag tag)
{
	unsigned scope = find_scope(b);
	if (scope < b->depth && tag == GUMBO_TAG_TABLE && b->open[scope] != tag) {
		close_from(b, scope);
		scope = find_scope(b);
	}
	if (scope < b->depth && b->open[scope] == tag)
		close_from(b, scope);
}

static bool is_heading(GumboTag tag)
{
	return tag == GUMBO_TAG_H1 || tag == GUMBO_TAG_H2 || tag == GUMBO_TAG_H3 ||
	       tag == GUMBO_TAG_H4 || tag == GUMBO_TAG_H5 || tag == GUMBO_TAG_H6;
}

/* Any heading's end tag ends any heading. */
static void end_block(struct balance *b, GumboTag tag)
{
	unsigned i = find_open(b, tag, HTML_SCOPE);
	if (i == b->depth && is_heading(tag) && i > 0 && is_heading(b->open[i - 1]))
		i--;
	if (i < b->depth)
		close_from(b, i);
}

static void end_inline(struct balance *b, GumboTag tag)
{
	unsigned i = find_open(b, tag, HTML_BLOCK);
	if (i < b->depth)
		close_from(b, i);
}

static void end_element(struct balance *b, GumboTag tag)
{
	if (b->left_out[tag] > 0)
		b->left_out[tag]--;
	else if (tag == GUMBO_TAG_BR)
		start_element(b, tag, (struct span){0});
	else if (html_element_is(tag, HTML_ROWS))
		end_rows(b, tag);
	else if (html_element_is(tag, HTML_SCOPE))
		end_scope(b, tag);
	else if (html_element_is(tag, HTML_FORMATTING))
		end_formatting(b, tag);
	else if (html_element_is(tag, HTML_BLOCK))
		end_block(b, tag);
	else
		end_inline(b, tag);
}

/* Text whose '<' are no markup, not even with what is put behind it. */
static void put_text(struct balance *b, struct span text, bool raw)
{
	for (size_t at = 0; at < text.n;) {
		struct span rest = {text.p + at, text.n - at};
		size_t run = span_find_byte(rest, '<');
		buf_put(b->out, rest.p, run);
		at += run;
		if (at >= text.n)
			break;
		if (raw || at + 1 == text.n)
			buf_put_cstr(b->out, "&lt;");
		else
			buf_put_byte(b->out, '<');
		at++;
	}
}

/* Goes on behind the end tag of an element that is left out with all that is in it; behind its start tag if it has none. */
static void skip_element(struct balance *b, GumboTag tag)
{
	struct html_token token;
	if (b->never_ends[tag])
		return;
	for (size_t at = b->at; html_token_next(b->s, &at, &token);) {
		if (token.kind != HTML_START && token.kind != HTML_END)
			continue;
		GumboTag found = html_element_tag(token.name);
		if (token.kind == HTML_END && found == tag) {
			b->at = at;
			return;
		}
		if (token.kind == HTML_START && html_element_is(found, HTML_RAW))
			at = html_raw_end(b->s, at, token.name);
	}
	b->never_ends[tag] = true;
}

static void start_raw(struct balance *b, GumboTag tag, struct span name)
{
	size_t end = tag == GUMBO_TAG_PLAINTEXT ? b->s.n : html_raw_end(b->s, b->at, name);
	if (sanitize_table_element(tag) == SANITIZE_UNWRAP)
		put_text(b, span_sub(b->s, b->at, end - b->at), true);
	b->at = end;
}

static void start_tag(struct balance *b, const struct html_token *token)
{
	GumboTag tag = html_element_tag(token->name);
	enum sanitize_element kind = sanitize_table_element(tag);
	bool empty = token->attributes.n > 0 &&
		     token->attributes.p[token->attributes.n - 1] == '/' &&
		     (tag == GUMBO_TAG_SVG || tag == GUMBO_TAG_MATH);
	if (html_element_is(tag, HTML_RAW))
		start_raw(b, tag, token->name);
	else if (kind == SANITIZE_KEEP || kind == SANITIZE_KEEP_VOID)
		start_element(b, tag, token->attributes);
	else if (html_element_is(tag, HTML_HIDDEN) && !empty)
		skip_element(b, tag);
}

void html_balance(struct span s, struct buf *out)
{
	struct balance b = {.s = s, .out = out};
	struct html_token token;
	buf_put_cstr(out, "<!DOCTYPE html>"); /* so that tables end paragraphs, as they do here */
	while (html_token_next(s, &b.at, &token)) {
		if (token.kind == HTML_TEXT)
			put_text(&b, token.all, false);
		else if (token.kind == HTML_START)
			start_tag(&b, &token);
		else if (token.kind == HTML_END &&
			 sanitize_table_element(html_element_tag(token.name)) != SANITIZE_DROP)
			end_element(&b, html_element_tag(token.name));
	}
}
