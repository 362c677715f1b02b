#include "parser/pool.h"
#include "common/base/log.h"
#include "parser/worker.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH_BYTES 4096
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 5000
#define TRIM_BYTES (4u << 20)

struct queue {
	struct pool_job *first, *last;
	size_t count;
};

struct pool {
	struct pool_options options;
	char path[PATH_BYTES];
	struct worker *active, *spare;
	struct queue queues[POOL_CLASSES];
	struct pool_job *job; /* at the active child; NULL: none */
	uint8_t index[REQUEST_ITEMS_MAX]; /* item of the job for each item of the request */
	struct request request;
	struct spool_cache spools;
	uint64_t moved_bytes; /* through the regions since they were trimmed */
	uint32_t seen_at; /* progress, as last seen */
	int64_t seen_ms;
	int64_t retry_ms, backoff_ms; /* when a child may be started again */
};

static void queue_push(struct queue *q, struct pool_job *job)
{
	job->next = NULL;
	if (q->last)
		q->last->next = job;
	else
		q->first = job;
	q->last = job;
	q->count++;
}

static struct pool_job *queue_pop(struct queue *q)
{
	struct pool_job *job = q->first;
	if (!job)
		return NULL;
	q->first = job->next;
	if (!q->first)
		q->last = NULL;
	q->count--;
	return job;
}

enum err_code pool_open(const struct pool_options *options, struct pool **pool_out, struct err *e)
{
	struct pool *p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	p->options = *options;
	snprintf(p->path, sizeof(p->path), "%s", options->path);
	spool_cache_init(&p->spools);
	enum err_code code = worker_start(p->path, &p->active, e);
	if (code != ERR_OK) {
		free(p);
		return code;
	}
	*pool_out = p;
	return ERR_OK;
}

void pool_close(struct pool **pool)
{
	struct pool *p = *pool;
	if (!p)
		return;
	worker_stop(&p->active);
	worker_stop(&p->spare);
	if (p->job)
		p->options.finished(p->options.ctx, p->job);
	for (int class = 0; class < POOL_CLASSES; class ++) {
		for (struct pool_job *job; (job = queue_pop(&p->queues[class]));)
			p->options.finished(p->options.ctx, job);
	}
	spool_cache_fini(&p->spools);
	free(p);
	*pool = NULL;
}

void pool_submit(struct pool *p, struct pool_job *job)
{
	queue_push(&p->queues[job->class], job);
}

int pool_fd(const struct pool *p)
{
	return p->active ? worker_fd(p->active) : -1;
}

bool pool_idle(const struct pool *p)
{
	bool idle = !p->job;
	for (int class = 0; class < POOL_CLASSES; class ++)
		idle &= p->queues[class].count == 0;
	return idle;
}

size_t pool_waiting(const struct pool *p, enum pool_class class)
{
	return p->queues[class].count;
}

static void settle(struct pool *p, uint32_t i, enum pool_outcome outcome, struct span frame,
		   struct span body)
{
	p->job->items[i].settled = true;
	p->moved_bytes += frame.n + body.n;
	p->options.settled(p->options.ctx, p->job, i, outcome, frame, body);
}

/* Room for the item's bytes: a slot of the spool, or a place in the child's region. False: not in this request. */
static bool place(struct pool *p, const struct pool_item *item, size_t *used,
		  struct request_item *out, bool *lost)
{
	unsigned slot;
	*out = (struct request_item){.stamp = item->stamp};
	if (item->body.n > 0) {
		if (item->body.n > REQUEST_IN_BYTES - *used)
			return false;
		memcpy(worker_in(p->active) + *used, item->body.p, item->body.n);
		out->offset = *used;
		out->bytes = item->body.n;
		*used += item->body.n;
		p->moved_bytes += item->body.n;
		return true;
	}
	*lost = item->bytes > UINT64_MAX - item->offset ||
		!spool_cache_find(&p->spools, item->spool, item->offset + item->bytes, &slot);
	if (*lost)
		return false;
	out->source = 1 + slot;
	out->offset = item->offset;
	out->bytes = item->bytes;
	return true;
}

/* Fills the request with what is not settled yet. */
static void fill_request(struct pool *p)
{
	struct pool_job *job = p->job;
	struct request *r = &p->request;
	size_t used = 0;
	r->kind = job->class == POOL_RENDER ? REQUEST_RENDER : REQUEST_FACTS;
	r->count = 0;
	r->want = job->want;
	r->remote = job->remote;
	r->number = job->number;
	r->part_offset = job->part_offset;
	r->part_limit = job->part_limit;
	memcpy(r->part, job->part, sizeof(r->part));
	spool_cache_begin(&p->spools);
	for (uint32_t i = 0; i < job->count; i++) {
		bool lost = false;
		if (job->items[i].settled)
			continue;
		if (job->items[i].body.n > REQUEST_IN_BYTES) {
			settle(p, i, POOL_TOO_LARGE, (struct span){0}, (struct span){0});
		} else if (place(p, &job->items[i], &used, &r->items[r->count], &lost)) {
			p->index[r->count++] = (uint8_t)i;
		} else if (lost) {
			settle(p, i, POOL_LOST, (struct span){0}, (struct span){0});
		} else {
			break;
		}
	}
}

static void finish_job(struct pool *p)
{
	struct pool_job *job = p->job;
	p->job = NULL;
	p->options.finished(p->options.ctx, job);
}

/* Sends what is left of the job, or ends it. False: the child is dead. */
static bool dispatch(struct pool *p, int64_t now_ms)
{
	fill_request(p);
	if (p->request.count == 0) {
		finish_job(p);
		return true;
	}
	p->seen_at = REQUEST_ITEMS_MAX;
	p->seen_ms = now_ms;
	return worker_send(p->active, &p->request, &p->spools);
}

/* Results that are there. died: also the item in hand, which is then given up. */
static void take_results(struct pool *p, const enum pool_outcome *died)
{
	uint32_t at = worker_at(p->active);
	for (uint32_t i = 0; i < p->request.count; i++) {
		struct span frame, body;
		enum request_status status = worker_result(p->active, i, &frame, &body);
		if (status == REQUEST_DONE)
			settle(p, p->index[i], POOL_DONE, frame, body);
		else if (status == REQUEST_LOST)
			settle(p, p->index[i], POOL_LOST, frame, body);
		else if (status == REQUEST_TOO_LARGE)
			settle(p, p->index[i], POOL_TOO_LARGE, frame, body);
		else if (!died)
			settle(p, p->index[i], POOL_CRASHED, frame, body);
		else if (i == at)
			settle(p, p->index[i], *died, frame, body);
	}
}

static void tell_death(struct pool *p, enum pool_death death)
{
	if (p->options.died)
		p->options.died(p->options.ctx, death, worker_pid(p->active));
}

static void replace_active(struct pool *p, enum pool_death death)
{
	tell_death(p, death);
	worker_stop(&p->active);
	p->active = p->spare;
	p->spare = NULL;
	p->moved_bytes = 0;
}

/* The active child died, or hangs and is to be killed. */
static void bury(struct pool *p, enum pool_death death, int64_t now_ms)
{
	enum pool_outcome outcome = death == POOL_DEATH_TIMED_OUT ? POOL_TIMED_OUT : POOL_CRASHED;
	bool progress = worker_handled(p->active) > 0 &&
			(!p->job || worker_at(p->active) < REQUEST_ITEMS_MAX);
	if (p->job)
		take_results(p, &outcome);
	replace_active(p, death);
	if (progress) {
		p->backoff_ms = 0;
	} else {
		p->backoff_ms = p->backoff_ms ? p->backoff_ms * 2 : BACKOFF_FIRST_MS;
		if (p->backoff_ms > BACKOFF_MAX_MS)
			p->backoff_ms = BACKOFF_MAX_MS;
		p->retry_ms = now_ms + p->backoff_ms;
	}
	if (p->active && p->job && !dispatch(p, now_ms))
		log_event(LOG_LEVEL_WARN, "child_unreachable", "pid", "d",
			  (int64_t)worker_pid(p->active), NULL);
}

static void start_missing(struct pool *p, int64_t now_ms)
{
	struct err e = {0};
	if ((p->active && p->spare) || now_ms < p->retry_ms)
		return;
	struct worker *started = NULL;
	if (worker_start(p->path, &started, &e) != ERR_OK) {
		log_event(LOG_LEVEL_ERROR, "child_not_started", "error", "e", &e, NULL);
		p->retry_ms = now_ms + BACKOFF_MAX_MS;
		return;
	}
	if (p->active) {
		p->spare = started;
		return;
	}
	p->active = started;
	if (p->job && !dispatch(p, now_ms))
		p->retry_ms = now_ms + BACKOFF_FIRST_MS;
}

/* True while the child has not answered and its time is not up. */
static bool is_working(struct pool *p, int64_t now_ms)
{
	uint32_t at = worker_at(p->active);
	if (at != p->seen_at) {
		p->seen_at = at;
		p->seen_ms = now_ms;
	}
	return now_ms - p->seen_ms < p->options.timeout_ms;
}

static void take_answer(struct pool *p, int64_t now_ms)
{
	p->backoff_ms = 0;
	if (p->job)
		take_results(p, NULL);
	if (p->moved_bytes > TRIM_BYTES) {
		worker_trim(p->active);
		p->moved_bytes = 0;
	}
	if (worker_handled(p->active) >= (uint64_t)p->options.messages && p->spare)
		replace_active(p, POOL_DEATH_RECYCLED);
	if (p->job && !dispatch(p, now_ms))
		bury(p, POOL_DEATH_CRASHED, now_ms);
}

static void next_job(struct pool *p, int64_t now_ms)
{
	for (int class = 0; class < POOL_CLASSES && !p->job; class ++)
		p->job = queue_pop(&p->queues[class]);
	if (p->job && !dispatch(p, now_ms))
		bury(p, POOL_DEATH_CRASHED, now_ms);
}

void pool_turn(struct pool *p, int64_t now_ms)
{
	if (p->active) {
		enum worker_state state = worker_poll(p->active);
		if (state == WORKER_ANSWERED)
			take_answer(p, now_ms);
		else if (state == WORKER_DEAD)
			bury(p, POOL_DEATH_CRASHED, now_ms);
		else if (p->job && !is_working(p, now_ms))
			bury(p, POOL_DEATH_TIMED_OUT, now_ms);
	}
	while (p->active && !p->job && !pool_idle(p))
		next_job(p, now_ms);
	start_missing(p, now_ms);
}
