#include "gateway/webhook_body.h"

#include "common/base/clock.h"
#include "common/base/code.h"
#include "common/store/keys.h"
#include "gateway/event_view.h"
#include "gateway/json.h"

static const char ONE_TYPE[] = "application/cloudevents+json";
static const char LIST_TYPE[] = "application/cloudevents-batch+json";

enum err_code webhook_viewer_set(struct http_request *r, const struct webhook *webhook,
				 struct err *e)
{
	struct viewer *v = &r->viewer;
	struct store_reply reply;
	enum err_code code;

	*v = (struct viewer){.kind = VIEWER_COMPANY, .scopes = SCOPE_EVENTS, .company = v->company};
	if (!webhook->user.n)
		return ERR_OK;
	code = store_do(r->store, r->arena, &reply, e, "HGET %b %b",
			key_company(r->arena, v->company, KEY_C_USERS), webhook->user);
	if (code != ERR_OK)
		return code;
	if (reply.type != STORE_STRING)
		return err_set(e, ERR_GONE, ERR_ITEM, "user_gone", "the user is not there");
	v->kind = VIEWER_USER;
	auth_viewer_user(r, webhook->user, reply.string);
	return ERR_OK;
}

static int json_write(const char *p, size_t n, void *ctx)
{
	buf_put(ctx, p, n);
	return 0;
}

static void body_init(struct webhook_body *body, const struct event_position *from)
{
	*body = (struct webhook_body){.at = *from};
	buf_init(&body->text, WEBHOOK_BODY_MAX);
}

/* The same list has the same name, however often it is sent. */
static struct span list_id(struct http_request *r, const struct event_made *events, size_t count)
{
	uint8_t digest[32];
	struct buf ids, id;
	struct span text;

	buf_init(&ids, WEBHOOK_BATCH_MAX * sizeof(events[0].id));
	buf_init(&id, EVENT_ID_CHARS + 1);
	for (size_t i = 0; i < count; i++)
		buf_put_cstr(&ids, events[i].id);
	secret_sha256(buf_span(&ids), digest);
	base32_encode(span_make(digest, 16), &id);
	text = arena_span(r->arena, buf_span(&id));
	buf_fini(&ids);
	buf_fini(&id);
	return text;
}

static int64_t time_of(const struct event_made *event)
{
	return json_get_time_ms(event->json, "time", 0);
}

static void body_fill(struct http_request *r, struct webhook_body *body, bool list,
		      const struct event_made *events, size_t count)
{
	body->content_type = list ? LIST_TYPE : ONE_TYPE;
	body->type = span_cstr(events[0].name);
	body->time_ms = time_of(&events[0]);
	body->events = (unsigned)count;
	body->id = list ? list_id(r, events, count)
			: span_cstr(arena_cstr(r->arena, span_cstr(events[0].id)));
	buf_clear(&body->text);
	if (list)
		buf_put_byte(&body->text, '[');
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_put_byte(&body->text, ',');
		json_dump_callback(events[i].json, json_write, &body->text, JSON_COMPACT);
	}
	if (list)
		buf_put_byte(&body->text, ']');
}

static enum err_code body_try(struct http_request *r, const struct webhook *webhook,
			      const struct event_position *from, struct event_types types,
			      size_t limit, struct webhook_body *body, struct err *e)
{
	struct event_made *events = arena_array(r->arena, limit, sizeof(*events));
	size_t count = 0;
	enum err_code code;

	body->at = *from;
	code = event_view_next(r, types, limit, &body->at, events, &count, &body->end, e);
	if (code == ERR_OK && count)
		body_fill(r, body, webhook->batch > 1, events, count);
	for (size_t i = 0; i < count; i++)
		json_decref(events[i].json);
	return code;
}

enum err_code webhook_body_next(struct http_request *r, const struct webhook *webhook,
				const struct event_position *from, struct webhook_body *body_out,
				struct err *e)
{
	struct event_types types = {0};
	size_t limit = webhook->batch;
	const char *unknown;
	enum err_code code;

	body_init(body_out, from);
	/* A name that a newer version took: the endpoint gets the others. */
	if (webhook->types.n &&
	    !event_types_parse(r, arena_cstr(r->arena, webhook->types), &types, &unknown) &&
	    !types.bits)
		return err_set(e, ERR_PERM, ERR_ITEM, "unknown_types",
			       "none of its types is known");
	do {
		code = body_try(r, webhook, from, types, limit, body_out, e);
		limit /= 2;
	} while (code == ERR_OK && !buf_ok(&body_out->text) && limit);
	if (code == ERR_OK && !buf_ok(&body_out->text))
		code = err_set(e, ERR_LIMIT, ERR_ITEM, "event_too_large", "one event is too large");
	return code;
}

void webhook_body_test(struct http_request *r, const struct webhook *webhook,
		       struct webhook_body *body_out)
{
	static const struct event_position nowhere = {0, 0, 0};
	char time[CLOCK_RFC3339_BYTES];
	struct event_made event = {.name = "webhook.test"};
	uint8_t bytes[16];
	struct buf id;

	body_init(body_out, &nowhere);
	random_bytes(bytes, sizeof(bytes));
	buf_init(&id, EVENT_ID_CHARS + 1);
	base32_encode(span_make(bytes, sizeof(bytes)), &id);
	memcpy(event.id, buf_cstr(&id), id.n + 1);
	buf_fini(&id);
	clock_rfc3339(r->now_ms, time);
	event.json = json_pack(
		"{s:s s:s s:o s:s s:s s:s s:{s:o}}", "specversion", "1.0", "id", event.id, "source",
		json_from_span(
			span_cstr(arena_printf(r->arena, "/v1/webhooks/%.*s", (int)webhook->id.n,
					       (const char *)webhook->id.p))),
		"type", event.name, "time", time, "datacontenttype", "application/json", "data",
		"webhookId", json_from_span(webhook->id));
	body_fill(r, body_out, webhook->batch > 1, &event, 1);
	json_decref(event.json);
}
