#include "gateway/webhook_view.h"

static const char *const STATES[] = {"active", "failing", "paused", "disabled", NULL};
static const struct json_field TYPE_NAME[] = {{.name = "", .type = FIELD_LINE, .max = 64},
					      {.name = NULL}};
static const struct json_field PROBLEM_FIELDS[] = {
	{.name = "code",
	 .type = FIELD_LINE,
	 .help = "endpoint_failing, endpoint_failed (three days long) or endpoint_gone (it "
		 "answered "
		 "410)."},
	{.name = "detail", .type = FIELD_LINE},
	{.name = "remedy", .type = FIELD_LINE},
	{.name = "since", .type = FIELD_TIME},
	{.name = NULL}};

const struct json_field webhook_view_fields[] = {
	{.name = "id", .type = FIELD_ID},
	{.name = "url", .type = FIELD_LINE},
	{.name = "types", .type = FIELD_LIST, .fields = TYPE_NAME, .help = "Empty: all."},
	{.name = "userId",
	 .type = FIELD_ID,
	 .flags = FIELD_NULL,
	 .help = "Whose eyes it has; null: the company's, which see ids of shared mail alone."},
	{.name = "description", .type = FIELD_TEXT},
	{.name = "batch", .type = FIELD_INT, .min = 1, .max = WEBHOOK_BATCH_MAX},
	{.name = "active",
	 .type = FIELD_BOOL,
	 .help = "Events are sent. Put on again it goes on where it was; events are kept 7 days, "
		 "so after a longer rest with the oldest there is."},
	{.name = "state", .type = FIELD_ENUM, .values = STATES},
	{.name = "createdAt", .type = FIELD_TIME},
	{.name = "delivered", .type = FIELD_INT, .help = "Events that it took."},
	{.name = "failures", .type = FIELD_INT, .help = "Since it last took one."},
	{.name = "lastStatus",
	 .type = FIELD_INT,
	 .flags = FIELD_NULL,
	 .help = "HTTP status of the last request; null: it had no answer, or there was none."},
	{.name = "lastAttemptAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "lastDeliveredAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "nextAttemptAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "oldSecretUntil",
	 .type = FIELD_TIME,
	 .flags = FIELD_NULL,
	 .help = "Until then requests are signed with the secret before too."},
	{.name = "problem", .type = FIELD_OBJECT, .flags = FIELD_NULL, .fields = PROBLEM_FIELDS},
	{.name = NULL}};

const struct json_field webhook_delivery_fields[] = {
	{.name = "at", .type = FIELD_TIME},
	{.name = "webhookId", .type = FIELD_LINE, .help = "The request's header webhook-id."},
	{.name = "type", .type = FIELD_LINE, .help = "Of the first event in it."},
	{.name = "events", .type = FIELD_INT},
	{.name = "attempt", .type = FIELD_INT},
	{.name = "delivered", .type = FIELD_BOOL},
	{.name = "status", .type = FIELD_INT, .flags = FIELD_NULL},
	{.name = "error",
	 .type = FIELD_LINE,
	 .flags = FIELD_NULL,
	 .help = "http_status, timed_out, host_not_found, connection_refused, connection_failed, "
		 "tls_failed, certificate_untrusted or address_not_public."},
	{.name = "durationMs", .type = FIELD_INT},
	{.name = "nextAttemptAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = NULL}};

static json_t *types_json(struct span types)
{
	json_t *list = json_array();

	while (types.n) {
		size_t end = span_find_byte(types, ',');

		json_array_append_new(list, json_from_span(span_sub(types, 0, end)));
		types = span_sub(types, end < types.n ? end + 1 : end, types.n);
	}
	return list;
}

static json_t *problem_json(const struct webhook_state *state)
{
	const char *code = "endpoint_failing", *detail, *remedy;

	if (!state->stopped.n && !state->failures)
		return json_null();
	detail = "The endpoint does not take events; they wait and are sent again.";
	remedy = "See its deliveries; they go on by themselves when it answers 2xx.";
	if (span_eq(state->stopped, SPAN_LIT("gone"))) {
		code = "endpoint_gone";
		detail = "The endpoint answered 410: it wants no more events.";
		remedy = "Set active to true if that was a mistake.";
	} else if (state->stopped.n) {
		code = "endpoint_failed";
		detail = "The endpoint took no event for three days, so it was turned off.";
		remedy = "Repair it, then set active to true: it goes on where it was.";
	}
	return json_pack("{s:s s:s s:s s:o}", "code", code, "detail", detail, "remedy", remedy,
			 "since",
			 json_from_time(state->stopped.n ? state->stopped_ms : state->failing_ms));
}

static const char *state_name(const struct webhook *webhook, const struct webhook_state *state)
{
	if (state->stopped.n)
		return "disabled";
	if (!webhook->active)
		return "paused";
	return state->failures ? "failing" : "active";
}

static json_t *status_json(unsigned status)
{
	return status ? json_integer(status) : json_null();
}

json_t *webhook_view(const struct webhook *w, const struct webhook_state *state, int64_t now_ms)
{
	int64_t old_ms = w->secret_count > 1 ? w->secrets[1].until_ms : 0;
	json_t *view = json_pack("{s:o s:o s:o s:o s:o s:i s:b s:s s:o}", "id",
				 json_from_span(w->id), "url", json_from_span(w->url), "types",
				 types_json(w->types), "userId",
				 w->user.n ? json_from_span(w->user) : json_null(), "description",
				 json_from_span(w->description), "batch", (int)w->batch, "active",
				 w->active && !state->stopped.n, "state", state_name(w, state),
				 "createdAt", json_from_time(w->created_ms));
	json_t *more = json_pack(
		"{s:I s:I s:o s:o s:o s:o s:o s:o}", "delivered", (json_int_t)state->delivered,
		"failures", (json_int_t)state->failures, "lastStatus", status_json(state->status),
		"lastAttemptAt", json_from_time(state->tried_ms), "lastDeliveredAt",
		json_from_time(state->delivered_ms), "nextAttemptAt",
		json_from_time(state->stopped.n ? 0 : state->next_ms), "oldSecretUntil",
		json_from_time(old_ms > now_ms ? old_ms : 0), "problem", problem_json(state));

	json_object_update(view, more);
	json_decref(more);
	return view;
}

json_t *webhook_delivery_view(const struct webhook_delivery *d)
{
	return json_pack("{s:o s:o s:o s:I s:I s:b s:o s:o s:I s:o}", "at",
			 json_from_time(d->at_ms), "webhookId", json_from_span(d->id), "type",
			 json_from_span(d->type), "events", (json_int_t)d->events, "attempt",
			 (json_int_t)d->attempt, "delivered", !d->error.n, "status",
			 status_json(d->status), "error",
			 d->error.n ? json_from_span(d->error) : json_null(), "durationMs",
			 (json_int_t)d->duration_ms, "nextAttemptAt", json_from_time(d->next_ms));
}

json_t *webhook_result_view(const struct webhook_result *result)
{
	return json_pack("{s:b s:o s:o s:I}", "delivered", !result->error, "status",
			 status_json(result->status), "error",
			 result->error ? json_string(result->error) : json_null(), "durationMs",
			 (json_int_t)result->duration_ms);
}
