#include "linker/hop.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "linker/batch.h"
#include "linker/journal.h"

#include <stdlib.h>

#define PAUSE_LEAST_MS 100
#define PAUSE_MOST_MS 2000

/* A batch, kept until it is committed: Redis may be away. Each giver may have one here. */
struct pending {
	struct pending *next;
	struct buf bytes;
	struct span frames[BATCH_MAX]; /* into bytes */
	size_t count;
	unsigned attempts;
	int64_t next_ms, taken_us;
};

struct hop {
	struct stage *stage;
	struct batch *batch;
	struct journal *journal;
	struct arena *bell;
	struct buf frame;
	struct pending *first[WIRE_LANES], **last[WIRE_LANES]; /* oldest first */
	bool draining;
};

enum err_code hop_start(struct stage *stage, void **ctx_out, struct err *e)
{
	const struct hop_conf *conf = stage_conf(stage);
	struct hop *hop = calloc(1, sizeof(*hop));

	(void)e;
	if (!hop || !(hop->batch = calloc(1, sizeof(*hop->batch))))
		abort();
	hop->stage = stage;
	hop->batch->store = stage_store(stage);
	hop->batch->arena = arena_new(256 << 10);
	hop->journal = journal_new(stage, conf->sweep_ms);
	hop->bell = arena_new(0);
	buf_init(&hop->frame, WIRE_FRAME_MAX);
	for (unsigned lane = 0; lane < WIRE_LANES; lane++) {
		hop->last[lane] = &hop->first[lane];
		bus_credit(stage_bus(stage), lane);
	}
	*ctx_out = hop;
	return ERR_OK;
}

static void drop_first(struct hop *hop, unsigned lane)
{
	struct pending *p = hop->first[lane];

	hop->first[lane] = p->next;
	if (!p->next)
		hop->last[lane] = &hop->first[lane];
	buf_fini(&p->bytes);
	free(p);
}

void hop_stop(void *ctx)
{
	struct hop *hop = ctx;

	for (unsigned lane = 0; lane < WIRE_LANES; lane++)
		while (hop->first[lane])
			drop_first(hop, lane);
	buf_fini(&hop->frame);
	arena_free(&hop->bell);
	journal_free(&hop->journal);
	arena_free(&hop->batch->arena);
	free(hop->batch);
	free(hop);
}

static struct bus_item framed(struct hop *hop)
{
	return (struct bus_item){.frame = buf_span(&hop->frame)};
}

static struct bus_item ring_of(struct hop *hop, struct span topic, struct span company,
			       struct span account)
{
	struct wire_ring ring = {.topic = topic, .company = company, .account = account};

	buf_clear(&hop->frame);
	wire_encode_ring(&ring, &hop->frame);
	return framed(hop);
}

static void tell_applied(void *ctx, struct span company, struct span account, uint64_t entries)
{
	struct hop *hop = ctx;

	metrics_add(stage_metrics(hop->stage), HOP_METRIC_APPLIED, 0, (int64_t)entries);
	bus_tell_all(stage_bus(hop->stage), "gateway",
		     ring_of(hop, SPAN_LIT("events"), company, account));
}

static void tell_failed(struct hop *hop, const struct batch_message *m, const char *instance)
{
	struct wire_failed failed = {.company = m->account->company,
				     .account = m->account->account,
				     .generation = m->account->generation,
				     .id = m->facts.id,
				     .reason = SPAN_LIT("commit_refused")};

	buf_clear(&hop->frame);
	wire_encode_failed(&failed, &hop->frame);
	bus_tell(stage_bus(hop->stage), instance, framed(hop));
}

/* What came of an account's messages, to the process that pushed them. */
static void tell_origin(struct hop *hop, const struct batch_account *account)
{
	struct span ids[BATCH_MAX];
	struct wire_committed committed = {.account = account->account, .ids = {.items = ids}};
	char instance[65];

	if (account->origin.n >= sizeof(instance))
		return;
	memcpy(instance, account->origin.p, account->origin.n);
	instance[account->origin.n] = '\0';
	for (size_t i = 0; i < hop->batch->count; i++) {
		const struct batch_message *m = &hop->batch->messages[i];

		if (m->account != account)
			continue;
		if (m->status == COMMIT_FAILED)
			tell_failed(hop, m, instance);
		else
			ids[committed.ids.count++] = m->facts.id;
	}
	if (committed.ids.count == 0)
		return;
	buf_clear(&hop->frame);
	wire_encode_committed(&committed, &hop->frame);
	bus_tell(stage_bus(hop->stage), instance, framed(hop));
}

static void tell(struct hop *hop, bool again)
{
	for (size_t i = 0; i < hop->batch->account_count; i++) {
		const struct batch_account *a = &hop->batch->accounts[i];

		tell_origin(hop, a);
		if (a->merges > 0)
			bus_tell_one(stage_bus(hop->stage), "threader",
				     ring_of(hop, SPAN_LIT("rehome"), a->company, a->account));
		if (a->behind || again) /* an attempt that failed may have written entries */
			journal_ask(hop->journal, a->company, a->account);
		if (a->applied > 0 && !a->behind)
			tell_applied(hop, a->company, a->account, a->applied);
		metrics_add(stage_metrics(hop->stage), HOP_METRIC_MERGES, 0, (int64_t)a->merges);
	}
}

static void count(struct hop *hop, unsigned lane, const struct pending *p)
{
	struct metrics *metrics = stage_metrics(hop->stage);
	size_t failed = hop->batch->refused;

	for (size_t i = 0; i < hop->batch->count; i++) {
		const struct batch_message *m = &hop->batch->messages[i];
		struct span account = m->account->account;

		failed += m->status == COMMIT_FAILED;
		metrics_add(metrics, HOP_METRIC_OUTCOMES, m->status, 1);
		if (log_enabled(LOG_LEVEL_DEBUG))
			log_event(LOG_LEVEL_DEBUG, "message", "account", "p", &account, "id", "i",
				  (const struct id *)m->facts.id.p, "outcome", "s",
				  commit_status_name(m->status), NULL);
	}
	metrics_add(metrics, METRIC_OUT, lane, (int64_t)(p->count - failed));
	metrics_add(metrics, METRIC_FAILED, lane, (int64_t)failed);
	metrics_observe_us(metrics, METRIC_SECONDS_PER_MESSAGE, lane,
			   (clock_mono_us() - p->taken_us) / (int64_t)p->count, (int64_t)p->count);
}

static void postpone(struct hop *hop, unsigned lane, struct pending *p, const struct err *e)
{
	int64_t pause = PAUSE_LEAST_MS << (p->attempts < 5 ? p->attempts : 5);

	p->attempts++;
	p->next_ms = clock_mono_ms() + (pause < PAUSE_MOST_MS ? pause : PAUSE_MOST_MS);
	metrics_add(stage_metrics(hop->stage), METRIC_RETRIED, lane, (int64_t)p->count);
	log_event(LOG_LEVEL_WARN, "commit_postponed", "messages", "u", (uint64_t)p->count, "error",
		  "e", e, NULL);
}

/* The oldest batch of a lane. */
static void attempt(struct hop *hop, unsigned lane)
{
	struct pending *p = hop->first[lane];
	struct err e = {0};

	if (batch_run(hop->batch, p->frames, p->count, clock_wall_ms(), &e) != ERR_OK) {
		postpone(hop, lane, p, &e);
		return;
	}
	tell(hop, p->attempts > 0);
	count(hop, lane, p);
	metrics_add(stage_metrics(hop->stage), METRIC_IN_FLIGHT, lane, -(int64_t)p->count);
	drop_first(hop, lane);
	if (!hop->draining)
		bus_credit(stage_bus(hop->stage), lane);
}

static struct pending *keep(const struct bus_item *items, size_t count)
{
	struct pending *p = calloc(1, sizeof(*p));
	size_t offset = 0;

	if (!p)
		abort();
	buf_init(&p->bytes, (size_t)BATCH_MAX * WIRE_FRAME_MAX);
	for (size_t i = 0; i < count; i++)
		buf_put_span(&p->bytes, items[i].frame);
	for (size_t i = 0; i < count; offset += items[i++].frame.n)
		p->frames[i] = span_make(p->bytes.p + offset, items[i].frame.n);
	p->count = count;
	p->taken_us = clock_mono_us();
	return p;
}

void hop_batch(void *ctx, unsigned lane, const struct bus_item *items, size_t count)
{
	struct hop *hop = ctx;
	struct pending *p = keep(items, count < BATCH_MAX ? count : BATCH_MAX);
	bool alone = !hop->first[lane];

	*hop->last[lane] = p;
	hop->last[lane] = &p->next;
	metrics_add(stage_metrics(hop->stage), METRIC_IN, lane, (int64_t)count);
	metrics_add(stage_metrics(hop->stage), METRIC_IN_FLIGHT, lane, (int64_t)count);
	if (alone)
		attempt(hop, lane);
}

void hop_bell(void *ctx, struct span from, struct bus_item item)
{
	struct hop *hop = ctx;
	struct wire_ring ring;
	struct err e = {0};

	(void)from;
	arena_reset(hop->bell);
	if (wire_peek(item.frame) != WIRE_N_ring ||
	    wire_decode_ring(item.frame, hop->bell, &ring, &e) != ERR_OK)
		return;
	if (span_eq(ring.topic, SPAN_LIT("journal")))
		journal_ask(hop->journal, ring.company, ring.account);
}

static void gauge(struct hop *hop, unsigned lane)
{
	const struct pending *p = hop->first[lane];
	int64_t waiting = 0, age_us = p ? clock_mono_us() - p->taken_us : 0;

	for (; p; p = p->next)
		waiting += (int64_t)p->count;
	metrics_set(stage_metrics(hop->stage), METRIC_QUEUE, lane, waiting);
	metrics_set(stage_metrics(hop->stage), METRIC_OLDEST, lane, age_us / 1000000);
}

void hop_tick(void *ctx, int64_t now_mono_ms)
{
	struct hop *hop = ctx;

	for (unsigned lane = 0; lane < WIRE_LANES; lane++) {
		if (hop->first[lane] && now_mono_ms >= hop->first[lane]->next_ms)
			attempt(hop, lane);
		gauge(hop, lane);
	}
	journal_turn(hop->journal, now_mono_ms, clock_wall_ms(), tell_applied, hop);
	metrics_set(stage_metrics(hop->stage), HOP_METRIC_WAITING, 0,
		    (int64_t)journal_waiting(hop->journal));
}

void hop_drain(void *ctx)
{
	((struct hop *)ctx)->draining = true;
}

bool hop_drained(void *ctx)
{
	const struct hop *hop = ctx;

	return !hop->first[WIRE_LANE_LIVE] && !hop->first[WIRE_LANE_BULK] &&
	       journal_waiting(hop->journal) == 0;
}
