#include "gateway/webhook_store.h"

#include "common/store/keys.h"
#include "common/wire/pack.h"

#define DELIVERY_MAX 512
#define DELIVERY_FIELDS 9

static struct span field(const struct store_reply *pairs, const char *name)
{
	for (size_t i = 0; i + 1 < pairs->count; i += 2)
		if (span_eq(pairs->items[i].string, span_cstr(name)))
			return pairs->items[i + 1].string;
	return SPAN_LIT("");
}

static uint64_t number(const struct store_reply *pairs, const char *name)
{
	uint64_t value;

	return span_to_u64(field(pairs, name), INT64_MAX, &value) ? value : 0;
}

static void state_read(const struct store_reply *pairs, struct webhook_state *state)
{
	*state = (struct webhook_state){.epoch = field(pairs, "epoch"),
					.at_text = field(pairs, "at"),
					.failures = number(pairs, "failures"),
					.delivered = number(pairs, "delivered"),
					.failing_ms = (int64_t)number(pairs, "failing"),
					.next_ms = (int64_t)number(pairs, "next"),
					.tried_ms = (int64_t)number(pairs, "tried_at"),
					.delivered_ms = (int64_t)number(pairs, "delivered_at"),
					.stopped_ms = (int64_t)number(pairs, "stopped_at"),
					.status = (unsigned)number(pairs, "status"),
					.error = field(pairs, "error"),
					.stopped = field(pairs, "stopped")};
	if (!webhook_position_parse(state->at_text, &state->at))
		state->at = (struct event_position){0, 0, 0};
}

static struct store_command state_command(struct http_request *r, struct span id)
{
	return store_command(r->arena, "HGETALL %b",
			     key_company_part(r->arena, r->viewer.company, KEY_C_WEBHOOKSTATE, id));
}

bool webhook_load(struct http_request *r, struct span id, struct webhook *webhook_out,
		  struct webhook_state *state_out, struct span *json_out, struct err *e)
{
	struct span key = key_company(r->arena, r->viewer.company, KEY_C_WEBHOOKS);
	struct store_command commands[2] = {store_command(r->arena, "HGET %b %b", key, id),
					    state_command(r, id)};
	struct store_reply replies[2];

	err_clear(e);
	if (store_pipeline(r->store, commands, 2, r->arena, replies, e) != ERR_OK)
		return false;
	*json_out = replies[0].string;
	state_read(&replies[1], state_out);
	return replies[0].type == STORE_STRING && replies[1].count &&
	       webhook_read(r->arena, id, replies[0].string, webhook_out);
}

enum err_code webhook_list(struct http_request *r, struct store_reply *reply_out, struct err *e)
{
	return store_do(r->store, r->arena, reply_out, e, "HGETALL %b",
			key_company(r->arena, r->viewer.company, KEY_C_WEBHOOKS));
}

enum err_code webhook_states(struct http_request *r, const struct span *ids, size_t count,
			     struct webhook_state *states_out, struct err *e)
{
	struct store_command *commands = arena_array(r->arena, count + 1, sizeof(*commands));
	struct store_reply *replies = arena_array(r->arena, count + 1, sizeof(*replies));
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < count; i++)
		commands[i] = state_command(r, ids[i]);
	if (count)
		code = store_pipeline(r->store, commands, count, r->arena, replies, e);
	for (size_t i = 0; code == ERR_OK && i < count; i++)
		state_read(&replies[i], &states_out[i]);
	return code;
}

enum err_code webhook_call(struct http_request *r, const char *function, const struct span *args,
			   size_t count, struct span *answer_out, struct err *e)
{
	struct span key = key_company_tag(r->arena, r->viewer.company);
	struct store_reply reply;
	enum err_code code =
		store_fcall(r->store, function, &key, 1, args, count, r->arena, &reply, e);

	if (code != ERR_OK)
		return code;
	*answer_out = reply.string;
	if (reply.type == STORE_INT)
		*answer_out = reply.integer ? SPAN_LIT("1") : SPAN_LIT("0");
	return ERR_OK;
}

enum err_code webhook_now(struct http_request *r, struct event_position *position_out,
			  struct err *e)
{
	struct store_reply reply;
	enum err_code code = store_do(r->store, r->arena, &reply, e, "XREVRANGE %b + - COUNT 1",
				      key_company(r->arena, r->viewer.company, KEY_C_EVENTS));
	struct span id = SPAN_LIT("");

	*position_out = (struct event_position){0, 0, 0};
	if (code != ERR_OK)
		return code;
	if (reply.count && reply.items[0].count)
		id = span_cstr(
			arena_printf(r->arena, "%.*s-%d", (int)reply.items[0].items[0].string.n,
				     (const char *)reply.items[0].items[0].string.p, UINT8_MAX));
	if (id.n && !webhook_position_parse(id, position_out))
		return err_set(e, ERR_PERM, ERR_PROCESS, "bad_stream_id", "not a stream's id");
	return ERR_OK;
}

struct span webhook_delivery_write(struct arena *arena, const struct webhook_delivery *d)
{
	struct span packed;
	struct buf b;

	buf_init(&b, DELIVERY_MAX);
	pack_put_array(&b, DELIVERY_FIELDS);
	pack_put_i64(&b, d->at_ms);
	pack_put_i64(&b, d->duration_ms);
	pack_put_str(&b, d->id);
	pack_put_str(&b, d->type);
	pack_put_u64(&b, d->events);
	pack_put_u64(&b, d->attempt);
	pack_put_u64(&b, d->status);
	pack_put_str(&b, d->error);
	pack_put_i64(&b, d->next_ms);
	packed = arena_span(arena, buf_span(&b));
	buf_fini(&b);
	return packed;
}

bool webhook_delivery_read(struct span packed, struct webhook_delivery *d)
{
	struct pack_reader p = pack_reader_make(packed);

	if (pack_read_array(&p) < DELIVERY_FIELDS)
		return false;
	d->at_ms = pack_read_i64(&p);
	d->duration_ms = pack_read_i64(&p);
	d->id = pack_read_bytes(&p);
	d->type = pack_read_bytes(&p);
	d->events = pack_read_u64(&p);
	d->attempt = pack_read_u64(&p);
	d->status = (unsigned)pack_read_u64(&p);
	d->error = pack_read_bytes(&p);
	d->next_ms = pack_read_i64(&p);
	return !p.bad;
}
