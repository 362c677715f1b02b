#include "gateway/stream.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "gateway/exchange.h"

#define STREAM_AHEAD (1u << 20) /* not asked for more while this much waits to be sent */

struct http_streams {
	pthread_mutex_t lock; /* taken before an exchange's own */
	struct exchange *first;
	size_t count;
	uint64_t wakes; /* calls of http_streams_wake */
	bool ending;
};

struct http_streams *http_streams_new(void)
{
	struct http_streams *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void http_streams_free(struct http_streams **streams)
{
	if (!*streams)
		return;
	pthread_mutex_destroy(&(*streams)->lock);
	free(*streams);
	*streams = NULL;
}

/* Asks the stream for what is to be sent; on a worker, x busy. */
static void stream_next(struct exchange *x, struct store *store)
{
	struct http_answer *answer = &x->request->answer;
	enum stream_verdict verdict;
	struct buf more;

	buf_init(&more, x->out.max);
	x->request->store = store;
	verdict = answer->stream->next(x->request, answer->stream_ctx, &more);
	pthread_mutex_lock(&x->lock);
	if (!buf_ok(&more) || more.n > x->out.max - x->out.n)
		verdict = STREAM_END; /* cut: the client begins again after the last it has */
	else
		buf_put_span(&x->out, buf_span(&more));
	x->ended = x->ended || verdict == STREAM_END;
	x->due_mono_ms = clock_mono_ms();
	if (verdict != STREAM_AGAIN)
		x->due_mono_ms += answer->stream->every_ms;
	pthread_mutex_unlock(&x->lock);
	buf_fini(&more);
}

static void stream_run(struct worker_job *job, struct store *store)
{
	struct exchange *x = (struct exchange *)job;

	stream_next(x, store);
	pthread_mutex_lock(&x->lock);
	x->busy = false;
	if (!x->closed && (x->out.n || x->ended))
		exchange_unpark(x);
	if (x->wake && !x->ended && !x->closed) {
		x->wake = false;
		if (!exchange_put(x, stream_run))
			x->due_mono_ms = clock_mono_ms() + 100;
	}
	pthread_mutex_unlock(&x->lock);
	exchange_release(x);
}

void http_streams_begin(struct http_streams *s, struct exchange *x)
{
	uint64_t wakes;
	bool ending;

	pthread_mutex_lock(&s->lock);
	wakes = s->wakes;
	pthread_mutex_unlock(&s->lock);
	stream_next(x, x->request->store);
	pthread_mutex_lock(&s->lock);
	ending = s->ending;
	if (wakes != s->wakes)
		x->due_mono_ms =
			clock_mono_ms(); /* it may have been for us, who were not in the set yet */
	x->next = s->first;
	if (s->first)
		s->first->previous = x;
	s->first = x;
	s->count++;
	metrics_set(x->app->metrics, GATEWAY_STREAMS, 0, (int64_t)s->count);
	pthread_mutex_unlock(&s->lock);
	if (ending) {
		pthread_mutex_lock(&x->lock);
		x->ended = true;
		pthread_mutex_unlock(&x->lock);
	}
}

void http_streams_remove(struct http_streams *s, struct exchange *x)
{
	pthread_mutex_lock(&s->lock);
	if (x->previous)
		x->previous->next = x->next;
	else if (s->first == x)
		s->first = x->next;
	else
		goto out; /* never begun */
	if (x->next)
		x->next->previous = x->previous;
	x->previous = x->next = NULL;
	s->count--;
	metrics_set(x->app->metrics, GATEWAY_STREAMS, 0, (int64_t)s->count);
out:
	pthread_mutex_unlock(&s->lock);
}

ssize_t http_streams_read(void *ctx, uint64_t at, char *p, size_t n)
{
	struct exchange *x = ctx;
	ssize_t result = 0;

	(void)at;
	pthread_mutex_lock(&x->lock);
	if (x->out.n) {
		if (n > x->out.n)
			n = x->out.n;
		memcpy(p, x->out.p, n);
		buf_consume(&x->out, n);
		result = (ssize_t)n;
	} else if (x->ended) {
		result = MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		exchange_park(x);
	}
	pthread_mutex_unlock(&x->lock);
	return result;
}

/* With the set's lock held. */
static void stream_wake(struct exchange *x)
{
	pthread_mutex_lock(&x->lock);
	if (x->busy)
		x->wake = true;
	else if (!x->ended && !x->closed && x->out.n < STREAM_AHEAD)
		if (!exchange_put(x, stream_run))
			x->due_mono_ms = clock_mono_ms() + 100;
	pthread_mutex_unlock(&x->lock);
}

void http_streams_wake(struct http_streams *s, struct span company)
{
	pthread_mutex_lock(&s->lock);
	s->wakes++;
	for (struct exchange *x = s->first; x; x = x->next)
		if (!company.n || span_eq(company, x->request->viewer.company))
			stream_wake(x);
	pthread_mutex_unlock(&s->lock);
}

void http_streams_tick(struct http_streams *s, int64_t now_mono_ms)
{
	pthread_mutex_lock(&s->lock);
	for (struct exchange *x = s->first; x; x = x->next) {
		bool due;

		pthread_mutex_lock(&x->lock);
		due = !x->busy && now_mono_ms >= x->due_mono_ms;
		if (due)
			x->due_mono_ms = now_mono_ms + x->request->answer.stream->every_ms;
		pthread_mutex_unlock(&x->lock);
		if (due)
			stream_wake(x);
	}
	pthread_mutex_unlock(&s->lock);
}

void http_streams_end(struct http_streams *s)
{
	pthread_mutex_lock(&s->lock);
	s->ending = true;
	for (struct exchange *x = s->first; x; x = x->next) {
		pthread_mutex_lock(&x->lock);
		x->ended = true;
		exchange_unpark(x);
		pthread_mutex_unlock(&x->lock);
	}
	pthread_mutex_unlock(&s->lock);
}
