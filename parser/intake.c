#include "parser/intake.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "parser/facts_wire.h"
#include "parser/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PROGRAM "/proc/self/exe"
#define TURN_MS 100
#define QUEUED_MAX 256 /* facts that no threader took yet: then no more raw is asked for */
#define RENDERS_MAX 64
#define RENDER_BYTES_MAX (128u << 20)

struct intake {
	struct stage *stage;
	struct bus *bus;
	struct metrics *metrics;
	struct pool *pool; /* of batches */
	struct pool *renders; /* neither waits for the other; NULL: none was asked for yet */
	int wake; /* an epoll of their children's descriptors */
	struct arena *scratch;
	struct buf copy, out;
	unsigned credits[WIRE_LANES]; /* owed to the givers */
	size_t render_bytes;
	bool draining;
};

/* A batch or a render request on its way through the pool. */
struct errand {
	struct pool_job job; /* first: the pool knows only this */
	struct arena *arena; /* holds all of it */
	unsigned lane;
	int64_t start_us;
	struct wire_raw raws[REQUEST_ITEMS_MAX];
	struct span from;
	size_t render_bytes;
	bool answered;
};

static const char *const WANTS[] = {"facts", "body", "part"};

static struct errand *errand_new(enum pool_class class)
{
	struct errand *errand = calloc(1, sizeof(*errand));
	if (!errand)
		abort();
	errand->arena = arena_new(0);
	errand->job.class = class;
	errand->start_us = clock_mono_us();
	return errand;
}

static void errand_free(struct errand *errand)
{
	arena_free(&errand->arena);
	free(errand);
}

static void add_item(struct intake *in, struct errand *errand, struct bus_item item)
{
	struct err e = {0};
	struct wire_raw *raw = &errand->raws[errand->job.count];
	struct pool_item *slot = &errand->job.items[errand->job.count];
	struct span frame = arena_span(errand->arena, item.frame);
	if (wire_decode_raw(frame, errand->arena, raw, &e) != ERR_OK) {
		log_event(LOG_LEVEL_WARN, "raw_refused", "error", "e", &e, NULL);
		metrics_add(in->metrics, METRIC_FAILED, errand->lane, 1);
		return;
	}
	*slot = (struct pool_item){.spool = raw->spool,
				   .offset = raw->spool_offset,
				   .bytes = raw->spool_bytes,
				   .stamp = raw->spool_stamp};
	/* Neither here nor there: lost on the way, and never to be taken for an empty message. */
	if (raw->spool_bytes == 0 && item.body.n > 0)
		slot->body = arena_span(errand->arena, item.body);
	else if (raw->spool_bytes == 0 && raw->size == 0)
		slot->body = SPAN_LIT("\n");
	errand->job.count++;
}

void intake_batch(void *ctx, unsigned lane, const struct bus_item *items, size_t count)
{
	struct intake *in = ctx;
	struct errand *errand = errand_new(lane == WIRE_LANE_LIVE ? POOL_LIVE : POOL_BULK);
	errand->lane = lane;
	for (size_t i = 0; i < count && i < REQUEST_ITEMS_MAX; i++)
		add_item(in, errand, items[i]);
	metrics_add(in->metrics, METRIC_IN, lane, (int64_t)errand->job.count);
	metrics_add(in->metrics, METRIC_IN_FLIGHT, lane, (int64_t)errand->job.count);
	pool_submit(in->pool, &errand->job);
}

static void reply_failed(struct intake *in, const struct errand *errand)
{
	struct wire_rendered w = {.request = errand->job.number, .status = SPAN_LIT("failed")};
	buf_clear(&in->out);
	wire_encode_rendered(&w, &in->out);
	bus_reply(in->bus, errand->from, (struct bus_item){buf_span(&in->out), {0}});
}

/* Fills the job from the request. False: not one we know. */
static bool take_order(const struct wire_render *w, struct pool_job *job)
{
	for (unsigned i = 0; i < sizeof(WANTS) / sizeof(WANTS[0]); i++) {
		if (span_eq(w->want, span_cstr(WANTS[i])))
			job->want = (enum request_want)(REQUEST_WANT_FACTS + i);
	}
	job->number = w->request;
	job->remote = w->remote != 0;
	job->part_offset = w->offset;
	job->part_limit = w->limit;
	if (w->part.n >= sizeof(job->part))
		return false;
	if (w->part.n)
		memcpy(job->part, w->part.p, w->part.n);
	return job->want != 0;
}

static enum err_code open_pool(struct intake *in, struct pool **pool_out, struct err *e);

static bool has_renders(struct intake *in)
{
	struct err e = {0};
	if (in->renders || open_pool(in, &in->renders, &e) == ERR_OK)
		return true;
	log_event(LOG_LEVEL_ERROR, "child_not_started", "error", "e", &e, NULL);
	return false;
}

void intake_bell(void *ctx, struct span from, struct bus_item item)
{
	struct intake *in = ctx;
	struct wire_render w;
	struct err e = {0};
	if (wire_peek(item.frame) != WIRE_N_render)
		return;
	struct errand *errand = errand_new(POOL_RENDER);
	errand->from = arena_span(errand->arena, from);
	bool ok = wire_decode_render(item.frame, errand->arena, &w, &e) == ERR_OK;
	if (ok && take_order(&w, &errand->job) &&
	    item.body.n <= RENDER_BYTES_MAX - in->render_bytes && has_renders(in) &&
	    pool_waiting(in->renders, POOL_RENDER) < RENDERS_MAX) {
		metrics_add(in->metrics, INTAKE_RENDERS,
			    (unsigned)errand->job.want - REQUEST_WANT_FACTS, 1);
		errand->job.items[0].body = item.body.n ? arena_span(errand->arena, item.body)
							: SPAN_LIT("\n");
		errand->job.count = 1;
		errand->render_bytes = item.body.n;
		in->render_bytes += item.body.n;
		pool_submit(in->renders, &errand->job);
		return;
	}
	if (ok)
		reply_failed(in, errand);
	else
		log_event(LOG_LEVEL_WARN, "render_refused", "error", "e", &e, NULL);
	errand_free(errand);
}

static void report(struct intake *in, const struct errand *errand, const struct wire_raw *raw,
		   const char *reason)
{
	struct wire_failed w = {.company = raw->company,
				.account = raw->account,
				.generation = raw->generation,
				.id = raw->id,
				.reason = span_cstr(reason)};
	char origin[65] = "";
	struct id id = {{0}};
	if (raw->id.n == ID_BYTES)
		memcpy(id.b, raw->id.p, ID_BYTES);
	memcpy(origin, raw->origin.p, raw->origin.n < 64 ? raw->origin.n : 64);
	buf_clear(&in->out);
	wire_encode_failed(&w, &in->out);
	bool told = bus_tell(in->bus, origin, (struct bus_item){buf_span(&in->out), {0}});
	metrics_add(in->metrics, METRIC_FAILED, errand->lane, 1);
	log_event(LOG_LEVEL_WARN, "message_failed", "account", "p", &raw->account, "id", "i", &id,
		  "reason", "s", reason, "told", "s", told ? "yes" : "no", NULL);
}

/* The child's frame, copied and checked, goes on as facts. */
static bool give(struct intake *in, const struct errand *errand, const struct wire_raw *raw,
		 struct span frame)
{
	struct err e = {0};
	arena_reset(in->scratch);
	buf_clear(&in->copy);
	buf_clear(&in->out);
	buf_put_span(&in->copy, frame);
	if (facts_wire_finish(buf_span(&in->copy), raw, in->scratch, &in->out, &e) != ERR_OK) {
		log_event(LOG_LEVEL_ERROR, "facts_refused", "error", "e", &e, NULL);
		return false;
	}
	bus_give(in->bus, errand->lane, (struct bus_item){buf_span(&in->out), {0}});
	metrics_add(in->metrics, METRIC_OUT, errand->lane, 1);
	return true;
}

static void settle_raw(struct intake *in, struct errand *errand, uint32_t i,
		       enum pool_outcome outcome, struct span frame)
{
	const struct wire_raw *raw = &errand->raws[i];
	metrics_add(in->metrics, METRIC_IN_FLIGHT, errand->lane, -1);
	switch (outcome) {
	case POOL_DONE:
		if (!give(in, errand, raw, frame))
			report(in, errand, raw, "crashed");
		break;
	case POOL_LOST:
		metrics_add(in->metrics, INTAKE_LOST, 0, 1);
		break;
	case POOL_CRASHED:
		report(in, errand, raw, "crashed");
		break;
	case POOL_TIMED_OUT:
		report(in, errand, raw, "timed_out");
		break;
	case POOL_TOO_LARGE:
		report(in, errand, raw, "too_large");
		break;
	}
}

static void settle_render(struct intake *in, struct errand *errand, enum pool_outcome outcome,
			  struct span frame, struct span body)
{
	struct wire_rendered w;
	struct err e = {0};
	errand->answered = true;
	arena_reset(in->scratch);
	buf_clear(&in->copy);
	buf_put_span(&in->copy, frame);
	if (outcome != POOL_DONE ||
	    wire_decode_rendered(buf_span(&in->copy), in->scratch, &w, &e) != ERR_OK ||
	    w.request != errand->job.number) {
		reply_failed(in, errand);
		return;
	}
	bus_reply(in->bus, errand->from, (struct bus_item){buf_span(&in->copy), body});
}

static void settled(void *ctx, struct pool_job *job, uint32_t i, enum pool_outcome outcome,
		    struct span frame, struct span body)
{
	struct intake *in = ctx;
	struct errand *errand = (struct errand *)(void *)job;
	if (job->class == POOL_RENDER)
		settle_render(in, errand, outcome, frame, body);
	else
		settle_raw(in, errand, i, outcome, frame);
}

static void finished(void *ctx, struct pool_job *job)
{
	struct intake *in = ctx;
	struct errand *errand = (struct errand *)(void *)job;
	if (job->class == POOL_RENDER) {
		in->render_bytes -= errand->render_bytes;
	} else {
		in->credits[errand->lane]++;
		if (job->count > 0)
			metrics_observe_us(in->metrics, METRIC_SECONDS_PER_MESSAGE, errand->lane,
					   (clock_mono_us() - errand->start_us) / job->count,
					   job->count);
	}
	errand_free(errand);
}

static void died(void *ctx, enum pool_death death, int pid)
{
	static const char *const names[] = {"crashed", "timed_out", "recycled"};
	struct intake *in = ctx;
	metrics_add(in->metrics, INTAKE_CHILD_ENDS, death, 1);
	log_event(death == POOL_DEATH_RECYCLED ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "child_ended",
		  "pid", "d", (int64_t)pid, "reason", "s", names[death], NULL);
}

static void pay_credits(struct intake *in)
{
	for (unsigned lane = 0; lane < WIRE_LANES && !in->draining; lane++) {
		for (; in->credits[lane] > 0 && bus_queued(in->bus, lane) < QUEUED_MAX;
		     in->credits[lane]--)
			bus_credit(in->bus, lane);
	}
}

static enum err_code open_pool(struct intake *in, struct pool **pool_out, struct err *e)
{
	const struct intake_conf *conf = stage_conf(in->stage);
	struct pool_options options = {.path = PROGRAM,
				       .messages = conf->child_messages,
				       .timeout_ms = conf->child_timeout_ms,
				       .ctx = in,
				       .settled = settled,
				       .finished = finished,
				       .died = died};
	return pool_open(&options, pool_out, e);
}

enum err_code intake_start(struct stage *stage, void **ctx_out, struct err *e)
{
	struct intake *in = calloc(1, sizeof(*in));
	if (!in)
		abort();
	in->stage = stage;
	in->bus = stage_bus(stage);
	in->metrics = stage_metrics(stage);
	in->scratch = arena_new(0);
	buf_init(&in->copy, WIRE_FRAME_MAX);
	buf_init(&in->out, WIRE_FRAME_MAX);
	in->wake = epoll_create1(EPOLL_CLOEXEC);
	if (in->wake < 0)
		abort();
	enum err_code code = open_pool(in, &in->pool, e);
	if (code != ERR_OK) {
		intake_stop(in);
		return code;
	}
	for (unsigned lane = 0; lane < WIRE_LANES; lane++)
		in->credits[lane] = 1;
	*ctx_out = in;
	return ERR_OK;
}

void intake_tick(void *ctx, int64_t now_ms)
{
	struct intake *in = ctx;
	pool_turn(in->pool, now_ms);
	if (in->renders)
		pool_turn(in->renders, now_ms);
	pay_credits(in);
	for (unsigned lane = 0; lane < WIRE_LANES; lane++)
		metrics_set(in->metrics, METRIC_QUEUE, lane, (int64_t)bus_queued(in->bus, lane));
}

void intake_drain(void *ctx)
{
	struct intake *in = ctx;
	in->draining = true;
}

bool intake_drained(void *ctx)
{
	const struct intake *in = ctx;
	return pool_idle(in->pool) && (!in->renders || pool_idle(in->renders)) &&
	       bus_queued(in->bus, WIRE_LANE_LIVE) == 0 && bus_queued(in->bus, WIRE_LANE_BULK) == 0;
}

void intake_stop(void *ctx)
{
	struct intake *in = ctx;
	pool_close(&in->pool);
	pool_close(&in->renders);
	close(in->wake);
	arena_free(&in->scratch);
	buf_fini(&in->copy);
	buf_fini(&in->out);
	free(in);
}

/* Children come and go, and numbers of descriptors with them: what is watched already says so. */
static void watch(struct intake *in, const struct pool *pool)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = pool ? pool_fd(pool) : -1;
	if (fd >= 0 && epoll_ctl(in->wake, EPOLL_CTL_ADD, fd, &event) != 0 && errno != EEXIST)
		log_event(LOG_LEVEL_WARN, "child_not_watched", "errno", "d", (int64_t)errno, NULL);
}

int intake_run(void *ctx)
{
	struct intake *in = ctx;
	while (!stage_stopping(in->stage)) {
		watch(in, in->pool);
		watch(in, in->renders);
		bus_wait(in->bus, TURN_MS, in->wake);
		stage_turn(in->stage);
	}
	return 0;
}
