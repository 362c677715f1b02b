#include "linker/events.h"

#include "common/store/keys.h"
#include "linker/scan.h"

#include <stdlib.h>

#define STEP 1000u

struct event {
	uint32_t number;
	uint64_t n, ms, seq; /* journal number; stream id */
};

struct events {
	struct store *store;
	struct arena *arena;
	struct span company;
	struct event *items; /* in the stream's order */
	size_t count, room;
};

struct events *events_new(struct store *store, struct span company)
{
	struct events *events = calloc(1, sizeof(*events));

	if (!events)
		abort();
	events->store = store;
	events->arena = arena_new(0);
	events->company = company;
	return events;
}

void events_free(struct events **events)
{
	if (!*events)
		return;
	arena_free(&(*events)->arena);
	free((*events)->items);
	free(*events);
	*events = NULL;
}

static enum err_code add(void *ctx, struct span name, struct span value, struct err *e)
{
	struct events *events = ctx;
	struct event event;
	size_t dash = span_find_byte(name, '-');

	(void)e;
	if (!scan_event_read(value, &event.number, &event.n) ||
	    !span_to_u64(span_sub(name, 0, dash), UINT64_MAX, &event.ms) ||
	    !span_to_u64(span_sub(name, dash + 1, name.n), UINT64_MAX, &event.seq))
		return ERR_OK;
	if (events->count == events->room) {
		events->room = events->room ? events->room * 2 : 4096;
		events->items = realloc(events->items, events->room * sizeof(*events->items));
		if (!events->items)
			abort();
	}
	events->items[events->count++] = event;
	return ERR_OK;
}

enum err_code events_read(struct events *events, struct err *e)
{
	events->count = 0;
	return scan_events(events->store, events->company, add, events, e);
}

/* First number of the journal, or n + 1 if it is empty. */
static enum err_code journal_first(struct events *events, struct span account, uint64_t n,
				   uint64_t *first_out, struct err *e)
{
	struct store_reply reply;
	enum err_code code;

	arena_reset(events->arena);
	*first_out = n + 1;
	code = store_do(events->store, events->arena, &reply, e, "XRANGE %b - + COUNT 1",
			key_account(events->arena, events->company, account, KEY_A_JOURNAL));
	if (code != ERR_OK || reply.count == 0 || reply.items[0].count < 2)
		return code;
	struct span id = reply.items[0].items[0].string;

	if (!span_to_u64(span_sub(id, 0, span_find_byte(id, '-')), UINT64_MAX, first_out))
		return err_set(e, ERR_PERM, ERR_ACCOUNT, "redis_answer", "no journal number");
	return ERR_OK;
}

/* Numbers that rise by one to n, beginning at first or before (what the journal has lost since). */
static bool is_whole(const struct events *events, uint32_t number, uint64_t first, uint64_t n)
{
	uint64_t last = 0;
	bool any = false;

	for (size_t i = 0; i < events->count; i++) {
		const struct event *event = &events->items[i];

		if (event->number != number)
			continue;
		if (any ? event->n != last + 1 : event->n > first)
			return false;
		any = true;
		last = event->n;
	}
	return any ? last == n : first > n;
}

static enum err_code take_out(struct events *events, uint32_t number, struct err *e)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; code == ERR_OK && i < events->count; i++) {
		const struct event *event = &events->items[i];
		struct store_reply reply;

		if (event->number != number)
			continue;
		arena_reset(events->arena);
		code = store_do(events->store, events->arena, &reply, e, "XDEL %b %b",
				key_company(events->arena, events->company, KEY_C_EVENTS),
				span_cstr(arena_printf(events->arena, "%llu-%llu",
						       (unsigned long long)event->ms,
						       (unsigned long long)event->seq)));
	}
	return code;
}

static enum err_code write_all(struct events *events, uint32_t number, uint64_t first, uint64_t n,
			       struct err *e)
{
	enum err_code code = ERR_OK;

	for (uint64_t from = first; code == ERR_OK && from <= n; from += STEP) {
		uint64_t count = n - from + 1 < STEP ? n - from + 1 : STEP;
		struct store_reply reply;

		arena_reset(events->arena);
		code = store_do(events->store, events->arena, &reply, e,
				"FCALL linker_1_announce 1 %b %d %d %d",
				key_company_tag(events->arena, events->company), (int64_t)number,
				(int64_t)from, (int64_t)count);
	}
	return code;
}

enum err_code events_mend(struct events *events, struct span account, uint32_t number, uint64_t n,
			  uint64_t *written_out, struct err *e)
{
	uint64_t first;
	enum err_code code = journal_first(events, account, n, &first, e);

	*written_out = 0;
	if (code != ERR_OK || is_whole(events, number, first, n))
		return code;
	code = take_out(events, number, e);
	if (code == ERR_OK)
		code = write_all(events, number, first, n, e);
	if (code == ERR_OK)
		*written_out = n + 1 - first;
	return code;
}
