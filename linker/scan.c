#include "linker/scan.h"

#include "common/store/keys.h"

#include <stdlib.h>

#define STEP 512
#define EVENT_BYTES 11u

/* One SCAN family command until its cursor is 0. pair: elements come with a value. */
struct cursor {
	struct store *store;
	const char *format; /* with the key or pattern, then the cursor in its place */
	struct span key;
	bool cursor_first, pair;
};

static enum err_code give(const struct cursor *c, const struct store_reply *list, scan_fn *fn,
			  void *ctx, struct err *e)
{
	size_t width = c->pair ? 2 : 1;
	enum err_code code = ERR_OK;

	for (size_t i = 0; code == ERR_OK && i + width <= list->count; i += width)
		code = fn(ctx, list->items[i].string,
			  c->pair ? list->items[i + 1].string : SPAN_LIT(""), e);
	return code;
}

static enum err_code run(const struct cursor *c, scan_fn *fn, void *ctx, struct err *e)
{
	struct arena *arena = arena_new(0);
	uint64_t cursor = 0;
	enum err_code code;

	do {
		struct store_reply reply;
		struct span at;

		arena_reset(arena);
		at = span_cstr(arena_printf(arena, "%llu", (unsigned long long)cursor));
		code = store_do(c->store, arena, &reply, e, c->format,
				c->cursor_first ? at : c->key, c->cursor_first ? c->key : at);
		if (code != ERR_OK)
			break;
		if (reply.count < 2 || !span_to_u64(reply.items[0].string, UINT64_MAX, &cursor)) {
			code = err_set(e, ERR_PERM, ERR_PROCESS, "redis_answer", "no cursor");
			break;
		}
		code = give(c, &reply.items[1], fn, ctx, e);
	} while (code == ERR_OK && cursor != 0);
	arena_free(&arena);
	return code;
}

enum err_code scan_hash(struct store *store, struct span key, scan_fn *fn, void *ctx, struct err *e)
{
	struct cursor c = {store, "HSCAN %b %b COUNT 512", key, false, true};

	return run(&c, fn, ctx, e);
}

enum err_code scan_zset(struct store *store, struct span key, scan_fn *fn, void *ctx, struct err *e)
{
	struct cursor c = {store, "ZSCAN %b %b COUNT 512", key, false, true};

	return run(&c, fn, ctx, e);
}

enum err_code scan_keys(struct store *store, struct span prefix, scan_fn *fn, void *ctx,
			struct err *e)
{
	struct arena *arena = arena_new(0);
	struct cursor c = {
		store, "SCAN %b MATCH %b COUNT 512",
		span_cstr(arena_printf(arena, "%.*s*", (int)prefix.n, (const char *)prefix.p)),
		true, false};
	enum err_code code = run(&c, fn, ctx, e);

	arena_free(&arena);
	return code;
}

enum err_code scan_events(struct store *store, struct span company, scan_fn *fn, void *ctx,
			  struct err *e)
{
	struct arena *arena = arena_new(0);
	char from[64] = "-";
	enum err_code code;
	size_t count;

	do {
		struct store_reply reply;

		arena_reset(arena);
		code = store_do(store, arena, &reply, e, "XRANGE %b %s + COUNT 512",
				key_company(arena, company, KEY_C_EVENTS), from);
		count = code == ERR_OK ? reply.count : 0;
		for (size_t i = 0; code == ERR_OK && i < count; i++) {
			const struct store_reply *entry = &reply.items[i];

			if (entry->count < 2 || entry->items[1].count < 2)
				continue;
			struct span id = entry->items[0].string;

			code = fn(ctx, id, entry->items[1].items[1].string, e);
			if (id.n + 2 <= sizeof(from)) {
				from[0] = '(';
				memcpy(from + 1, id.p, id.n);
				from[1 + id.n] = '\0';
			}
		}
	} while (code == ERR_OK && count == STEP);
	arena_free(&arena);
	return code;
}

bool scan_event_read(struct span event, uint32_t *number_out, uint64_t *n_out)
{
	if (event.n != EVENT_BYTES || event.p[0] != 'm')
		return false;
	*number_out = 0;
	*n_out = 0;
	for (size_t i = 1; i < 5; i++)
		*number_out = *number_out << 8 | event.p[i];
	for (size_t i = 5; i < EVENT_BYTES; i++)
		*n_out = *n_out << 8 | event.p[i];
	return true;
}
