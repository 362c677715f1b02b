#include "gateway/bus_client.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "gateway/stream.h"
#include "gateway/webhook_loop.h"

#define FRAME_MAX WIRE_FRAME_MAX
#define QUEUE_MAX 10000

/* A render request whose worker waits. Lives on that worker's stack; linked until answered or given up. */
struct waiter {
	struct waiter *next;
	uint64_t request;
	struct buf frame, body; /* what came back */
	bool answered, failed;
};

struct outgoing {
	struct outgoing *next;
	const char *stage; /* a literal */
	bool one; /* to any one of the stage; else to all */
	uint64_t request; /* of a waiter; 0: none */
	struct buf frame;
	struct span body; /* borrowed from the waiter's caller */
};

struct bus_client {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	struct bus *bus;
	struct http_streams *streams;
	struct webhook_loop *webhooks;
	struct outgoing *first, *last;
	size_t queued;
	struct waiter *waiters;
	uint64_t next_request;
	int wake_fd;
};

void bus_client_streams(struct bus_client *c, struct http_streams *streams)
{
	c->streams = streams;
}

void bus_client_webhooks(struct bus_client *c, struct webhook_loop *webhooks)
{
	c->webhooks = webhooks;
}

static void events_wake(struct bus_client *c, struct span company)
{
	http_streams_wake(c->streams, company);
	webhook_loop_wake(c->webhooks, company);
}

struct bus_client *bus_client_new(struct bus *bus)
{
	struct bus_client *c = calloc(1, sizeof(*c));
	pthread_condattr_t attributes;

	if (!c)
		abort();
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->answered, &attributes);
	pthread_condattr_destroy(&attributes);
	c->bus = bus;
	c->next_request = 1;
	c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (c->wake_fd < 0)
		abort();
	return c;
}

static void outgoing_free(struct outgoing *o)
{
	buf_fini(&o->frame);
	free(o);
}

void bus_client_free(struct bus_client **client)
{
	struct bus_client *c = *client;

	*client = NULL;
	if (!c)
		return;
	while (c->first) {
		struct outgoing *o = c->first;

		c->first = o->next;
		outgoing_free(o);
	}
	close(c->wake_fd);
	pthread_cond_destroy(&c->answered);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static void wake(struct bus_client *c)
{
	uint64_t one = 1;
	ssize_t n = write(c->wake_fd, &one, sizeof(one));

	(void)n; /* full: it is readable, which is all that is needed */
}

/* With the lock held. False: the queue is full. */
static bool queue_put(struct bus_client *c, struct outgoing *o)
{
	if (c->queued == QUEUE_MAX)
		return false;
	o->next = NULL;
	if (c->last)
		c->last->next = o;
	else
		c->first = o;
	c->last = o;
	c->queued++;
	return true;
}

static struct outgoing *outgoing_new(const char *stage, bool one)
{
	struct outgoing *o = calloc(1, sizeof(*o));

	if (!o)
		abort();
	o->stage = stage;
	o->one = one;
	buf_init(&o->frame, FRAME_MAX);
	return o;
}

static const char *stage_of_topic(const char *topic)
{
	static const struct {
		const char *topic, *stage;
	} STAGES[] = {{"journal", "linker"},
		      {"accounts", "fetcher"},
		      {"ledger", "fetcher"},
		      {"outbox", "sender"},
		      {"events", "gateway"}};

	for (size_t i = 0; i < sizeof(STAGES) / sizeof(STAGES[0]); i++)
		if (strcmp(topic, STAGES[i].topic) == 0)
			return STAGES[i].stage;
	abort();
}

void bus_client_ring(struct bus_client *c, const char *topic, struct span company,
		     struct span account)
{
	struct wire_ring m = {.topic = span_cstr(topic), .company = company, .account = account};
	const char *stage = stage_of_topic(topic);
	struct outgoing *o;
	bool taken;

	if (strcmp(stage, "gateway") == 0)
		events_wake(c, company);
	o = outgoing_new(stage, false);
	wire_encode_ring(&m, &o->frame);
	pthread_mutex_lock(&c->lock);
	taken = queue_put(c, o);
	pthread_mutex_unlock(&c->lock);
	if (taken)
		wake(c);
	else
		outgoing_free(o); /* a hint: who is to hear it looks by itself sooner or later */
}

/* With the lock held. */
static void waiter_add(struct bus_client *c, struct waiter *w)
{
	w->next = c->waiters;
	c->waiters = w;
}

/* With the lock held: takes the waiter and what is queued for it out. */
static void waiter_remove(struct bus_client *c, const struct waiter *w)
{
	struct waiter **at = &c->waiters;
	struct outgoing *before = NULL;

	while (*at && *at != w)
		at = &(*at)->next;
	if (*at)
		*at = w->next;
	for (struct outgoing *o = c->first; o; before = o, o = o->next) {
		if (o->request != w->request)
			continue;
		if (before)
			before->next = o->next;
		else
			c->first = o->next;
		if (c->last == o)
			c->last = before;
		c->queued--;
		outgoing_free(o);
		return;
	}
}

/* With the lock held, until it is answered, has failed or time is up. */
static void waiter_wait(struct bus_client *c, struct waiter *w, int64_t wait_ms)
{
	int64_t until = clock_mono_ms() + wait_ms;
	struct timespec when = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};

	while (!w->answered && !w->failed)
		if (pthread_cond_timedwait(&c->answered, &c->lock, &when) == ETIMEDOUT)
			return;
}

static enum err_code answer_take(struct waiter *w, struct arena *arena,
				 struct wire_rendered *rendered_out, struct buf *bytes_out,
				 struct err *e)
{
	struct span frame;

	if (!w->answered)
		return err_set(e, ERR_TEMP, ERR_PROCESS, "parser_silent", "%s",
			       w->failed ? "no parser is there" : "no parser answered in time");
	frame = arena_span(arena, buf_span(&w->frame));
	buf_put_span(bytes_out, buf_span(&w->body));
	if (!buf_ok(bytes_out))
		return err_set(e, ERR_LIMIT, ERR_ITEM, "render_too_large",
			       "what the parser made is too large");
	return wire_decode_rendered(frame, arena, rendered_out, e);
}

enum err_code bus_client_request(struct bus_client *c, struct wire_render *m, struct span raw,
				 int64_t wait_ms, struct arena *arena,
				 struct wire_rendered *rendered_out, struct buf *bytes_out,
				 struct err *e)
{
	struct outgoing *o = outgoing_new("parser", true);
	struct waiter w = {.next = NULL};
	enum err_code code;

	buf_init(&w.frame, FRAME_MAX);
	buf_init(&w.body, WIRE_RENDER_MAX);
	pthread_mutex_lock(&c->lock);
	w.request = m->request = o->request = c->next_request++;
	wire_encode_render(m, &o->frame);
	o->body = raw;
	waiter_add(c, &w);
	if (queue_put(c, o)) {
		wake(c);
		waiter_wait(c, &w, wait_ms);
	} else {
		outgoing_free(o);
		w.failed = true;
	}
	waiter_remove(c, &w);
	pthread_mutex_unlock(&c->lock);
	code = answer_take(&w, arena, rendered_out, bytes_out, e);
	buf_fini(&w.frame);
	buf_fini(&w.body);
	return code;
}

int bus_client_fd(const struct bus_client *c)
{
	return c->wake_fd;
}

static struct waiter *waiter_find(struct bus_client *c, uint64_t request)
{
	struct waiter *w = c->waiters;

	while (w && w->request != request)
		w = w->next;
	return w;
}

/* With the lock held: a request's raw bytes are its caller's, who waits for the lock. */
static void send_one(struct bus_client *c, struct outgoing *o)
{
	struct bus_item item = {.frame = buf_span(&o->frame), .body = o->body};
	struct waiter *w;

	if (!o->one) {
		bus_tell_all(c->bus, o->stage, item);
		return;
	}
	if (bus_tell_one(c->bus, o->stage, item))
		return;
	w = waiter_find(c, o->request);
	if (w)
		w->failed = true;
	pthread_cond_broadcast(&c->answered);
}

void bus_client_turn(struct bus_client *c)
{
	uint64_t count;
	ssize_t n = read(c->wake_fd, &count, sizeof(count));

	(void)n; /* nothing to read: nothing was put, or it is looked at anyway */
	pthread_mutex_lock(&c->lock);
	while (c->first) {
		struct outgoing *o = c->first;

		c->first = o->next;
		if (!c->first)
			c->last = NULL;
		c->queued--;
		send_one(c, o);
		outgoing_free(o);
	}
	pthread_mutex_unlock(&c->lock);
}

static void rendered_take(struct bus_client *c, struct bus_item item, struct arena *arena)
{
	struct wire_rendered m;
	struct waiter *w;

	if (wire_decode_rendered(item.frame, arena, &m, NULL) != ERR_OK)
		return;
	pthread_mutex_lock(&c->lock);
	w = waiter_find(c, m.request);
	if (w && !w->answered) {
		buf_put_span(&w->frame, item.frame);
		buf_put_span(&w->body, item.body);
		w->answered = buf_ok(&w->frame) && buf_ok(&w->body);
		w->failed = !w->answered;
		pthread_cond_broadcast(&c->answered);
	}
	pthread_mutex_unlock(&c->lock);
}

static void ring_take(struct bus_client *c, struct span frame, struct arena *arena)
{
	struct wire_ring m;

	if (wire_decode_ring(frame, arena, &m, NULL) == ERR_OK &&
	    span_eq(m.topic, SPAN_LIT("events")))
		events_wake(c, m.company);
}

void bus_client_bell(void *client, struct span from, struct bus_item item)
{
	struct bus_client *c = client;
	struct arena *arena = arena_new(0);

	(void)from;
	switch (wire_peek(item.frame)) {
	case WIRE_N_rendered:
		rendered_take(c, item, arena);
		break;
	case WIRE_N_ring:
		ring_take(c, item.frame, arena);
		break;
	default:
		break;
	}
	arena_free(&arena);
}
