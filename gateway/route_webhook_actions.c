/* What is done with endpoints: tested, looked into, sent to again. */
#include "common/store/keys.h"
#include "gateway/page.h"
#include "gateway/problem.h"
#include "gateway/routes.h"
#include "gateway/webhook_own.h"
#include "gateway/webhook_view.h"

static void webhook_test(struct http_request *r)
{
	struct webhook_result result;
	struct webhook_body body;
	struct webhook_post *post;
	struct webhook_own own;

	if (!webhook_own_load(r, &own))
		return;
	webhook_body_test(r, &own.webhook, &body);
	post = webhook_post_new(r->app, r->viewer.company, &own.webhook, &body, r->now_ms);
	webhook_post_result(post, curl_easy_perform(webhook_post_easy(post)), &result);
	webhook_post_free(&post);
	buf_fini(&body.text);
	http_answer_json(r, 200, webhook_result_view(&result));
}

static enum err_code deliveries_read(struct http_request *r, struct span id,
				     const struct page *page, struct store_reply *reply,
				     struct err *e)
{
	struct span begin = page->cursor.n ? page->cursor : SPAN_LIT("+");

	return store_do(r->store, r->arena, reply, e, "XREVRANGE %b %b - COUNT %d",
			key_company_part(r->arena, r->viewer.company, KEY_C_WEBHOOKLOG, id), begin,
			(int64_t)page->limit + 1);
}

/* Newest first; the cursor is where the next page begins, the entry before it not included. */
static void deliveries_list(struct http_request *r)
{
	struct webhook_delivery delivery;
	struct span next = SPAN_LIT("");
	struct store_reply reply;
	struct page page;
	struct webhook_own own;
	json_t *data;
	struct err e;

	if (!page_read(r, &page) || !webhook_own_load(r, &own))
		return;
	if (deliveries_read(r, own.webhook.id, &page, &reply, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return;
	}
	data = json_array();
	for (size_t i = 0; i < reply.count && i < page.limit; i++)
		if (reply.items[i].count > 1 && reply.items[i].items[1].count > 1 &&
		    webhook_delivery_read(reply.items[i].items[1].items[1].string, &delivery))
			json_array_append_new(data, webhook_delivery_view(&delivery));
	if (reply.count > page.limit)
		next = span_cstr(arena_printf(
			r->arena, "(%.*s", (int)reply.items[page.limit - 1].items[0].string.n,
			(const char *)reply.items[page.limit - 1].items[0].string.p));
	page_answer(r, data, next);
}

/* Right behind an event, or right before it. False: a problem is answered. */
static bool event_place(struct http_request *r, struct span id, bool before,
			struct event_position *at)
{
	struct event_accounts accounts;
	struct event_ref ref;
	struct err e;
	bool found;

	if (!event_id_parse(&r->app->token_key, r->viewer.company, id, &ref)) {
		problem_answer(r, PROBLEM_INVALID_FIELD, "`%s` is no event's id.",
			       before ? "from" : "after");
		return false;
	}
	if (!account_entry_list(r, &accounts.entries, &accounts.count))
		return false;
	if (event_feed_find(r, &accounts, &ref, at, &found, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (!found)
		problem_answer(r, PROBLEM_UNKNOWN_REFERENCE, "The event is no longer kept.");
	else if (before)
		at->next = ref.company ? 0 : ref.k;
	return found;
}

/* Exactly one of after, from and since. False: a problem is answered. */
static bool replay_place(struct http_request *r, struct event_position *at)
{
	struct span after = json_get_span(r->json, "after"), from = json_get_span(r->json, "from");
	int64_t since_ms = json_get_time_ms(r->json, "since", -1);

	if ((after.n > 0) + (from.n > 0) + (since_ms >= 0) != 1) {
		problem_answer(r, PROBLEM_MISSING_FIELD,
			       "Give one of `after`, `from` and `since`.");
		return false;
	}
	if (since_ms >= 0) {
		*at = (struct event_position){(uint64_t)since_ms, 0, 0};
		return true;
	}
	return event_place(r, from.n ? from : after, from.n > 0, at);
}

static void webhook_replay(struct http_request *r)
{
	struct event_position at;
	struct span args[2], answer;
	struct webhook_own own;

	if (!webhook_own_load(r, &own) || !replay_place(r, &at))
		return;
	args[0] = own.webhook.id;
	args[1] = webhook_position_text(r->arena, &at);
	if (!webhook_own_call(r, "gateway_1_webhook_move", args, 2, &answer))
		return;
	webhook_own_ring(r);
	if (webhook_own_load(r, &own))
		http_answer_json(r, 200, webhook_view(&own.webhook, &own.state, r->now_ms));
}

static const struct json_field REPLAY[] = {
	{.name = "after", .type = FIELD_LINE, .max = 64, .help = "The id of an event."},
	{.name = "from", .type = FIELD_LINE, .max = 64, .help = "The same, which is sent too."},
	{.name = "since", .type = FIELD_TIME},
	{.name = NULL}};
static const struct json_field TEST_ANSWER[] = {
	{.name = "delivered", .type = FIELD_BOOL},
	{.name = "status", .type = FIELD_INT, .flags = FIELD_NULL},
	{.name = "error", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "durationMs", .type = FIELD_INT},
	{.name = NULL}};

static const struct route ROUTES[] = {
	{.method = HTTP_POST,
	 .pattern = "/v1/webhooks/{id}/test",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_EVENTS,
	 .flags = ROUTE_SLOW,
	 .handle = webhook_test,
	 .status = 200,
	 .answer = TEST_ANSWER,
	 .summary = "Sends it an event `webhook.test` now and tells what came of it."},
	{.method = HTTP_GET,
	 .pattern = "/v1/webhooks/{id}/deliveries",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_EVENTS,
	 .flags = ROUTE_PAGED,
	 .handle = deliveries_list,
	 .status = 200,
	 .answer = webhook_delivery_fields,
	 .summary = "Its last requests and what came of them, newest first."},
	{.method = HTTP_POST,
	 .pattern = "/v1/webhooks/{id}/replay",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_EVENTS,
	 .handle = webhook_replay,
	 .body = REPLAY,
	 .status = 200,
	 .answer = webhook_view_fields,
	 .summary = "Sends again what is kept from an event or time on."},
};

ROUTE_TABLE(route_webhook_actions_table, "webhooks", ROUTES);
