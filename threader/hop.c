#include "threader/hop.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "threader/proposal.h"
#include "threader/rehome.h"

#include <stdlib.h>

#define CONTENT_HASH_BYTES 32

struct hop {
	struct stage *stage;
	struct arena *arena; /* of one message */
	struct buf frame;
	struct rehome *rehome;
	unsigned credit_due[WIRE_LANES]; /* batches finished while our own queue was full */
};

enum err_code hop_start(struct stage *stage, void **ctx_out, struct err *e)
{
	const struct hop_conf *conf = stage_conf(stage);
	struct hop *hop = calloc(1, sizeof(*hop));

	(void)e;
	if (!hop)
		abort();
	hop->stage = stage;
	hop->arena = arena_new(0);
	buf_init(&hop->frame, WIRE_FRAME_MAX);
	hop->rehome = rehome_new(stage, conf->sweep_ms);
	for (unsigned lane = 0; lane < WIRE_LANES; lane++)
		bus_credit(stage_bus(stage), lane);
	*ctx_out = hop;
	return ERR_OK;
}

void hop_stop(void *ctx)
{
	struct hop *hop = ctx;

	rehome_free(&hop->rehome);
	buf_fini(&hop->frame);
	arena_free(&hop->arena);
	free(hop);
}

/* A message that is not well formed is dropped here: the ledger has it, and drives it again alone in the end. */
static bool propose(struct hop *hop, unsigned lane, struct span frame)
{
	struct wire_proposal proposal;
	struct wire_facts facts;
	struct err e = {0};

	arena_reset(hop->arena);
	if (wire_decode_facts(frame, hop->arena, &facts, &e) != ERR_OK ||
	    facts.content_hash.n != CONTENT_HASH_BYTES) {
		log_event(LOG_LEVEL_ERROR, "facts_refused", "error", "e", &e, NULL);
		return false;
	}
	proposal_make(&facts, hop->arena, &proposal);
	proposal.proposed_us = clock_wall_ms() * 1000;
	metrics_add(stage_metrics(hop->stage), HOP_METRIC_DERIVED, 0, (int64_t)proposal.derived);
	buf_clear(&hop->frame);
	wire_encode_proposal(&proposal, &hop->frame);
	bus_give(stage_bus(hop->stage), lane, (struct bus_item){.frame = buf_span(&hop->frame)});
	return true;
}

/* Asks for the next batch, unless what was made of the last ones still waits for a taker. */
static void credit(struct hop *hop, unsigned lane)
{
	struct bus *bus = stage_bus(hop->stage);

	for (; hop->credit_due[lane] > 0 && bus_queued(bus, lane) < BUS_BATCH_MAX;
	     hop->credit_due[lane]--)
		bus_credit(bus, lane);
}

void hop_batch(void *ctx, unsigned lane, const struct bus_item *items, size_t count)
{
	struct hop *hop = ctx;
	struct metrics *metrics = stage_metrics(hop->stage);
	int64_t started_us = clock_mono_us();
	size_t made = 0;

	if (count == 0)
		return;
	metrics_add(metrics, METRIC_IN, lane, (int64_t)count);
	for (size_t i = 0; i < count; i++)
		made += propose(hop, lane, items[i].frame);
	bus_flush(stage_bus(hop->stage));
	hop->credit_due[lane]++;
	credit(hop, lane);
	metrics_add(metrics, METRIC_OUT, lane, (int64_t)made);
	metrics_add(metrics, METRIC_FAILED, lane, (int64_t)(count - made));
	metrics_observe_us(metrics, METRIC_SECONDS_PER_MESSAGE, lane,
			   (clock_mono_us() - started_us) / (int64_t)count, (int64_t)count);
}

void hop_wanted(void *ctx, unsigned lane)
{
	credit(ctx, lane);
}

void hop_bell(void *ctx, struct span from, struct bus_item item)
{
	struct hop *hop = ctx;
	struct wire_ring ring;
	struct err e = {0};

	(void)from;
	arena_reset(hop->arena);
	if (wire_peek(item.frame) != WIRE_N_ring ||
	    wire_decode_ring(item.frame, hop->arena, &ring, &e) != ERR_OK)
		return;
	if (span_eq(ring.topic, SPAN_LIT("rehome")))
		rehome_ask(hop->rehome, ring.company, ring.account);
}

void hop_tick(void *ctx, int64_t now_mono_ms)
{
	struct hop *hop = ctx;
	struct metrics *metrics = stage_metrics(hop->stage);

	for (unsigned lane = 0; lane < WIRE_LANES; lane++) {
		credit(hop, lane);
		metrics_set(metrics, METRIC_QUEUE, lane,
			    (int64_t)bus_queued(stage_bus(hop->stage), lane));
	}
	metrics_add(metrics, HOP_METRIC_MOVED, 0, (int64_t)rehome_turn(hop->rehome, now_mono_ms));
}

bool hop_drained(void *ctx)
{
	struct bus *bus = stage_bus(((struct hop *)ctx)->stage);

	return bus_queued(bus, WIRE_LANE_LIVE) == 0 && bus_queued(bus, WIRE_LANE_BULK) == 0;
}
