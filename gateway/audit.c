#include "gateway/audit.h"

#include "gateway/page.h"
#include "gateway/problem.h"

static void put_change(json_t *changes, const char *name, json_t *from, json_t *to)
{
	if (from == to || (from && to && json_equal(from, to)))
		return;
	json_object_set_new(changes, name,
			    json_pack("{s:O, s:O}", "from", from ? from : json_null(), "to",
				      to ? to : json_null()));
}

static json_t *changes_of(const json_t *before, const json_t *after)
{
	json_t *changes = json_object(), *value;
	const char *name;

	json_object_foreach((json_t *)(uintptr_t)after, name, value)
	{
		put_change(changes, name, json_object_get(before, name), value);
	}
	json_object_foreach((json_t *)(uintptr_t)before, name,
			    value) if (!json_object_get(after, name))
		put_change(changes, name, value, NULL);
	return changes;
}

struct span audit_entry(struct http_request *r, const json_t *before, const json_t *after)
{
	json_t *changes = changes_of(before, after), *entry;
	struct span text;

	if (!json_object_size(changes)) {
		json_decref(changes);
		return span_make(NULL, 0);
	}
	entry = json_pack("{s:o s:o s:o s:o}", "at", json_from_time(r->now_ms), "user",
			  json_from_span(r->viewer.user), "token", json_from_span(r->viewer.token),
			  "changes", changes);
	text = json_text(r->arena, entry);
	json_decref(entry);
	return text;
}

static bool is_cursor(struct span cursor)
{
	struct span ms = span_sub(cursor, 0, span_find_byte(cursor, '-'));
	uint64_t n;

	return span_to_u64(ms, INT64_MAX, &n) &&
	       span_to_u64(span_sub(cursor, ms.n + 1, cursor.n), INT64_MAX, &n);
}

static void answer_page(struct http_request *r, const struct store_reply *entries, size_t limit)
{
	size_t count = entries->count < limit ? entries->count : limit;
	struct span next = span_make(NULL, 0);
	json_t *data = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct store_reply *entry = &entries->items[i];
		struct span text;
		json_t *object;

		if (entry->count < 2 || entry->items[1].count < 2)
			continue;
		text = entry->items[1].items[1].string;
		object = json_loadb((const char *)text.p, text.n, 0, NULL);
		if (object)
			json_array_append_new(data, object);
	}
	if (entries->count > limit)
		next = entries->items[count - 1].items[0].string;
	page_answer(r, data, next);
}

void audit_answer(struct http_request *r, struct span key)
{
	struct span from = SPAN_LIT("+");
	struct store_reply reply;
	struct page page;
	struct err e;

	if (!page_read(r, &page))
		return;
	if (page.cursor.n && !is_cursor(page.cursor)) {
		problem_answer(r, PROBLEM_INVALID_CURSOR, "The cursor is not one of this list.");
		return;
	}
	if (page.cursor.n)
		from = span_cstr(arena_printf(r->arena, "(%.*s", (int)page.cursor.n,
					      (const char *)page.cursor.p));
	if (store_do(r->store, r->arena, &reply, &e, "XREVRANGE %b %b - COUNT %d", key, from,
		     (int64_t)page.limit + 1) != ERR_OK)
		problem_from_err(r, &e);
	else
		answer_page(r, &reply, page.limit);
}

const struct json_field audit_answer_fields[] = {
	{.name = "at", .type = FIELD_TIME},
	{.name = "user", .type = FIELD_LINE, .help = "Empty: the company's token itself."},
	{.name = "token", .type = FIELD_LINE, .help = "The token's id."},
	{.name = "changes",
	 .type = FIELD_FREE,
	 .help = "Each changed setting: {\"from\", \"to\"}; null where there was or is none."},
	{.name = NULL},
};
