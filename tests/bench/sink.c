/*
 * sink: stands where parser, threader and linker stand, for measuring the fetcher by itself: takes raw messages and
 * commits each at once, with a record of one octet (`m`), its ledger entry taken off, and the notice to the fetcher.
 */
#include "common/stage/stage.h"
#include "common/store/keys.h"

#include <stdio.h>
#include <stdlib.h>

struct sink_conf {
	struct conf_common common;
};

struct sink {
	struct stage *stage;
	struct arena *arena;
	struct buf frame;
};

/* One batch's messages of one account, and where the notice of them goes. */
struct commit {
	struct span company, account, origin;
	struct span ids[BUS_BATCH_MAX];
	size_t count;
};

static void tell(struct sink *sink, const struct commit *c)
{
	struct wire_committed m = {
		.account = c->account,
		.ids = {.items = (struct span *)(uintptr_t)c->ids, .count = c->count}};
	char origin[65];

	snprintf(origin, sizeof(origin), "%.*s", (int)c->origin.n, (const char *)c->origin.p);
	buf_clear(&sink->frame);
	wire_encode_committed(&m, &sink->frame);
	(void)bus_tell(stage_bus(sink->stage), origin,
		       (struct bus_item){.frame = buf_span(&sink->frame)});
}

static void commit_write(struct sink *sink, const struct commit *c)
{
	struct span records[2 + 2 * BUS_BATCH_MAX], gone[2 + BUS_BATCH_MAX];
	struct store_command commands[2] = {{records, 2}, {gone, 2}};
	struct store_reply replies[2];
	struct err e;

	if (c->count == 0)
		return;
	records[0] = SPAN_LIT("HSET");
	records[1] = key_account(sink->arena, c->company, c->account, KEY_A_MESSAGES);
	gone[0] = SPAN_LIT("HDEL");
	gone[1] = key_account(sink->arena, c->company, c->account, KEY_A_LEDGER);
	for (size_t i = 0; i < c->count; i++) {
		records[commands[0].count++] = c->ids[i];
		records[commands[0].count++] = SPAN_LIT("1");
		gone[commands[1].count++] = c->ids[i];
	}
	if (store_pipeline(stage_store(sink->stage), commands, 2, sink->arena, replies, &e) ==
	    ERR_OK)
		tell(sink, c);
}

static void batch(void *ctx, unsigned lane, const struct bus_item *items, size_t count)
{
	struct sink *sink = ctx;
	struct commit c = {.count = 0};

	arena_reset(sink->arena);
	for (size_t i = 0; i < count; i++) {
		struct wire_raw m;

		if (wire_decode_raw(items[i].frame, sink->arena, &m, NULL) != ERR_OK)
			continue;
		if (c.count && !(span_eq(c.account, m.account) && span_eq(c.origin, m.origin))) {
			commit_write(sink, &c);
			c.count = 0;
		}
		c.company = m.company;
		c.account = m.account;
		c.origin = m.origin;
		c.ids[c.count++] = m.id;
	}
	commit_write(sink, &c);
	bus_credit(stage_bus(sink->stage), lane);
}

static enum err_code start(struct stage *stage, void **ctx_out, struct err *e)
{
	struct sink *sink = calloc(1, sizeof(*sink));

	(void)e;
	if (!sink)
		abort();
	sink->stage = stage;
	sink->arena = arena_new(0);
	buf_init(&sink->frame, WIRE_FRAME_MAX);
	for (unsigned lane = 0; lane < 2; lane++)
		bus_credit(stage_bus(stage), lane);
	*ctx_out = sink;
	return ERR_OK;
}

static void stop(void *ctx)
{
	struct sink *sink = ctx;

	buf_fini(&sink->frame);
	arena_free(&sink->arena);
	free(sink);
}

int main(int argc, char **argv)
{
	static const struct conf_setting settings[] = {{0}};
	static const struct stage_def def = {
		.name = "parser",
		.purpose = "Commits raw messages unread.",
		.settings = settings,
		.conf_bytes = sizeof(struct sink_conf),
		.taker_of = "raw",
		.bus = {.batch = batch},
		.start = start,
		.stop = stop,
	};

	return stage_main(&def, argc, argv);
}
