#include "gateway/webhook_queue.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/code.h"
#include "common/base/log.h"
#include "gateway/bus_client.h"
#include "gateway/webhook_retry.h"

enum {
	POLL_MS = 5000, /* what a lost ring costs */
	FAULT_MS = 1000, /* after trouble of our own */
	STALE_MS = 50, /* somebody moved its place meanwhile */
	PASS_EVERY_MS = 10000, /* how often a place is stored that nothing was delivered at */
	LEASE_MARGIN_MS = 5000,
};

static struct http_request *request_new(const struct webhook_queue *q, struct app *app,
					struct store *store)
{
	struct http_request *r = http_request_new(app, HTTP_GET, "/v1/events");

	r->store = store;
	r->viewer.company = span_cstr(q->company);
	return r;
}

static void due_in(struct webhook_queue *q, int64_t wait_ms)
{
	q->due_mono_ms = clock_mono_ms() + wait_ms;
}

static void keep(char *out, size_t out_bytes, struct span text)
{
	size_t n = text.n < out_bytes ? text.n : out_bytes - 1;

	if (n)
		memcpy(out, text.p, n);
	out[n] = 0;
}

static void fault(struct webhook_queue *q, const struct err *e)
{
	log_event(LOG_LEVEL_WARN, "webhook_not_read", "company", "s", q->company, "webhook", "s",
		  q->id, "error", "e", e, NULL);
	due_in(q, FAULT_MS);
}

static struct span digits(struct http_request *r, int64_t value)
{
	return span_cstr(arena_printf(r->arena, "%" PRId64, value));
}

/* The lease of an endpoint, with `pass` the place too. */
static bool lease_call(struct webhook_queue *q, struct http_request *r, const char *function,
		       const struct webhook_state *state, struct span pass_to)
{
	int64_t now_ms = clock_wall_ms(), begun_ms = clock_mono_ms();
	struct span args[] = {span_cstr(q->id),
			      span_cstr(r->app->instance),
			      digits(r, now_ms),
			      digits(r, now_ms + WEBHOOK_LEASE_MS),
			      state->epoch,
			      state->at_text,
			      pass_to};
	struct span answer;
	struct err e;

	if (webhook_call(r, function, args, pass_to.n ? 7 : 6, &answer, &e) != ERR_OK) {
		fault(q, &e);
		return false;
	}
	if (span_eq(answer, SPAN_LIT("ok"))) {
		if (!pass_to.n)
			q->lease_mono_ms = begun_ms + WEBHOOK_LEASE_MS;
		return true;
	}
	due_in(q, span_eq(answer, SPAN_LIT("held")) ? FAULT_MS : STALE_MS);
	return false;
}

/* Nothing for this endpoint up to there: remembered, and now and then stored. */
static void pass(struct webhook_queue *q, struct http_request *r, const struct webhook_state *state,
		 const struct webhook_body *body)
{
	struct span text = webhook_position_text(r->arena, &body->at);
	bool moved = !span_eq(text, state->at_text);

	q->waits_since_ms = 0;
	q->condition = WEBHOOK_WORKING;
	q->reached = body->at;
	keep(q->stored, sizeof(q->stored), state->at_text);
	due_in(q, body->end ? POLL_MS : 0);
	if (!moved || (body->end && clock_mono_ms() - q->passed_mono_ms < PASS_EVERY_MS))
		return;
	q->passed_mono_ms = clock_mono_ms();
	if (lease_call(q, r, "gateway_1_webhook_pass", state, text))
		keep(q->stored, sizeof(q->stored), text);
}

static void begin(struct webhook_queue *q, struct http_request *r, const struct webhook *webhook,
		  const struct webhook_state *state, struct webhook_body *body)
{
	struct webhook_flight *f = &q->flight;
	bool leased = q->lease_mono_ms - clock_mono_ms() > WEBHOOK_POST_MS + LEASE_MARGIN_MS;
	int64_t now_ms;

	if (!leased && !lease_call(q, r, "gateway_1_webhook_lease", state, SPAN_LIT("")))
		return;
	now_ms = clock_wall_ms();
	q->waits_since_ms = body->time_ms;
	q->condition = state->failures ? WEBHOOK_FAILING : WEBHOOK_WORKING;
	keep(f->epoch, sizeof(f->epoch), state->epoch);
	keep(f->at, sizeof(f->at), webhook_position_text(r->arena, &body->at));
	keep(f->id, sizeof(f->id), body->id);
	keep(f->type, sizeof(f->type), body->type);
	f->events = body->events;
	f->failures = state->failures;
	f->failing_ms = state->failing_ms;
	f->post = webhook_post_new(r->app, r->viewer.company, webhook, body, now_ms);
}

/* Who the endpoint is for is no longer there. */
static void forget(struct webhook_queue *q, struct http_request *r)
{
	struct span id = span_cstr(q->id), answer;
	struct err e;

	if (webhook_call(r, "gateway_1_webhook_delete", &id, 1, &answer, &e) == ERR_OK)
		q->gone = true;
	else
		fault(q, &e);
}

static void next_find(struct webhook_queue *q, struct http_request *r,
		      const struct webhook *webhook, const struct webhook_state *state)
{
	bool known = span_eq(span_cstr(q->stored), state->at_text);
	struct webhook_body body = {.events = 0};
	struct err e;
	enum err_code code = webhook_viewer_set(r, webhook, &e);

	if (code == ERR_OK)
		code = webhook_body_next(r, webhook, known ? &q->reached : &state->at, &body, &e);
	if (code == ERR_GONE)
		forget(q, r);
	else if (code != ERR_OK)
		fault(q, &e);
	else if (!body.events)
		pass(q, r, state, &body);
	else
		begin(q, r, webhook, state, &body);
	buf_fini(&body.text);
}

void webhook_queue_look(struct webhook_queue *q, struct app *app, struct store *store)
{
	struct http_request *r = request_new(q, app, store);
	struct webhook_state state;
	struct webhook webhook;
	struct span json;
	struct err e;

	if (!webhook_load(r, span_cstr(q->id), &webhook, &state, &json, &e)) {
		q->gone = e.code == ERR_OK;
		if (!q->gone)
			fault(q, &e);
	} else if (!webhook.active || state.stopped.n) {
		q->condition = WEBHOOK_OFF;
		q->waits_since_ms = 0;
		due_in(q, POLL_MS);
	} else if (state.next_ms > r->now_ms) {
		q->condition = WEBHOOK_FAILING;
		due_in(q,
		       state.next_ms - r->now_ms < POLL_MS ? state.next_ms - r->now_ms : POLL_MS);
	} else {
		next_find(q, r, &webhook, &state);
	}
	http_request_free(&r);
}

/* Why the endpoint is turned off after this; empty: it is not. */
static struct span stop_reason(const struct webhook_flight *f, const struct webhook_result *result,
			       int64_t now_ms)
{
	if (!result->error)
		return SPAN_LIT("");
	if (webhook_verdict(result->status) == WEBHOOK_GONE)
		return SPAN_LIT("gone");
	return webhook_retry_is_over(f->failing_ms, now_ms) ? SPAN_LIT("failed") : SPAN_LIT("");
}

static int64_t wait_ms(const struct webhook_flight *f, const struct webhook_result *result)
{
	uint64_t failures = f->failures < 1000 ? f->failures + 1 : 1000;
	uint32_t random;

	random_bytes(&random, sizeof(random));
	return webhook_retry_wait_ms((unsigned)failures, result->retry_after_s, random);
}

static void tell(const struct webhook_queue *q, struct app *app,
		 const struct webhook_result *result, struct span stopped)
{
	const struct webhook_flight *f = &q->flight;
	const char *event = stopped.n ? "webhook_disabled" : "webhook_failing";

	metrics_add(app->metrics, GATEWAY_WEBHOOK_REQUESTS, result->error ? 1 : 0, 1);
	metrics_observe_us(app->metrics, GATEWAY_WEBHOOK_SECONDS, 0, result->duration_ms * 1000, 1);
	if (!result->error) {
		metrics_add(app->metrics, GATEWAY_WEBHOOK_EVENTS, 0, f->events);
		if (f->failures)
			log_event(LOG_LEVEL_INFO, "webhook_recovered", "company", "s", q->company,
				  "webhook", "s", q->id, "failures", "u", f->failures, NULL);
	} else if (!f->failures || stopped.n) {
		log_event(LOG_LEVEL_WARN, event, "company", "s", q->company, "webhook", "s", q->id,
			  "error", "s", result->error, "status", "u", (uint64_t)result->status,
			  NULL);
	}
}

/* Writes what came of it. */
static bool result_write(struct webhook_queue *q, struct http_request *r,
			 const struct webhook_result *result, int64_t wait, struct span stopped)
{
	struct webhook_flight *f = &q->flight;
	int64_t now_ms = r->now_ms, next_ms = result->error && !stopped.n ? now_ms + wait : 0;
	int64_t until_ms = result->error ? 0 : now_ms + WEBHOOK_LEASE_MS;
	int64_t begun_ms = clock_mono_ms();
	struct webhook_delivery delivery = {.at_ms = now_ms,
					    .duration_ms = result->duration_ms,
					    .id = span_cstr(f->id),
					    .type = span_cstr(f->type),
					    .events = f->events,
					    .attempt = f->failures + 1,
					    .status = result->status,
					    .error = span_cstr(result->error),
					    .next_ms = next_ms};
	struct span args[] = {span_cstr(q->id),
			      span_cstr(r->app->instance),
			      digits(r, now_ms),
			      digits(r, until_ms),
			      span_cstr(f->epoch),
			      digits(r, result->error ? 0 : f->events),
			      span_cstr(f->at),
			      digits(r, next_ms),
			      digits(r, result->status),
			      delivery.error,
			      stopped,
			      webhook_delivery_write(r->arena, &delivery)};
	struct span answer;
	struct err e;

	if (webhook_call(r, "gateway_1_webhook_end", args, sizeof(args) / sizeof(*args), &answer,
			 &e) != ERR_OK) {
		fault(q, &e);
		return false;
	}
	q->lease_mono_ms = until_ms && span_eq(answer, SPAN_LIT("ok")) ? begun_ms + WEBHOOK_LEASE_MS
								       : 0;
	return true;
}

void webhook_queue_finish(struct webhook_queue *q, struct app *app, struct store *store,
			  CURLcode code)
{
	struct http_request *r = request_new(q, app, store);
	struct webhook_result result;
	struct span stopped;
	int64_t wait;

	webhook_post_result(q->flight.post, code, &result);
	webhook_post_free(&q->flight.post);
	stopped = stop_reason(&q->flight, &result, r->now_ms);
	wait = wait_ms(&q->flight, &result);
	tell(q, app, &result, stopped);
	if (result_write(q, r, &result, wait, stopped))
		due_in(q, result.error ? wait : 0);
	q->condition = stopped.n ? WEBHOOK_OFF : result.error ? WEBHOOK_FAILING : WEBHOOK_WORKING;
	if (stopped.n)
		bus_client_ring(app->bus, "events", span_cstr(q->company), SPAN_LIT(""));
	http_request_free(&r);
}

void webhook_queue_release(struct webhook_queue *q, struct app *app, struct store *store)
{
	struct http_request *r = request_new(q, app, store);
	struct span args[] = {span_cstr(q->id), span_cstr(app->instance)}, answer;
	struct err e;

	if (q->lease_mono_ms > clock_mono_ms() &&
	    webhook_call(r, "gateway_1_webhook_release", args, 2, &answer, &e) != ERR_OK)
		log_event(LOG_LEVEL_DEBUG, "webhook_not_released", "company", "s", q->company,
			  "webhook", "s", q->id, "error", "e", &e, NULL);
	q->lease_mono_ms = 0;
	http_request_free(&r);
}
