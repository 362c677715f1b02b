/* Which parts are the body and which are attachments: the algorithm of RFC 8621 section 4.1.4. */
#include "parser/mime.h"

static void push(struct mime_list *list, uint32_t part)
{
	list->items[list->count++] = part;
}

static bool is_inline(const struct mime_part *p, bool first, bool related)
{
	if (span_eq(p->disposition, SPAN_LIT("attachment")))
		return false;
	if (p->kind != MIME_TEXT_PLAIN && p->kind != MIME_TEXT_HTML && p->kind != MIME_INLINE_MEDIA)
		return false;
	return first || (!related && (p->kind == MIME_INLINE_MEDIA || p->name.n == 0));
}

/* An inline leaf that is not a direct child of multipart/alternative. */
static void place_inline(struct mime_message *m, uint32_t i, bool in_alternative, bool *text,
			 bool *html)
{
	const struct mime_part *p = &m->parts[i];
	if (in_alternative && p->kind == MIME_TEXT_PLAIN)
		*html = false;
	if (in_alternative && p->kind == MIME_TEXT_HTML)
		*text = false;
	if (*text)
		push(&m->text_body, i);
	if (*html)
		push(&m->html_body, i);
	if ((!*text || !*html) && p->kind == MIME_INLINE_MEDIA)
		push(&m->attachments, i);
}

static void place_alternative(struct mime_message *m, uint32_t i)
{
	if (m->parts[i].kind == MIME_TEXT_PLAIN)
		push(&m->text_body, i);
	else if (m->parts[i].kind == MIME_TEXT_HTML)
		push(&m->html_body, i);
	else
		push(&m->attachments, i);
}

static void copy_from(struct mime_list *to, const struct mime_list *from, uint32_t first)
{
	for (uint32_t i = first, end = from->count; i < end; i++)
		push(to, from->items[i]);
}

/* Depth of the recursion is that of the tree: at most MIME_DEPTH_MAX. text, html: still wanted? */
static void find(struct mime_message *m, uint32_t multipart, bool in_alternative, bool text,
		 bool html)
{
	const struct mime_part *above = &m->parts[multipart];
	bool alternative = span_eq(above->type, SPAN_LIT("multipart/alternative"));
	bool related = span_eq(above->type, SPAN_LIT("multipart/related"));
	uint32_t text_count = m->text_body.count, html_count = m->html_body.count;
	for (uint32_t i = above->first_child; i != MIME_NONE; i = m->parts[i].next) {
		const struct mime_part *p = &m->parts[i];
		if (p->kind == MIME_MULTIPART) {
			bool sub = span_eq(p->type, SPAN_LIT("multipart/alternative"));
			find(m, i, in_alternative || sub, text, html);
		} else if (!is_inline(p, p->number == 1, related)) {
			push(&m->attachments, i);
		} else if (alternative) {
			place_alternative(m, i);
		} else {
			place_inline(m, i, in_alternative, &text, &html);
		}
	}
	if (!alternative || !text || !html)
		return;
	bool no_text = text_count == m->text_body.count, no_html = html_count == m->html_body.count;
	if (no_text && !no_html)
		copy_from(&m->text_body, &m->html_body, html_count);
	else if (no_html && !no_text)
		copy_from(&m->html_body, &m->text_body, text_count);
}

static struct mime_list list_of(struct arena *arena, uint32_t cap)
{
	return (struct mime_list){arena_array(arena, cap, sizeof(uint32_t)), 0};
}

void mime_body_find(struct arena *arena, struct mime_message *m)
{
	uint32_t cap = 2 * m->part_count;
	m->text_body = list_of(arena, cap);
	m->html_body = list_of(arena, cap);
	m->attachments = list_of(arena, cap);
	if (m->parts[0].kind == MIME_MULTIPART) {
		find(m, 0, span_eq(m->parts[0].type, SPAN_LIT("multipart/alternative")), true,
		     true);
	} else if (is_inline(&m->parts[0], true, false)) {
		push(&m->text_body, 0);
		push(&m->html_body, 0);
	} else {
		push(&m->attachments, 0);
	}
}
