#include "gateway/erasure_count.h"

#include "common/store/keys.h"
#include "gateway/json.h"

#define STEP "500"

static void count_family(json_t *families, struct span key, size_t tag_bytes)
{
	struct span rest = span_sub(key, tag_bytes + 1, key.n);
	char family[32];
	struct span name = span_sub(rest, 0, span_find_byte(rest, ':'));

	if (name.n >= sizeof(family))
		name.n = sizeof(family) - 1;
	memcpy(family, name.p, name.n);
	family[name.n] = 0;
	json_object_set_new(families, family, json_integer(json_get_int(families, family, 0) + 1));
}

static enum err_code take_keys(struct http_request *r, struct arena *arena, struct span tag,
			       bool company, const struct span *keys, size_t count, struct err *e)
{
	struct span *args = arena_array(arena, count + 1, sizeof(*args));
	struct store_reply reply;

	if (!company)
		return store_fcall(r->store, "gateway_1_account_sweep", &tag, 1, keys, count, arena,
				   &reply, e);
	args[0] = SPAN_LIT("UNLINK");
	memcpy(args + 1, keys, count * sizeof(*keys));
	return store_call(r->store, args, count + 1, arena, &reply, e);
}

/* One part of the scan: its keys are counted and, if asked, taken. */
static enum err_code part(struct http_request *r, struct arena *arena, struct span tag,
			  bool company, bool take, const struct store_reply *found,
			  json_t *families, struct err *e)
{
	struct span *keys = arena_array(arena, found->count + 1, sizeof(*keys));
	size_t count = 0;

	for (size_t i = 0; i < found->count; i++) {
		struct span key = found->items[i].string;

		if (!company && span_eq(span_sub(key, tag.n, key.n), SPAN_LIT(":acct")))
			continue;
		count_family(families, key, tag.n);
		keys[count++] = key;
	}
	return count && take ? take_keys(r, arena, tag, company, keys, count, e) : ERR_OK;
}

enum err_code erasure_count_keys(struct http_request *r, struct span tag, bool company, bool take,
				 json_t *families, struct err *e)
{
	struct span pattern =
		span_cstr(arena_printf(r->arena, "%.*s:*", (int)tag.n, (const char *)tag.p));
	struct arena *arena = arena_new(0);
	char cursor[24] = "0";
	enum err_code code;

	do {
		struct store_reply reply;

		arena_reset(arena);
		code = store_do(r->store, arena, &reply, e, "SCAN %s MATCH %b COUNT 1000", cursor,
				pattern);
		if (code == ERR_OK &&
		    (reply.count < 2 || reply.items[0].string.n >= sizeof(cursor)))
			code = err_set(e, ERR_PERM, ERR_PROCESS, "redis_answer", "no cursor");
		if (code != ERR_OK)
			break;
		memcpy(cursor, reply.items[0].string.p, reply.items[0].string.n);
		cursor[reply.items[0].string.n] = 0;
		code = part(r, arena, tag, company, take, &reply.items[1], families, e);
	} while (code == ERR_OK && strcmp(cursor, "0") != 0);
	arena_free(&arena);
	return code;
}

static enum err_code call(struct http_request *r, const char *function, const struct span *args,
			  size_t count, struct store_reply *reply_out, struct err *e)
{
	struct span key = key_company_tag(r->arena, r->viewer.company);
	enum err_code code =
		store_fcall(r->store, function, &key, 1, args, count, r->arena, reply_out, e);

	if (code == ERR_OK && (reply_out->type != STORE_ARRAY || reply_out->count < 2))
		code = err_set(e, ERR_PERM, ERR_PROCESS, "function_answer",
			       "%s answered something else", function);
	return code;
}

enum err_code erasure_count_traces(struct http_request *r, struct span account, uint64_t number,
				   uint64_t *traces_out, struct err *e)
{
	struct span args[] = {account,
			      span_cstr(arena_printf(r->arena, "%llu", (unsigned long long)number)),
			      SPAN_LIT("0"), SPAN_LIT(STEP)};
	struct store_reply reply;
	enum err_code code;

	*traces_out = 0;
	do {
		code = call(r, "gateway_1_account_traces", args, 4, &reply, e);
		if (code != ERR_OK)
			return code;
		*traces_out += (uint64_t)reply.items[1].integer;
		args[2] = reply.items[0].string;
	} while (!span_eq(args[2], SPAN_LIT("0")));
	return ERR_OK;
}

enum err_code erasure_drop_events(struct http_request *r, uint64_t number, uint64_t *events_out,
				  struct err *e)
{
	struct span args[] = {span_cstr(arena_printf(r->arena, "%llu", (unsigned long long)number)),
			      SPAN_LIT("-"), SPAN_LIT(STEP)};
	struct store_reply reply;
	enum err_code code;

	*events_out = 0;
	do {
		code = call(r, "gateway_1_events_drop", args, 3, &reply, e);
		if (code != ERR_OK)
			return code;
		*events_out += (uint64_t)reply.items[1].integer;
		args[1] = reply.items[0].string;
	} while (args[1].n);
	return ERR_OK;
}
