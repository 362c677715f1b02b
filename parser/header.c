#include "parser/header.h"

#define FIRST_CAP 64

struct known {
	struct span name;
	enum header_id id;
};
#define K(text, id)                                             \
	{                                                       \
		{(const uint8_t *)(text), sizeof(text) - 1}, id \
	}
static const struct known KNOWN[] = {
	K("from", HEADER_FROM),
	K("sender", HEADER_SENDER),
	K("to", HEADER_TO),
	K("cc", HEADER_CC),
	K("bcc", HEADER_BCC),
	K("reply-to", HEADER_REPLY_TO),
	K("subject", HEADER_SUBJECT),
	K("date", HEADER_DATE),
	K("message-id", HEADER_MESSAGE_ID),
	K("in-reply-to", HEADER_IN_REPLY_TO),
	K("references", HEADER_REFERENCES),
	K("content-type", HEADER_CONTENT_TYPE),
	K("content-transfer-encoding", HEADER_CONTENT_TRANSFER_ENCODING),
	K("content-disposition", HEADER_CONTENT_DISPOSITION),
	K("content-id", HEADER_CONTENT_ID),
	K("content-location", HEADER_CONTENT_LOCATION),
	K("content-language", HEADER_CONTENT_LANGUAGE),
	K("content-description", HEADER_CONTENT_DESCRIPTION),
	K("x-failed-recipients", HEADER_X_FAILED_RECIPIENTS),
	K("x-mailweave-test-crash", HEADER_TEST_CRASH),
};
#undef K

enum header_id header_find(struct span name)
{
	uint8_t first = name.n ? (uint8_t)(name.p[0] | 0x20) : 0;
	for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++) {
		if (KNOWN[i].name.n == name.n && KNOWN[i].name.p[0] == first &&
		    span_ieq(KNOWN[i].name, name))
			return KNOWN[i].id;
	}
	return HEADER_OTHER;
}

uint8_t header_eol(struct span raw)
{
	return raw.n && !memchr(raw.p, '\n', raw.n) ? '\r' : '\n';
}

size_t header_line(struct span raw, uint8_t eol, size_t at, size_t *end_out)
{
	const uint8_t *hit = memchr(raw.p + at, eol, raw.n - at);
	size_t end = hit ? (size_t)(hit - raw.p) : raw.n;
	size_t next = hit ? end + 1 : end;
	if (hit && eol == '\n' && end > at && raw.p[end - 1] == '\r')
		end--;
	*end_out = end;
	return next;
}

static void add_field(struct header_list *list, struct arena *arena, struct header_field field)
{
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : FIRST_CAP;
		struct header_field *grown = arena_array(arena, cap, sizeof(*grown));
		if (list->count)
			memcpy(grown, list->fields, list->count * sizeof(*grown));
		list->fields = grown;
		list->cap = cap;
	}
	list->fields[list->count++] = field;
}

/* Splits the field [at, end) at its colon. False if there is none or the name is not one. */
static bool split(struct span raw, size_t at, size_t end, struct header_field *field_out)
{
	struct span line = {raw.p + at, end - at};
	size_t colon = span_find_byte(line, ':');
	if (colon == line.n || colon == 0)
		return false;
	size_t n = colon;
	while (n > 0 && (line.p[n - 1] == ' ' || line.p[n - 1] == '\t'))
		n--;
	for (size_t i = 0; i < n; i++) {
		if (line.p[i] <= ' ' || line.p[i] == 0x7f)
			return false;
	}
	if (n == 0)
		return false;
	field_out->name = (struct span){line.p, n};
	field_out->value = (struct span){line.p + colon + 1, line.n - colon - 1};
	field_out->id = header_find(field_out->name);
	return true;
}

static bool is_fold(struct span raw, size_t at)
{
	return at < raw.n && (raw.p[at] == ' ' || raw.p[at] == '\t');
}

/* Does a continuation line hold anything? A blank one ends the block in practice. */
static bool is_blank_line(struct span raw, size_t at, size_t end)
{
	for (; at < end; at++) {
		if (raw.p[at] != ' ' && raw.p[at] != '\t' && raw.p[at] != '\r')
			return false;
	}
	return true;
}

size_t header_block(const struct header_scan *scan, size_t at, struct arena *arena,
		    struct header_list *list)
{
	struct span raw = scan->raw;
	while (at < raw.n) {
		size_t end, next = header_line(raw, scan->eol, at, &end);
		if (end == at)
			return next;
		if (raw.p[at] == '-' && end - at >= 2 && raw.p[at + 1] == '-' &&
		    scan->is_boundary && scan->is_boundary(scan->ctx, at))
			return at;
		size_t start = at, last = end;
		while (is_fold(raw, next)) {
			size_t after = header_line(raw, scan->eol, next, &end);
			if (!is_blank_line(raw, next, end))
				last = end;
			next = after;
		}
		struct header_field field;
		list->bytes += next - start;
		if (list->bytes <= HEADER_BYTES_MAX && list->count < HEADER_FIELDS_MAX &&
		    split(raw, start, last, &field))
			add_field(list, arena, field);
		at = next;
	}
	return at;
}
