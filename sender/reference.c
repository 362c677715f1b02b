#include "sender/reference.h"

#define ID_MAX 900 /* octets: what fits a line */

/* The next field of the header with its continuation lines, off the front of rest. False at the end of the header. */
static bool next_field(struct span *rest, struct span *field_out)
{
	size_t at = 0;

	if (rest->n == 0 || rest->p[0] == '\n' ||
	    (rest->n > 1 && rest->p[0] == '\r' && rest->p[1] == '\n'))
		return false;
	do {
		size_t n = span_find_byte(span_sub(*rest, at, rest->n), '\n');

		at += n + (at + n < rest->n);
	} while (at < rest->n && (rest->p[at] == ' ' || rest->p[at] == '\t'));
	*field_out = span_sub(*rest, 0, at);
	*rest = span_sub(*rest, at, rest->n);
	return true;
}

/* The value, if the field has that name. */
static bool field_is(struct span field, const char *name, struct span *value_out)
{
	size_t colon = span_find_byte(field, ':');

	if (colon == field.n || !span_ieq(span_trim(span_sub(field, 0, colon)), span_cstr(name)))
		return false;
	*value_out = span_sub(field, colon + 1, field.n);
	return true;
}

static bool id_ok(struct span id)
{
	if (id.n == 0 || id.n > ID_MAX || span_find_byte(id, '@') == id.n)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] <= 0x20 || id.p[i] >= 0x7f || id.p[i] == '<')
			return false;
	return true;
}

/* The next `<…>` off the front of value. */
static bool next_id(struct span *value, struct span *id_out)
{
	for (;;) {
		size_t open = span_find_byte(*value, '<');
		struct span rest = span_sub(*value, open + 1, value->n);
		size_t close = span_find_byte(rest, '>');

		if (open == value->n || close == rest.n)
			return false;
		*value = span_sub(rest, close + 1, rest.n);
		if (!id_ok(span_sub(rest, 0, close)))
			continue;
		*id_out = span_sub(rest, 0, close);
		return true;
	}
}

static void add(struct reference *r, struct span id)
{
	if (r->count ==
	    REFERENCE_IDS_MAX - 1) { /* the first, and the newest; one place is for the own id */
		memmove(&r->ids[1], &r->ids[2], (r->count - 2) * sizeof(*r->ids));
		r->count--;
	}
	r->ids[r->count++] = id;
}

static void add_all(struct reference *r, struct span value)
{
	struct span id;

	while (next_id(&value, &id))
		add(r, id);
}

void reference_read(struct span raw, struct span derived, struct arena *arena,
		    struct reference *reference_out)
{
	struct span field, value, references = {NULL, 0}, answered = {NULL, 0};
	struct reference *r = reference_out;

	*r = (struct reference){.ids = arena_array(arena, REFERENCE_IDS_MAX, sizeof(*r->ids))};
	while (next_field(&raw, &field)) {
		if (field_is(field, "Message-ID", &value) && !r->message_id.n)
			(void)next_id(&value, &r->message_id);
		else if (field_is(field, "References", &value))
			references = value;
		else if (field_is(field, "In-Reply-To", &value))
			answered = value;
	}
	add_all(r, references);
	if (r->count == 0)
		add_all(r, answered);
	if (derived.n)
		r->message_id = derived;
	if (r->message_id.n)
		r->ids[r->count++] = r->message_id;
	r->message_id = arena_span(arena, r->message_id);
	for (size_t i = 0; i < r->count; i++)
		r->ids[i] = arena_span(arena, r->ids[i]);
}
