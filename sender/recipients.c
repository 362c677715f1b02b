#include "sender/recipients.h"

#include <jansson.h>

static const char *const names[] = {"delayed", "sent", "failed", "unknown"};

static bool has(const struct recipients *r, struct span email)
{
	for (size_t i = 0; i < r->count; i++)
		if (span_ieq(r->items[i].email, email))
			return true;
	return false;
}

static void collect(struct recipients *r, const struct compose_addresses *list, struct arena *arena)
{
	for (size_t i = 0; i < list->count; i++)
		if (!has(r, list->items[i].email))
			r->items[r->count++] = (struct recipient){
				.email = arena_span(arena, list->items[i].email), .reply = ""};
}

static void take_before(struct recipients *r, const json_t *entry, struct arena *arena)
{
	const char *email = json_string_value(json_object_get(entry, "email"));
	const char *status = json_string_value(json_object_get(entry, "status"));
	const char *reply = json_string_value(json_object_get(entry, "serverReply"));

	for (size_t i = 0; email && status && i < r->count; i++) {
		if (!span_eq(r->items[i].email, span_cstr(email)))
			continue;
		for (unsigned s = 0; s < sizeof(names) / sizeof(*names); s++)
			if (strcmp(names[s], status) == 0)
				r->items[i].status = (enum recipient_status)s;
		r->items[i].reply = arena_printf(arena, "%s", reply ? reply : "");
	}
}

void recipients_collect(const struct compose_message *message, struct span before,
			struct arena *arena, struct recipients *recipients_out)
{
	struct recipients *r = recipients_out;
	size_t most = message->to.count + message->cc.count + message->bcc.count;
	json_t *list = before.n ? json_loadb((const char *)before.p, before.n, 0, NULL) : NULL;

	*r = (struct recipients){.items = arena_array(arena, most, sizeof(*r->items))};
	collect(r, &message->to, arena);
	collect(r, &message->cc, arena);
	collect(r, &message->bcc, arena);
	for (size_t i = 0; i < json_array_size(list); i++)
		take_before(r, json_array_get(list, i), arena);
	json_decref(list);
	r->pending = arena_array(arena, r->count, sizeof(*r->pending));
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].status == RECIPIENT_PENDING)
			r->pending[r->pending_count++].email = r->items[i].email;
}

static enum recipient_status status_of(unsigned code, enum smtp_outcome outcome)
{
	if (code / 100 == 5 || (code == 0 && outcome == SMTP_NEVER))
		return RECIPIENT_FAILED;
	if (code / 100 == 2)
		return outcome == SMTP_TAKEN ? RECIPIENT_SENT : RECIPIENT_PENDING;
	return code == 0 && outcome == SMTP_AMBIGUOUS ? RECIPIENT_UNKNOWN : RECIPIENT_PENDING;
}

void recipients_apply(struct recipients *recipients, enum smtp_outcome outcome, struct arena *arena)
{
	size_t at = 0;

	for (size_t i = 0; i < recipients->count && at < recipients->pending_count; i++) {
		struct recipient *r = &recipients->items[i];
		const struct smtp_recipient *tried = &recipients->pending[at];

		if (r->status != RECIPIENT_PENDING)
			continue;
		at++;
		r->status = status_of(tried->code, outcome);
		r->reply = arena_printf(arena, "%s", tried->reply);
	}
}

void recipients_give_up(struct recipients *recipients)
{
	for (size_t i = 0; i < recipients->count; i++)
		if (recipients->items[i].status == RECIPIENT_PENDING)
			recipients->items[i].status = RECIPIENT_FAILED;
}

bool recipients_any(const struct recipients *recipients, enum recipient_status status)
{
	for (size_t i = 0; i < recipients->count; i++)
		if (recipients->items[i].status == status)
			return true;
	return false;
}

static int append(const char *p, size_t n, void *ctx)
{
	buf_put(ctx, p, n);
	return 0;
}

/* What is no UTF-8 cannot be said in JSON. */
static json_t *text(const char *p, size_t n)
{
	json_t *value = json_stringn(p, n);

	return value ? value : json_string("?");
}

void recipients_json(const struct recipients *recipients, const char *reply, const char *filing,
		     struct buf *out)
{
	json_t *object = json_object(), *list = json_array();

	for (size_t i = 0; i < recipients->count; i++) {
		const struct recipient *r = &recipients->items[i];
		json_t *entry = json_object();

		json_object_set_new(entry, "email", text((const char *)r->email.p, r->email.n));
		json_object_set_new(entry, "status", json_string(names[r->status]));
		json_object_set_new(entry, "serverReply", text(r->reply, strlen(r->reply)));
		json_array_append_new(list, entry);
	}
	json_object_set_new(object, "serverReply", text(reply, strlen(reply)));
	if (recipients->count)
		json_object_set(object, "recipients", list);
	if (filing)
		json_object_set_new(object, "filing", json_string(filing));
	json_dump_callback(object, append, out, JSON_COMPACT);
	json_decref(list);
	json_decref(object);
}
