#include "parser/mime.h"
#include "parser/encoded_word.h"
#include "parser/mime_scan.h"

#define FIRST_PARTS 8

struct tree {
	struct decode *d;
	struct mime_message *m;
	struct mime_stack stack;
};

static struct span lower(struct arena *arena, struct span s)
{
	bool plain = true;
	for (size_t i = 0; i < s.n; i++)
		plain &= !(s.p[i] >= 'A' && s.p[i] <= 'Z');
	if (plain)
		return s;
	uint8_t *p = arena_copy(arena, s.p, s.n);
	for (size_t i = 0; i < s.n; i++) {
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (uint8_t)(p[i] | 0x20);
	}
	return (struct span){p, s.n};
}

static struct span field(const struct mime_message *m, const struct mime_part *part,
			 enum header_id id, bool last)
{
	struct span found = {0};
	for (uint32_t i = 0; i < part->field_count; i++) {
		const struct header_field *f = &m->fields.fields[part->field_first + i];
		if (f->id != id)
			continue;
		found = f->value;
		if (!last)
			break;
	}
	return found;
}

struct span mime_field_last(const struct mime_message *m, const struct mime_part *part,
			    enum header_id id)
{
	return field(m, part, id, true);
}

struct span mime_field_first(const struct mime_message *m, const struct mime_part *part,
			     enum header_id id)
{
	return field(m, part, id, false);
}

struct span mime_field_named(const struct mime_message *m, const struct mime_part *part,
			     const char *name)
{
	struct span wanted = span_cstr(name);
	for (uint32_t i = 0; i < part->field_count; i++) {
		const struct header_field *f = &m->fields.fields[part->field_first + i];
		if (span_ieq(f->name, wanted))
			return f->value;
	}
	return (struct span){0};
}

static enum mime_kind kind_of(struct span type)
{
	if (span_eq(type, SPAN_LIT("text/plain")))
		return MIME_TEXT_PLAIN;
	if (span_eq(type, SPAN_LIT("text/html")))
		return MIME_TEXT_HTML;
	if (span_istarts(type, SPAN_LIT("multipart/")))
		return MIME_MULTIPART;
	if (span_istarts(type, SPAN_LIT("text/")))
		return MIME_TEXT_OTHER;
	if (span_istarts(type, SPAN_LIT("image/")) || span_istarts(type, SPAN_LIT("audio/")) ||
	    span_istarts(type, SPAN_LIT("video/")))
		return MIME_INLINE_MEDIA;
	return span_istarts(type, SPAN_LIT("message/")) ? MIME_MESSAGE : MIME_OTHER;
}

/* A media type: token "/" token. */
static bool is_type(struct span s)
{
	size_t slash = span_find_byte(s, '/');
	if (slash == 0 || slash + 1 >= s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("()<>@,;:\\\"[]?=", s.p[i]))
			return false;
	}
	return true;
}

static void read_type(struct tree *t, struct mime_part *part, struct span value)
{
	struct param_list params;
	param_parse(value, &params);
	struct span type = lower(t->d->arena, params.value);
	if (is_type(type))
		part->type = type;
	part->kind = kind_of(part->type);
	part->charset = param_bytes(t->d, &params, "charset");
	if (part->kind == MIME_MULTIPART)
		part->boundary = span_trim(param_get(t->d, &params, "boundary"));
	if (part->kind == MIME_TEXT_PLAIN) {
		part->flowed = span_ieq(param_get(t->d, &params, "format"), SPAN_LIT("flowed"));
		part->delsp = span_ieq(param_get(t->d, &params, "delsp"), SPAN_LIT("yes"));
	}
	part->name = param_get(t->d, &params, "name");
}

static void read_disposition(struct tree *t, struct mime_part *part, struct span value)
{
	struct param_list params;
	param_parse(value, &params);
	part->disposition = lower(t->d->arena, params.value);
	struct span name = param_get(t->d, &params, "filename");
	if (name.n == 0 && part->name.n == 0)
		name = param_get(t->d, &params, "name");
	if (name.n)
		part->name = name;
}

static struct span read_cid(struct span value)
{
	struct span s = span_trim(value);
	if (s.n >= 2 && s.p[0] == '<') {
		size_t end = span_find_byte(s, '>');
		s = (struct span){s.p + 1, end - 1};
	}
	return span_trim(s);
}

/* What the part's fields say about it. digest: its default type is message/rfc822 (RFC 2046 section 5.1.5). */
static void read_fields(struct tree *t, struct mime_part *part, bool digest)
{
	part->type = digest ? SPAN_LIT("message/rfc822") : SPAN_LIT("text/plain");
	part->kind = kind_of(part->type);
	struct span value = mime_field_first(t->m, part, HEADER_CONTENT_TYPE);
	if (value.n)
		read_type(t, part, value);
	value = mime_field_first(t->m, part, HEADER_CONTENT_DISPOSITION);
	if (value.n)
		read_disposition(t, part, value);
	part->encoding =
		transfer_find(mime_field_first(t->m, part, HEADER_CONTENT_TRANSFER_ENCODING));
	part->cid = read_cid(mime_field_first(t->m, part, HEADER_CONTENT_ID));
}

static uint32_t add_part(struct tree *t, uint32_t parent)
{
	struct mime_message *m = t->m;
	if (m->part_count == m->part_cap) {
		uint32_t cap = m->part_cap ? m->part_cap * 2 : FIRST_PARTS;
		struct mime_part *grown = arena_array(t->d->arena, cap, sizeof(*grown));
		if (m->part_count)
			memcpy(grown, m->parts, m->part_count * sizeof(*grown));
		m->parts = grown;
		m->part_cap = cap;
	}
	uint32_t index = m->part_count++;
	struct mime_part *part = &m->parts[index];
	*part = (struct mime_part){.parent = parent,
				   .first_child = MIME_NONE,
				   .last_child = MIME_NONE,
				   .next = MIME_NONE};
	if (parent == MIME_NONE)
		return index;
	struct mime_part *above = &m->parts[parent];
	part->depth = above->depth + 1;
	part->number = above->last_child == MIME_NONE ? 1 : m->parts[above->last_child].number + 1;
	if (above->last_child == MIME_NONE)
		above->first_child = index;
	else
		m->parts[above->last_child].next = index;
	above->last_child = index;
	return index;
}

static bool is_boundary(void *ctx, size_t at)
{
	struct tree *t = ctx;
	struct mime_boundary ignored;
	return mime_scan_line(t->m, &t->stack, at, &ignored);
}

/* Reads the header of a new part at `at`; returns where its body begins. A multipart opens a level. */
static size_t open_part(struct tree *t, uint32_t parent, size_t at)
{
	struct mime_message *m = t->m;
	uint32_t index = add_part(t, parent);
	struct mime_part *part = &m->parts[index];
	struct header_scan scan = {m->raw, m->eol, is_boundary, t};
	part->field_first = (uint32_t)m->fields.count;
	size_t body = header_block(&scan, at, t->d->arena, &m->fields);
	part->field_count = (uint32_t)m->fields.count - part->field_first;
	read_fields(t, part,
		    parent != MIME_NONE &&
			    span_eq(m->parts[parent].type, SPAN_LIT("multipart/digest")));
	part->body = (struct span){m->raw.p + body, 0};
	if (part->kind != MIME_MULTIPART || part->boundary.n == 0)
		return body;
	if (t->stack.depth < MIME_DEPTH_MAX)
		t->stack.levels[t->stack.depth++] = (struct mime_level){part->boundary, index};
	else
		m->limited = true;
	return body;
}

/* `from` and its ancestors up to (not including) `above` end at `line`. */
static void end_parts(struct tree *t, uint32_t from, uint32_t above, size_t line, bool at_end)
{
	struct mime_message *m = t->m;
	size_t end = line;
	if (!at_end && end > 0 && m->raw.p[end - 1] == m->eol) {
		end--;
		if (m->eol == '\n' && end > 0 && m->raw.p[end - 1] == '\r')
			end--;
	}
	while (from != above && from != MIME_NONE) {
		struct mime_part *part = &m->parts[from];
		const uint8_t *stop = m->raw.p + end;
		part->body.n = stop > part->body.p ? (size_t)(stop - part->body.p) : 0;
		from = part->parent;
	}
}

/* Walks all boundary lines. `open` is the innermost part that has not ended. */
static void split_parts(struct tree *t, size_t at)
{
	struct mime_message *m = t->m;
	struct mime_boundary b;
	uint32_t open = 0;
	while (mime_scan_next(m, &t->stack, at, &b)) {
		if (!b.closing && m->part_count >= MIME_PARTS_MAX) {
			m->limited = true;
			break;
		}
		uint32_t multipart = t->stack.levels[b.level].part;
		end_parts(t, open, multipart, b.line, false);
		t->stack.depth = b.level + !b.closing;
		open = multipart;
		at = b.next;
		if (b.closing)
			continue;
		open = m->part_count;
		at = open_part(t, multipart, at);
	}
	end_parts(t, open, MIME_NONE, m->raw.n, true);
}

/* A multipart that shows no part is read as the text it looks like. */
static void settle_multiparts(struct mime_message *m)
{
	for (uint32_t i = 0; i < m->part_count; i++) {
		struct mime_part *part = &m->parts[i];
		if (part->kind == MIME_MULTIPART && part->first_child == MIME_NONE) {
			part->was_multipart = true;
			part->kind = MIME_TEXT_PLAIN;
			part->type = SPAN_LIT("text/plain");
		}
		if (part->kind == MIME_MULTIPART)
			part->encoding = TRANSFER_NONE;
	}
}

/* Where the header begins: after an mbox "From " line, which may be quoted. */
static size_t skip_envelope(const struct mime_message *m)
{
	size_t end;
	if (span_istarts(m->raw, SPAN_LIT("From ")) || span_istarts(m->raw, SPAN_LIT(">From ")))
		return header_line(m->raw, m->eol, 0, &end);
	return 0;
}

void mime_parse(struct decode *d, struct span raw, struct mime_message *message_out)
{
	struct tree t = {.d = d, .m = message_out};
	if (!raw.p)
		raw = SPAN_LIT("");
	*message_out = (struct mime_message){.raw = raw, .eol = header_eol(raw)};
	size_t body = open_part(&t, MIME_NONE, skip_envelope(message_out));
	split_parts(&t, body);
	settle_multiparts(message_out);
	mime_body_find(d->arena, message_out);
}
