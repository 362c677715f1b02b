#include "parser/sanitize.h"
#include "parser/css.h"
#include "parser/html_balance.h"
#include "parser/sanitize_table.h"
#include "parser/sanitize_url.h"
#include "parser/tree_memory.h"

#include <stdlib.h>

#define ROUNDS_MAX 6
#define STYLE_BYTES_MAX 4096u
#define TREE_BYTES_MAX (64u << 20)

struct walk {
	struct sanitize *s;
	struct buf *out;
	const GumboNode *quoted; /* the wrapper closes after this node */
	const GumboNode *quoted_inside; /* or before the end tag of this one */
	const GumboNode *wrapper;
};

static void put_escaped(const char *text, bool attribute, struct buf *out)
{
	for (const char *at = text; *at;) {
		size_t run = strcspn(at, attribute ? "&<>\"" : "&<>");
		buf_put(out, at, run);
		at += run;
		if (!*at)
			break;
		buf_put_cstr(out, *at == '&'   ? "&amp;"
				  : *at == '<' ? "&lt;"
				  : *at == '>' ? "&gt;"
					       : "&quot;");
		at++;
	}
}

static void put_attribute(struct walk *w, const char *name, struct span value)
{
	char *text = arena_cstr(w->s->arena, value);
	buf_printf(w->out, " %s=\"", name);
	put_escaped(text, true, w->out);
	buf_put_byte(w->out, '"');
}

static void block(struct walk *w, struct span url)
{
	struct sanitize *s = w->s;
	for (size_t i = 0; i < s->blocked_count; i++) {
		if (span_eq(s->blocked[i], url))
			return;
	}
	if (s->blocked_count < SANITIZE_BLOCKED_MAX && url.n <= 8192)
		s->blocked[s->blocked_count++] = arena_span(s->arena, url);
}

/* data: of the four kinds of pictures that cannot hold script, in base64. */
static bool is_picture(struct span url)
{
	static const char *const kinds[] = {"data:image/png;base64,", "data:image/gif;base64,",
					    "data:image/jpeg;base64,", "data:image/webp;base64,",
					    NULL};
	for (const char *const *k = kinds; *k; k++) {
		if (!span_istarts(url, span_cstr(*k)))
			continue;
		for (size_t i = strlen(*k); i < url.n; i++) {
			uint8_t c = url.p[i];
			if (!(((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') ||
			      c == '+' || c == '/' || c == '='))
				return false;
		}
		return true;
	}
	return false;
}

static void put_source(struct walk *w, struct span url)
{
	enum sanitize_url kind = sanitize_url_kind(url);
	if (kind == SANITIZE_URL_CID || is_picture(url) ||
	    (kind == SANITIZE_URL_REMOTE && w->s->remote))
		put_attribute(w, "src", url);
	else if (kind == SANITIZE_URL_REMOTE)
		block(w, url);
}

static void put_link(struct walk *w, struct span url)
{
	enum sanitize_url kind = sanitize_url_kind(url);
	if (kind != SANITIZE_URL_LINK && kind != SANITIZE_URL_REMOTE)
		return;
	put_attribute(w, "href", url);
	put_attribute(w, "target", SPAN_LIT("_blank"));
	put_attribute(w, "rel", SPAN_LIT("noopener noreferrer nofollow"));
}

/* Tells which url(…) of a style was left out. */
static void block_style(struct walk *w, struct span style)
{
	for (size_t i = 0; i + 4 < style.n; i++) {
		if (!span_istarts((struct span){style.p + i, style.n - i}, SPAN_LIT("url(")))
			continue;
		struct span rest = {style.p + i + 4, style.n - i - 4};
		struct span url = {rest.p, span_find_byte(rest, ')')};
		i += 4 + url.n;
		url = span_trim(url);
		while (url.n > 1 && (url.p[0] == '"' || url.p[0] == '\''))
			url = (struct span){url.p + 1, url.n - 2};
		if (sanitize_url_kind(url) == SANITIZE_URL_REMOTE)
			block(w, url);
	}
}

static void put_style(struct walk *w, struct span style)
{
	struct buf clean;
	buf_init(&clean, STYLE_BYTES_MAX);
	if (css_clean(style, &clean))
		block_style(w, style);
	if (clean.n > 0 && buf_ok(&clean))
		put_attribute(w, "style", buf_span(&clean));
	buf_fini(&clean);
}

static bool is_wrapper(const GumboElement *e)
{
	const GumboAttribute *class = gumbo_get_attribute(&e->attributes, "class");
	return e->tag == GUMBO_TAG_DIV && class && strcmp(class->value, "mw-quoted") == 0;
}

static void put_attributes(struct walk *w, const GumboElement *e)
{
	for (unsigned i = 0; i < e->attributes.length; i++) {
		const GumboAttribute *a = e->attributes.data[i];
		struct span value = span_trim(span_cstr(a->value));
		if (a->attr_namespace != GUMBO_ATTR_NAMESPACE_NONE)
			continue;
		if (sanitize_table_attribute(a->name))
			put_attribute(w, a->name, span_cstr(a->value));
		else if (strcmp(a->name, "style") == 0)
			put_style(w, value);
		else if (strcmp(a->name, "src") == 0 && e->tag == GUMBO_TAG_IMG)
			put_source(w, value);
		else if (strcmp(a->name, "href") == 0 && e->tag == GUMBO_TAG_A)
			put_link(w, value);
		else if (strcmp(a->name, "background") == 0 &&
			 sanitize_url_kind(value) == SANITIZE_URL_REMOTE)
			block(w, value);
	}
	if (is_wrapper(e))
		put_attribute(w, "class", SPAN_LIT("mw-quoted"));
}

static enum sanitize_element kind_of(const GumboNode *node)
{
	if (node->type == GUMBO_NODE_TEMPLATE)
		return SANITIZE_DROP;
	if (node->v.element.tag_namespace != GUMBO_NAMESPACE_HTML)
		return SANITIZE_DROP;
	return sanitize_table_element(node->v.element.tag);
}

static bool attribute_is(const GumboElement *e, const char *name, const char *const *values)
{
	const GumboAttribute *a = gumbo_get_attribute(&e->attributes, name);
	for (; a && *values; values++) {
		if (strstr(a->value, *values))
			return true;
	}
	return false;
}

/* Does quoted history begin with this element? to_end: it goes on to the end of the element's parent. */
static bool is_quoted(const GumboElement *e, bool *to_end)
{
	static const char *const cite[] = {"cite", NULL};
	static const char *const classes[] = {"gmail_quote",	      "yahoo_quoted",
					      "moz-cite-prefix",      "protonmail_quote",
					      "OutlookMessageHeader", NULL};
	static const char *const ids[] = {"appendonsend", "divRplyFwdMsg", "stopSpelling",
					  "replySplit", NULL};
	*to_end = attribute_is(e, "id", ids);
	if (*to_end)
		return true;
	*to_end = attribute_is(
		e, "class", (const char *const[]){"moz-cite-prefix", "OutlookMessageHeader", NULL});
	return attribute_is(e, "class", classes) ||
	       (e->tag == GUMBO_TAG_BLOCKQUOTE && attribute_is(e, "type", cite));
}

static void open_quoted(struct walk *w, const GumboNode *node)
{
	bool to_end;
	GumboTag parent = node->parent && node->parent->type == GUMBO_NODE_ELEMENT
				  ? node->parent->v.element.tag
				  : GUMBO_TAG_BODY;
	if (w->quoted || w->quoted_inside || w->wrapper)
		return;
	if (is_wrapper(&node->v.element)) {
		w->wrapper = node;
		return;
	}
	if ((parent != GUMBO_TAG_BODY && parent != GUMBO_TAG_DIV) ||
	    !is_quoted(&node->v.element, &to_end))
		return;
	buf_put_cstr(w->out, "<div class=\"mw-quoted\">");
	if (to_end)
		w->quoted_inside = node->parent;
	else
		w->quoted = node;
}

static void open_element(struct walk *w, const GumboNode *node, enum sanitize_element kind)
{
	open_quoted(w, node);
	if (kind == SANITIZE_UNWRAP)
		return;
	buf_printf(w->out, "<%s", gumbo_normalized_tagname(node->v.element.tag));
	put_attributes(w, &node->v.element);
	buf_put_byte(w->out, '>');
}

static void close_element(struct walk *w, const GumboNode *node)
{
	if (w->quoted_inside == node) {
		buf_put_cstr(w->out, "</div>");
		w->quoted_inside = NULL;
	}
	if (kind_of(node) == SANITIZE_KEEP && node->v.element.tag != GUMBO_TAG_BODY)
		buf_printf(w->out, "</%s>", gumbo_normalized_tagname(node->v.element.tag));
	if (w->quoted == node) {
		buf_put_cstr(w->out, "</div>");
		w->quoted = NULL;
	}
	if (w->wrapper == node)
		w->wrapper = NULL;
}

static void put_text(struct walk *w, const GumboNode *node)
{
	const GumboNode *parent = node->parent;
	bool first_of_pre = parent && parent->type == GUMBO_NODE_ELEMENT &&
			    parent->v.element.tag == GUMBO_TAG_PRE &&
			    node->index_within_parent == 0;
	if (first_of_pre && node->v.text.text[0] == '\n')
		buf_put_byte(w->out, '\n');
	put_escaped(node->v.text.text, false, w->out);
}

static const GumboNode *child_at(const GumboNode *node, size_t i)
{
	const GumboVector *children = &node->v.element.children;
	return i < children->length ? children->data[i] : NULL;
}

/* Puts out `node` as far as it goes without its children; true if they are to be walked. */
static bool enter(struct walk *w, const GumboNode *node)
{
	if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE ||
	    node->type == GUMBO_NODE_CDATA) {
		put_text(w, node);
		return false;
	}
	if (node->type != GUMBO_NODE_ELEMENT)
		return false;
	enum sanitize_element kind = kind_of(node);
	if (kind == SANITIZE_DROP)
		return false;
	open_element(w, node, kind);
	return true;
}

/* Depth first without recursion: mail nests as deep as it likes. */
static void walk_tree(struct walk *w, const GumboNode *root)
{
	const GumboNode *above = root;
	size_t i = 0;
	for (;;) {
		const GumboNode *node = child_at(above, i);
		if (!node) {
			close_element(w, above);
			if (above == root)
				return;
			i = above->index_within_parent + 1;
			above = above->parent;
		} else if (enter(w, node)) {
			above = node;
			i = 0;
		} else {
			i++;
		}
	}
}

static const GumboNode *find_body(const GumboNode *root)
{
	for (size_t i = 0; root && root->type == GUMBO_NODE_ELEMENT && child_at(root, i); i++) {
		const GumboNode *node = child_at(root, i);
		if (node->type == GUMBO_NODE_ELEMENT && node->v.element.tag == GUMBO_TAG_BODY)
			return node;
	}
	return NULL;
}

/* NULL if the tree would be too large. */
static const GumboNode *build_tree(struct tree_memory *memory, struct span html)
{
	GumboOptions options = kGumboDefaultOptions;
	options.allocator = tree_memory_allocate;
	options.deallocator = tree_memory_free;
	options.userdata = memory;
	options.max_errors = 0;
	if (setjmp(memory->full) != 0)
		return NULL;
	return gumbo_parse_with_options(&options, (const char *)html.p, html.n)->root;
}

static bool sanitize_once(struct sanitize *s, struct span html, struct buf *out)
{
	struct tree_memory memory;
	struct buf flat;
	tree_memory_init(&memory, TREE_BYTES_MAX);
	buf_init(&flat, 4 * SANITIZE_HTML_BYTES_MAX + 64);
	html_balance(html, &flat);
	const GumboNode *root = buf_ok(&flat) ? build_tree(&memory, buf_span(&flat)) : NULL;
	const GumboNode *body = find_body(root);
	struct walk w = {.s = s, .out = out};
	if (body)
		walk_tree(&w, body);
	tree_memory_fini(&memory);
	buf_fini(&flat);
	return root != NULL && buf_ok(out);
}

/* Repeated until it changes nothing: removing elements can make a parser see the rest in another way. */
bool sanitize_html(struct sanitize *s, struct span html, struct buf *out)
{
	struct buf round[2];
	buf_init(&round[0], 2 * SANITIZE_HTML_BYTES_MAX);
	buf_init(&round[1], 2 * SANITIZE_HTML_BYTES_MAX);
	bool ok = sanitize_once(s, span_sub(html, 0, SANITIZE_HTML_BYTES_MAX), &round[0]),
	     stable = false;
	for (int i = 0; i < ROUNDS_MAX && ok && !stable; i++) {
		const struct buf *from = &round[i % 2];
		struct buf *to = &round[(i + 1) % 2];
		buf_clear(to);
		ok = sanitize_once(s, buf_span(from), to);
		stable = ok && span_eq(buf_span(from), buf_span(to));
	}
	if (stable)
		buf_put_span(out, buf_span(&round[0]));
	buf_fini(&round[0]);
	buf_fini(&round[1]);
	return stable;
}
