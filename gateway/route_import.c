#include <stdlib.h>

#include "common/store/keys.h"
#include "gateway/mirror.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"
#include "gateway/upload.h"

#define BATCH MIRROR_PUT_MAX
#define BATCH_BYTES (128u << 10) /* of lines; a batch ends with the one that passes this */
#define REFUSED_SHOWN 1000

/* One kind's lines that wait to be written together. Order within a kind is kept; ids of one batch may repeat. */
struct batch {
	struct mirror_item items[BATCH];
	json_t *ids[BATCH]; /* a reference on each id: what is put loses it */
	size_t lines[BATCH];
	size_t count, bytes;
};

struct import {
	struct http_request *r;
	struct arena *arena; /* of the batch being gathered */
	struct batch batches[MIRROR_KINDS];
	size_t line, accepted[MIRROR_KINDS], refused;
	json_t *refusals;
	struct err e;
	bool failed;
};

static void refuse(struct import *m, size_t line, const char *id, const char *code,
		   const char *reason)
{
	m->refused++;
	if (json_array_size(m->refusals) < REFUSED_SHOWN)
		json_array_append_new(m->refusals,
				      json_pack("{s:i s:o s:s s:o}", "line", (int)line, "id",
						id ? json_from_span(span_cstr(id)) : json_null(),
						"code", code, "reason",
						json_from_span(span_cstr(reason))));
}

static void flush(struct import *m, enum mirror_kind kind)
{
	struct batch *b = &m->batches[kind];
	const char *refused[BATCH];
	struct arena *own = m->r->arena;
	size_t count = b->count;

	b->count = b->bytes = 0;
	if (!count)
		return;
	m->r->arena = m->arena; /* what one batch needs lives as long as the batch */
	m->failed = m->failed || mirror_put(m->r, kind, b->items, count, refused, &m->e) != ERR_OK;
	m->r->arena = own;
	for (size_t i = 0; i < count; i++) {
		if (!m->failed && refused[i])
			refuse(m, b->lines[i], json_string_value(b->ids[i]), "refused", refused[i]);
		else if (!m->failed)
			m->accepted[kind]++;
		json_decref(b->items[i].object);
		json_decref(b->ids[i]);
	}
}

static void flush_all(struct import *m)
{
	for (enum mirror_kind kind = MIRROR_PERSON; kind < MIRROR_KINDS; kind++)
		flush(m, kind);
	arena_reset(m->arena);
}

/* The object is taken over. */
static void line_add(struct import *m, enum mirror_kind kind, json_t *object, size_t bytes)
{
	struct batch *b = &m->batches[kind];

	b->ids[b->count] = json_incref(json_object_get(object, "id"));
	b->items[b->count] =
		(struct mirror_item){.id = json_get_span(object, "id"), .object = object};
	b->lines[b->count++] = m->line;
	b->bytes += bytes;
	if (b->count == BATCH || b->bytes > BATCH_BYTES)
		flush_all(m);
}

static void line_check(struct import *m, json_t *object, size_t bytes)
{
	enum mirror_kind kind = mirror_kind_parse(json_get_span(object, "kind"));
	const char *id = json_get_text(object, "id");
	struct json_fault fault;

	if (kind == MIRROR_KINDS) {
		refuse(m, m->line, id, "invalid_field",
		       "`kind` must be user, organization, person, deal, lead or project");
	} else if (!id) {
		refuse(m, m->line, NULL, "missing_field", "`id` is missing");
	} else {
		json_object_del(object, "kind");
		if (json_check(object, mirror_def(kind)->fields, false, &fault)) {
			line_add(m, kind, json_incref(object), bytes);
			return;
		}
		refuse(m, m->line, id, fault.code,
		       arena_printf(m->arena, "`%s` %s", fault.path, fault.text));
	}
}

static void line_take(struct import *m, const struct upload_line *line)
{
	char error[160];
	json_t *object;

	m->line++;
	if (line->too_long) {
		refuse(m, m->line, NULL, "line_too_long", "the line is over 128 KiB");
		return;
	}
	if (!line->text.n)
		return;
	object = json_parse(line->text, error);
	if (json_is_object(object))
		line_check(m, object, line->text.n);
	else
		refuse(m, m->line, NULL, "malformed_json", object ? "not an object" : error);
	json_decref(object);
}

static void import_answer(struct import *m)
{
	json_t *accepted = json_object();
	size_t total = 0;

	for (enum mirror_kind kind = MIRROR_PERSON; kind < MIRROR_KINDS; kind++) {
		total += m->accepted[kind];
		json_object_set_new(accepted, mirror_def(kind)->plural,
				    json_integer((json_int_t)m->accepted[kind]));
	}
	http_answer_json(m->r, 200,
			 json_pack("{s:I s:I s:I s:o s:O}", "lines", (json_int_t)m->line,
				   "accepted", (json_int_t)total, "refused", (json_int_t)m->refused,
				   "counts", accepted, "refusals", m->refusals));
}

static void import_post(struct http_request *r)
{
	struct import *m = calloc(1, sizeof(*m));
	struct upload_line line;

	if (!m)
		abort();
	m->r = r;
	m->arena = arena_new(0);
	m->refusals = json_array();
	while (!m->failed && upload_next_line(r->upload, r->deadline_mono_ms, &line))
		line_take(m, &line);
	flush_all(m);
	if (m->failed)
		problem_from_err(r, &m->e);
	else if (!upload_whole(r->upload))
		problem_answer(r, PROBLEM_REQUEST_TIMEOUT, "The body did not arrive whole.");
	else
		import_answer(m);
	json_decref(m->refusals);
	arena_free(&m->arena);
	free(m);
}

static const struct json_field REFUSAL[] = {
	{.name = "line", .type = FIELD_INT},
	{.name = "id", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "code", .type = FIELD_LINE},
	{.name = "reason", .type = FIELD_LINE},
	{.name = NULL},
};
static const struct json_field REFUSALS[] = {
	{.name = "", .type = FIELD_OBJECT, .fields = REFUSAL},
};
static const struct json_field ANSWER[] = {
	{.name = "lines", .type = FIELD_INT},
	{.name = "accepted", .type = FIELD_INT},
	{.name = "refused", .type = FIELD_INT},
	{.name = "counts", .type = FIELD_FREE, .help = "Accepted lines of each kind."},
	{.name = "refusals", .type = FIELD_LIST, .fields = REFUSALS, .help = "The first 1,000."},
	{.name = NULL},
};

static const struct route ROUTES[] = {
	{.method = HTTP_POST,
	 .pattern = "/v1/import",
	 .need = NEED_MANAGER,
	 .scope = SCOPE_MIRROR,
	 .flags = ROUTE_STREAMED | ROUTE_SLOW,
	 .handle = import_post,
	 .status = 200,
	 .answer = ANSWER,
	 .summary = "NDJSON: users, organizations, people and items, one object with kind and id a "
		    "line."},
};

ROUTE_TABLE(route_import_table, "import", ROUTES);
