/*
 * feed: stands where fetchers and parsers stand, for tests of threader and linker: gives the facts in a file (lane byte,
 * u32 length, frame; again and again until told that they are committed), and prints one line for each notice:
 * `committed <id>` or `failed <id>`. With ring, an account of company c1, it rings for that one again and again. What is
 * put behind the file's end later is given too.
 */
#include "common/base/clock.h"
#include "common/stage/stage.h"

#include <stdio.h>
#include <stdlib.h>

#define AGAIN_MS 1500
#define QUEUE_MAX 256
#define BYTES_MAX (256u << 20) /* of a file: items point into its bytes, which so never move */
#define ITEMS_MAX 1000000

struct feed_conf {
	struct conf_common common;
	char *file, *ring;
};

struct item {
	struct span frame;
	struct id id;
	unsigned lane;
	bool done;
	int64_t given_ms;
};

struct feed {
	struct stage *stage;
	struct arena *arena;
	struct buf bytes;
	size_t loaded; /* of them */
	FILE *file;
	struct item *items;
	size_t count, next;
	struct item **by_id; /* sorted */
};

static void ring(struct feed *feed, const char *account)
{
	static const char *const topics[][2] = {{"linker", "journal"}, {"threader", "rehome"}};
	struct buf frame;

	buf_init(&frame, WIRE_FRAME_MAX);
	for (size_t i = 0; i < 2; i++) {
		struct wire_ring m = {.topic = span_cstr(topics[i][1]),
				      .company = SPAN_LIT("c1"),
				      .account = span_cstr(account)};

		buf_clear(&frame);
		wire_encode_ring(&m, &frame);
		bus_tell_all(stage_bus(feed->stage), topics[i][0],
			     (struct bus_item){.frame = buf_span(&frame)});
	}
	buf_fini(&frame);
}

static int by_id(const void *a, const void *b)
{
	const struct item *const *x = a, *const *y = b;

	return memcmp((*x)->id.b, (*y)->id.b, ID_BYTES);
}

static void sort(struct feed *feed)
{
	feed->by_id = realloc(feed->by_id, (feed->count + 1) * sizeof(struct item *));
	if (!feed->by_id)
		abort();
	for (size_t i = 0; i < feed->count; i++)
		feed->by_id[i] = &feed->items[i];
	qsort(feed->by_id, feed->count, sizeof(struct item *), by_id);
}

/* Whole frames behind those that are known. */
static void load(struct feed *feed)
{
	const size_t before = feed->count;
	struct span rest;

	clearerr(feed->file);
	feed->bytes.n +=
		fread(feed->bytes.p + feed->bytes.n, 1, BYTES_MAX - feed->bytes.n, feed->file);
	for (;;) {
		struct item *item = &feed->items[feed->count];
		struct wire_facts facts;
		uint32_t length;
		struct err e;

		rest = span_sub(buf_span(&feed->bytes), feed->loaded, feed->bytes.n);
		if (rest.n < 5)
			break;
		memcpy(&length, rest.p + 1, sizeof(length));
		if (rest.n - 5 < length)
			break;
		if (feed->count == ITEMS_MAX)
			abort();
		item->lane = rest.p[0];
		item->frame = span_sub(rest, 5, length);
		arena_reset(feed->arena);
		if (wire_decode_facts(item->frame, feed->arena, &facts, &e) != ERR_OK) {
			fprintf(stderr, "feed: %s\n", e.text);
			abort();
		}
		memcpy(item->id.b, facts.id.p, ID_BYTES);
		feed->loaded += 5 + (size_t)length;
		feed->count++;
	}
	if (feed->count > before || !feed->by_id)
		sort(feed);
}

static enum err_code start(struct stage *stage, void **ctx_out, struct err *e)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	(void)e;
	if (!feed)
		abort();
	feed->stage = stage;
	feed->arena = arena_new(0);
	feed->file = fopen(((const struct feed_conf *)stage_conf(stage))->file, "rb");
	feed->items = calloc(ITEMS_MAX, sizeof(*feed->items));
	if (!feed->file || !feed->items)
		abort();
	buf_init(&feed->bytes, BYTES_MAX);
	buf_reserve(&feed->bytes, BYTES_MAX);
	load(feed);
	*ctx_out = feed;
	return ERR_OK;
}

static void tick(void *ctx, int64_t now_mono_ms)
{
	struct feed *feed = ctx;
	struct bus *bus = stage_bus(feed->stage);
	const char *account = ((const struct feed_conf *)stage_conf(feed->stage))->ring;

	if (account[0])
		ring(feed, account);
	load(feed);
	for (size_t looked = 0; looked < feed->count; looked++) {
		struct item *item = &feed->items[feed->next];

		if (bus_queued(bus, 0) + bus_queued(bus, 1) >= QUEUE_MAX)
			break;
		feed->next = (feed->next + 1) % feed->count;
		if (item->done || (item->given_ms && now_mono_ms - item->given_ms < AGAIN_MS))
			continue;
		item->given_ms = now_mono_ms;
		bus_give(bus, item->lane, (struct bus_item){.frame = item->frame});
	}
	bus_flush(bus);
}

static void notice(struct feed *feed, const char *word, struct span id)
{
	struct item told, *key = &told, **found;
	char text[ID_CHARS + 1];

	memcpy(told.id.b, id.p, ID_BYTES);
	id_format(&told.id, text);
	printf("%s %s\n", word, text);
	fflush(stdout);
	found = bsearch(&key, feed->by_id, feed->count, sizeof(struct item *), by_id);
	if (found)
		(*found)->done = true;
}

static void bell(void *ctx, struct span from, struct bus_item item)
{
	struct feed *feed = ctx;
	struct wire_committed committed;
	struct wire_failed failed;
	struct err e;

	(void)from;
	arena_reset(feed->arena);
	if (wire_peek(item.frame) == WIRE_N_committed &&
	    wire_decode_committed(item.frame, feed->arena, &committed, &e) == ERR_OK)
		for (size_t i = 0; i < committed.ids.count; i++)
			notice(feed, "committed", committed.ids.items[i]);
	else if (wire_peek(item.frame) == WIRE_N_failed &&
		 wire_decode_failed(item.frame, feed->arena, &failed, &e) == ERR_OK)
		notice(feed, "failed", failed.id);
}

static void stop(void *ctx)
{
	struct feed *feed = ctx;

	fclose(feed->file);
	buf_fini(&feed->bytes);
	arena_free(&feed->arena);
	free(feed->items);
	free(feed->by_id);
	free(feed);
}

int main(int argc, char **argv)
{
	static const struct conf_setting settings[] = {
		{"file", CONF_STRING, offsetof(struct feed_conf, file), "", 0, 0, "The facts."},
		{"ring", CONF_STRING, offsetof(struct feed_conf, ring), "", 0, 0, "An account."},
		{0},
	};
	static const struct stage_def def = {
		.name = "parser",
		.purpose = "Gives facts from a file.",
		.settings = settings,
		.conf_bytes = sizeof(struct feed_conf),
		.giver_of = "facts",
		.bus = {.bell = bell},
		.start = start,
		.tick = tick,
		.stop = stop,
	};

	return stage_main(&def, argc, argv);
}
