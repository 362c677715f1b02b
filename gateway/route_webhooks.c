/* Endpoints that events are posted to. Each has the eyes of who made it, and is there for them alone. */
#include <stdlib.h>

#include "common/base/code.h"
#include "gateway/event_view.h"
#include "gateway/idempotency.h"
#include "gateway/page.h"
#include "gateway/plan.h"
#include "gateway/problem.h"
#include "gateway/routes.h"
#include "gateway/webhook_sign.h"
#include "gateway/webhook_own.h"
#include "gateway/webhook_url.h"
#include "gateway/webhook_view.h"

enum {
	TYPES_MAX = 64,
	DESCRIPTION_MAX = 256,
	OVERLAP_DEFAULT_S = 86400,
	OVERLAP_MAX_S = 7 * 86400,
	CHANGE_TRIES = 5,
};

/* ["a","b"] → "a,b". False: a problem is answered. */
static bool types_read(struct http_request *r, struct span *types_out)
{
	struct event_types types;
	struct span *names;
	size_t count = json_get_spans(r->arena, r->json, "types", &names);
	const char *unknown;
	struct buf text;
	bool ok = true;

	buf_init(&text, TYPES_MAX * 65);
	for (size_t i = 0; i < count && ok; i++) {
		ok = event_types_parse(r, arena_cstr(r->arena, names[i]), &types, &unknown) &&
		     types.bits && span_find_byte(names[i], ',') == names[i].n;
		if (!ok)
			problem_answer(r, PROBLEM_INVALID_FIELD, "`types[%zu]` is no event.", i);
		if (i)
			buf_put_byte(&text, ',');
		buf_put_span(&text, span_trim(names[i]));
	}
	*types_out = arena_span(r->arena, buf_span(&text));
	buf_fini(&text);
	return ok;
}

/* Takes what the body has into the record. False: a problem is answered. */
static bool fields_read(struct http_request *r, struct webhook *webhook)
{
	const char *url = json_get_text(r->json, "url"), *fault = NULL;

	if (url) {
		fault = webhook_url_fault(url, r->app->conf->allow_private_hosts);
		webhook->url = span_cstr(url);
	}
	if (fault) {
		problem_answer(r, PROBLEM_INVALID_FIELD, "`url` %s.", fault);
		return false;
	}
	if (json_object_get(r->json, "description"))
		webhook->description = json_get_span(r->json, "description");
	webhook->batch = (unsigned)json_get_int(r->json, "batch", webhook->batch);
	webhook->active = json_get_bool(r->json, "active", webhook->active);
	return !json_object_get(r->json, "types") || types_read(r, &webhook->types);
}

/* The same request has the same endpoint. */
static struct span fresh_id(struct http_request *r)
{
	uint8_t bytes[32];
	struct span id;
	struct buf text;

	if (!idempotency_digest(r, bytes))
		random_bytes(bytes, sizeof(bytes));
	buf_init(&text, 64);
	buf_put_cstr(&text, "wh-");
	base32_encode(span_make(bytes, ID_BYTES), &text);
	id = arena_span(r->arena, buf_span(&text));
	buf_fini(&text);
	return id;
}

static void answer_with_secret(struct http_request *r, unsigned status,
			       const struct webhook_own *own, const struct buf *secret)
{
	json_t *view = webhook_view(&own->webhook, &own->state, r->now_ms);

	json_object_set_new(view, "secret", json_from_span(buf_span(secret)));
	http_answer_json(r, status, view);
}

static void webhook_post(struct http_request *r)
{
	struct webhook_own own = {.webhook = {.id = fresh_id(r),
					      .user = r->viewer.user,
					      .batch = 1,
					      .active = true,
					      .created_ms = r->now_ms}};
	struct event_position now;
	struct span args[4], answer;
	struct buf secret;
	size_t max;
	struct err e;

	if (!fields_read(r, &own.webhook))
		return;
	if (webhook_now(r, &now, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return;
	}
	buf_init(&secret, WEBHOOK_SECRET_CHARS + 1);
	webhook_secret_renew(&r->app->token_key, r->viewer.company, r->arena, &own.webhook,
			     r->now_ms, 0, &secret);
	args[0] = own.webhook.id;
	args[1] = webhook_write(r->arena, &own.webhook);
	args[2] = webhook_position_text(r->arena, &now);
	max = plan_limit(r, PLAN_MAX_WEBHOOKS);
	args[3] = span_cstr(arena_printf(r->arena, "%zu",
					 max < WEBHOOK_COMPANY_MAX ? max : WEBHOOK_COMPANY_MAX));
	if (webhook_own_call(r, "gateway_1_webhook_put", args, 4, &answer)) {
		if (span_eq(answer, SPAN_LIT("ok")))
			answer_with_secret(r, 201, &own, &secret);
		else if (max < WEBHOOK_COMPANY_MAX)
			plan_limit_answer(r, PLAN_MAX_WEBHOOKS);
		else
			problem_answer(r, PROBLEM_TOO_MANY, "A company has at most %d webhooks.",
				       WEBHOOK_COMPANY_MAX);
		webhook_own_ring(r);
	}
	buf_wipe(&secret);
}

/* The viewer's own after the cursor, sorted by id, at most max. */
static size_t webhooks_pick(struct http_request *r, struct store_reply *pairs, struct span cursor,
			    struct webhook *webhooks, struct span *ids, size_t max)
{
	struct store_reply after = {.string = cursor};
	size_t count = 0;

	if (pairs->count)
		qsort(pairs->items, pairs->count / 2, 2 * sizeof(*pairs->items),
		      page_compare_names);
	for (size_t i = 0; i + 1 < pairs->count && count < max; i += 2) {
		struct span id = pairs->items[i].string;

		if ((cursor.n && page_compare_names(&pairs->items[i], &after) <= 0) ||
		    !webhook_read(r->arena, id, pairs->items[i + 1].string, &webhooks[count]) ||
		    !span_eq(webhooks[count].user, r->viewer.user))
			continue;
		ids[count++] = id;
	}
	return count;
}

static void webhooks_list(struct http_request *r)
{
	struct webhook_state *states;
	struct webhook *webhooks;
	struct store_reply pairs;
	struct span *ids, next;
	json_t *data;
	struct page page;
	size_t count;
	struct err e;

	if (!page_read(r, &page))
		return;
	webhooks = arena_array(r->arena, page.limit + 1, sizeof(*webhooks));
	states = arena_array(r->arena, page.limit + 1, sizeof(*states));
	ids = arena_array(r->arena, page.limit + 1, sizeof(*ids));
	if (webhook_list(r, &pairs, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return;
	}
	count = webhooks_pick(r, &pairs, page.cursor, webhooks, ids, page.limit + 1);
	if (webhook_states(r, ids, count, states, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return;
	}
	data = json_array();
	for (size_t i = 0; i < count && i < page.limit; i++)
		json_array_append_new(data, webhook_view(&webhooks[i], &states[i], r->now_ms));
	next = count > page.limit ? ids[page.limit - 1] : SPAN_LIT("");
	page_answer(r, data, next);
}

static void webhook_get(struct http_request *r)
{
	struct webhook_own own;

	if (webhook_own_load(r, &own))
		http_answer_json(r, 200, webhook_view(&own.webhook, &own.state, r->now_ms));
}

/* Stores the changed record, if it is as it was read. *stale_out: it is not. False: a problem is answered. */
static bool own_store(struct http_request *r, const struct webhook_own *own, bool anew,
		      bool *stale_out)
{
	struct span args[] = {own->webhook.id, own->json, webhook_write(r->arena, &own->webhook),
			      anew ? SPAN_LIT("1") : SPAN_LIT("0")};
	struct span answer;

	if (!webhook_own_call(r, "gateway_1_webhook_change", args, 4, &answer))
		return false;
	*stale_out = !span_eq(answer, SPAN_LIT("ok"));
	return true;
}

/* What several changed at once is changed in turn. */
static void changed_too_often(struct http_request *r)
{
	problem_answer(r, PROBLEM_UNAVAILABLE, "The webhook is being changed by others.");
}

static void webhook_patch(struct http_request *r)
{
	bool anew = json_get_bool(r->json, "active", false);

	for (int i = 0; i < CHANGE_TRIES; i++) {
		struct webhook_own own;
		bool stale;

		if (!webhook_own_load(r, &own) || !fields_read(r, &own.webhook) ||
		    !own_store(r, &own, anew, &stale))
			return;
		if (stale)
			continue;
		webhook_own_ring(r);
		webhook_get(r);
		return;
	}
	changed_too_often(r);
}

static void webhook_rotate(struct http_request *r)
{
	int64_t overlap_s = json_get_int(r->json, "overlap", OVERLAP_DEFAULT_S);
	bool stale = true, stored = true;
	struct webhook_own own;
	struct buf secret;

	buf_init(&secret, WEBHOOK_SECRET_CHARS + 1);
	for (int i = 0; i < CHANGE_TRIES && stale && stored; i++) {
		buf_clear(&secret);
		stored = webhook_own_load(r, &own);
		if (!stored)
			break;
		webhook_secret_renew(&r->app->token_key, r->viewer.company, r->arena, &own.webhook,
				     r->now_ms, overlap_s * 1000, &secret);
		stored = own_store(r, &own, false, &stale);
	}
	if (stored && stale)
		changed_too_often(r);
	else if (stored)
		answer_with_secret(r, 200, &own, &secret);
	buf_wipe(&secret);
}

static void webhook_delete(struct http_request *r)
{
	struct webhook_own own;
	struct span answer;

	if (!webhook_own_load(r, &own) ||
	    !webhook_own_call(r, "gateway_1_webhook_delete", &own.webhook.id, 1, &answer))
		return;
	webhook_own_ring(r);
	http_answer_empty(r, 204);
}

static const struct json_field TYPE_NAME[] = {{.name = "", .type = FIELD_LINE, .max = 64},
					      {.name = NULL}};
#define CHANGEABLE                                                                             \
	{.name = "types",                                                                      \
	 .type = FIELD_LIST,                                                                   \
	 .max = TYPES_MAX,                                                                     \
	 .fields = TYPE_NAME,                                                                  \
	 .help = "Names of the events wanted; empty or not given: all."},                      \
		{.name = "description", .type = FIELD_TEXT, .max = DESCRIPTION_MAX},           \
		{.name = "batch",                                                              \
		 .type = FIELD_INT,                                                            \
		 .min = 1,                                                                     \
		 .max = WEBHOOK_BATCH_MAX,                                                     \
		 .help = "Events in one request at most. 1, as if not given: each request is " \
			 "one event; else a list of them."},                                   \
	{                                                                                      \
		.name = "active", .type = FIELD_BOOL,                                          \
		.help = "False: events wait, as long as they are kept. True also turns on "    \
			"what was disabled."                                                   \
	}

static const struct json_field WEBHOOK_POST[] = {{.name = "url",
						  .type = FIELD_LINE,
						  .flags = FIELD_REQUIRED,
						  .min = 1,
						  .max = WEBHOOK_URL_MAX,
						  .help = "https, to a public address."},
						 CHANGEABLE,
						 {.name = NULL}};
static const struct json_field WEBHOOK_PATCH[] = {
	{.name = "url", .type = FIELD_LINE, .min = 1, .max = WEBHOOK_URL_MAX},
	CHANGEABLE,
	{.name = NULL}};
static const struct json_field ROTATE[] = {
	{.name = "overlap",
	 .type = FIELD_INT,
	 .min = 0,
	 .max = OVERLAP_MAX_S,
	 .help = "Seconds that the secret before is good for; a day if not given."},
	{.name = NULL}};
#define COMMON .need = NEED_COMPANY, .scope = SCOPE_EVENTS

static const struct route ROUTES[] = {
	{.method = HTTP_POST,
	 .pattern = "/v1/webhooks",
	 COMMON,
	 .flags = ROUTE_IDEMPOTENT,
	 .handle = webhook_post,
	 .body = WEBHOOK_POST,
	 .status = 201,
	 .answer = webhook_view_fields,
	 .summary =
		 "Makes a webhook for what happens from now on; `secret`, which its requests are "
		 "signed with, is shown this once."},
	{.method = HTTP_GET,
	 .pattern = "/v1/webhooks",
	 COMMON,
	 .flags = ROUTE_PAGED,
	 .handle = webhooks_list,
	 .status = 200,
	 .answer = webhook_view_fields,
	 .summary = "The viewer's own webhooks."},
	{.method = HTTP_GET,
	 .pattern = "/v1/webhooks/{id}",
	 COMMON,
	 .handle = webhook_get,
	 .status = 200,
	 .answer = webhook_view_fields,
	 .summary = "One webhook, and what is wrong with it."},
	{.method = HTTP_PATCH,
	 .pattern = "/v1/webhooks/{id}",
	 COMMON,
	 .handle = webhook_patch,
	 .body = WEBHOOK_PATCH,
	 .status = 200,
	 .answer = webhook_view_fields,
	 .summary = "Changes it; what is on its way already goes as before."},
	{.method = HTTP_DELETE,
	 .pattern = "/v1/webhooks/{id}",
	 COMMON,
	 .handle = webhook_delete,
	 .status = 204,
	 .summary = "Ends it."},
	{.method = HTTP_POST,
	 .pattern = "/v1/webhooks/{id}/rotate-secret",
	 COMMON,
	 .handle = webhook_rotate,
	 .body = ROTATE,
	 .status = 200,
	 .answer = webhook_view_fields,
	 .summary = "Makes a new secret, shown this once in `secret`; for a while requests are "
		    "signed with both."},
};

ROUTE_TABLE(route_webhooks_table, "webhooks", ROUTES);
