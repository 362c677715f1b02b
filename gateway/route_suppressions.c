/* The company's list of addresses that nothing is sent to: seen and edited by everybody in it (SND-13). */
#include <stdlib.h>

#include "common/base/address.h"
#include "common/store/keys.h"
#include "gateway/json.h"
#include "gateway/page.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"

static struct span list_key(struct http_request *r)
{
	return key_company(r->arena, r->viewer.company, KEY_C_SUPPRESSED);
}

/* The {address} of the path, normalized. False: a problem is answered. */
static bool address_of(struct http_request *r, struct span *address_out)
{
	char normal[ADDRESS_MAX + 1];

	if (!address_normalize(r->ids[0], normal)) {
		problem_answer(r, PROBLEM_INVALID_PARAMETER, "The path names no mail address.");
		return false;
	}
	*address_out = arena_span(r->arena, span_cstr(normal));
	return true;
}

static void one_get(struct http_request *r)
{
	struct store_reply reply;
	struct span address;
	struct err e;

	if (!address_of(r, &address))
		return;
	if (store_do(r->store, r->arena, &reply, &e, "HGET %b %b", list_key(r), address) != ERR_OK)
		problem_from_err(r, &e);
	else if (reply.type == STORE_STRING)
		http_answer_json_text(r, 200, reply.string);
	else
		problem_not_found(r);
}

static void one_put(struct http_request *r)
{
	struct store_reply reply;
	struct span address;
	json_t *entry;
	struct err e;

	if (!address_of(r, &address))
		return;
	entry = json_pack("{s:o s:O s:o s:o s:o}", "email", json_from_span(address), "reason",
			  json_object_get(r->json, "reason"), "note",
			  json_from_span(json_get_span(r->json, "note")), "by",
			  r->viewer.user.n ? json_from_span(r->viewer.user) : json_null(), "at",
			  json_from_time(r->now_ms));
	if (store_do(r->store, r->arena, &reply, &e, "HSET %b %b %b", list_key(r), address,
		     json_text(r->arena, entry)) == ERR_OK)
		http_answer_json(r, 200, json_incref(entry));
	else
		problem_from_err(r, &e);
	json_decref(entry);
}

static void one_delete(struct http_request *r)
{
	struct store_reply reply;
	struct span address;
	struct err e;

	if (!address_of(r, &address))
		return;
	if (store_do(r->store, r->arena, &reply, &e, "HDEL %b %b", list_key(r), address) != ERR_OK)
		problem_from_err(r, &e);
	else if (reply.integer)
		http_answer_empty(r, 204);
	else
		problem_not_found(r);
}

/* Their entries at once; one that was taken off meanwhile is left out. */
static json_t *entries_get(struct http_request *r, const struct store_reply *addresses,
			   size_t count, struct err *e)
{
	struct span *args = arena_array(r->arena, count + 2, sizeof(*args));
	struct store_reply reply = {.count = 0};
	json_t *data = json_array();

	args[0] = SPAN_LIT("HMGET");
	args[1] = list_key(r);
	for (size_t i = 0; i < count; i++)
		args[2 + i] = addresses[i].string;
	err_clear(e);
	if (count && store_call(r->store, args, count + 2, r->arena, &reply, e) != ERR_OK)
		reply.count = 0;
	for (size_t i = 0; i < reply.count; i++) {
		struct span text = reply.items[i].string;

		if (reply.items[i].type == STORE_STRING)
			json_array_append_new(data,
					      json_loadb((const char *)text.p, text.n, 0, NULL));
	}
	return data;
}

/* Sorted by address; the cursor is the last one given. */
static void list_answer(struct http_request *r, struct store_reply *addresses,
			const struct page *page)
{
	size_t from = 0, count;
	json_t *data;
	struct err e;

	if (addresses->count > 1)
		qsort(addresses->items, addresses->count, sizeof(*addresses->items),
		      page_compare_names);
	while (page->cursor.n && from < addresses->count &&
	       span_compare(addresses->items[from].string, page->cursor) <= 0)
		from++;
	count = addresses->count - from < page->limit ? addresses->count - from : page->limit;
	data = entries_get(r, addresses->items + from, count, &e);
	if (e.code == ERR_OK) {
		page_answer(r, data,
			    from + count < addresses->count
				    ? addresses->items[from + count - 1].string
				    : SPAN_LIT(""));
		return;
	}
	json_decref(data);
	problem_from_err(r, &e);
}

static void list_get(struct http_request *r)
{
	struct store_reply addresses;
	struct page page;
	struct err e;

	if (!page_read(r, &page))
		return;
	if (store_do(r->store, r->arena, &addresses, &e, "HKEYS %b", list_key(r)) == ERR_OK)
		list_answer(r, &addresses, &page);
	else
		problem_from_err(r, &e);
}

static const char *const REASONS[] = {"bounced", "complained", "unsubscribed", "manual", NULL};

static const struct json_field BODY[] = {
	{.name = "reason", .type = FIELD_ENUM, .flags = FIELD_REQUIRED, .values = REASONS},
	{.name = "note", .type = FIELD_LINE, .max = 500},
	{.name = NULL},
};
static const struct json_field ENTRY[] = {
	{.name = "email", .type = FIELD_ADDRESS},
	{.name = "reason", .type = FIELD_ENUM, .values = REASONS},
	{.name = "note", .type = FIELD_LINE},
	{.name = "by", .type = FIELD_ID, .flags = FIELD_NULL, .help = "The user who listed it."},
	{.name = "at", .type = FIELD_TIME},
	{.name = NULL},
};

#define ONE "/v1/suppressions/{address}"

static const struct route ROUTES[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/suppressions",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_SEND,
	 .flags = ROUTE_PAGED,
	 .handle = list_get,
	 .status = 200,
	 .answer = ENTRY,
	 .summary = "Addresses that the company sends nothing to, by address."},
	{.method = HTTP_GET,
	 .pattern = ONE,
	 .need = NEED_COMPANY,
	 .scope = SCOPE_SEND,
	 .handle = one_get,
	 .status = 200,
	 .answer = ENTRY,
	 .summary = "One of them."},
	{.method = HTTP_PUT,
	 .pattern = ONE,
	 .need = NEED_COMPANY,
	 .scope = SCOPE_SEND,
	 .handle = one_put,
	 .body = BODY,
	 .status = 200,
	 .answer = ENTRY,
	 .summary = "Puts an address on the list."},
	{.method = HTTP_DELETE,
	 .pattern = ONE,
	 .need = NEED_COMPANY,
	 .scope = SCOPE_SEND,
	 .handle = one_delete,
	 .status = 204,
	 .summary = "Takes an address off the list."},
};

ROUTE_TABLE(route_suppressions_table, "sending", ROUTES);
