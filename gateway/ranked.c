#include "gateway/ranked.h"

#define TIES_MAX 1000 /* members of one millisecond */

/* Two commands a key: the rest of the millisecond we stand in, and what is older. */
static void ask(struct http_request *r, struct span key, const int64_t *after_ms, size_t want,
		struct store_command out[2])
{
	const char *older = after_ms ? arena_printf(r->arena, "(%lld", (long long)*after_ms)
				     : "+inf";

	out[0] = after_ms ? store_command(r->arena,
					  "ZRANGE %b %d %d BYSCORE REV LIMIT 0 %d WITHSCORES", key,
					  *after_ms, *after_ms, (int64_t)TIES_MAX)
			  : store_command(r->arena, "ECHO -");
	out[1] = store_command(r->arena, "ZRANGE %b %s -inf BYSCORE REV LIMIT 0 %d WITHSCORES", key,
			       older, (int64_t)want);
}

static size_t take(const struct store_reply *reply, size_t source, struct ranked_entry *out)
{
	size_t count = 0;

	for (size_t i = 0; i + 1 < reply->count; i += 2) {
		uint64_t ms;

		if (span_to_u64(reply->items[i + 1].string, INT64_MAX, &ms))
			out[count++] =
				(struct ranked_entry){(int64_t)ms, reply->items[i].string, source};
	}
	return count;
}

enum err_code ranked_read(struct http_request *r, const struct span *keys, size_t key_count,
			  const int64_t *after_ms, size_t want, struct ranked_entry **entries_out,
			  size_t *count_out, struct err *e)
{
	struct store_command *commands =
		arena_array(r->arena, 2 * key_count + 1, sizeof(*commands));
	struct store_reply *replies = arena_array(r->arena, 2 * key_count + 1, sizeof(*replies));
	size_t room = 1, count = 0;
	enum err_code code;

	for (size_t i = 0; i < key_count; i++)
		ask(r, keys[i], after_ms, want, &commands[2 * i]);
	code = store_pipeline(r->store, commands, 2 * key_count, r->arena, replies, e);
	if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < 2 * key_count; i++)
		room += replies[i].count / 2;
	*entries_out = arena_array(r->arena, room, sizeof(**entries_out));
	for (size_t i = 0; i < 2 * key_count; i++)
		count += take(&replies[i], i / 2, &(*entries_out)[count]);
	*count_out = count;
	return ERR_OK;
}
