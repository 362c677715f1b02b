#include "gateway/exchange.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "gateway/route.h"
#include "gateway/upload.h"

#define STREAM_ROOM (4u << 20)

struct exchange *exchange_new(struct app *app, const char *uri)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x || !(x->uri = strdup(uri)))
		abort();
	pthread_mutex_init(&x->lock, NULL);
	x->app = app;
	x->holders = 1;
	buf_init(&x->body, (size_t)app->conf->body_max);
	buf_init(&x->out, STREAM_ROOM);
	return x;
}

void exchange_hold(struct exchange *x)
{
	x->holders++;
}

static void exchange_free(struct exchange *x)
{
	if (x->request) {
		upload_free(&x->request->upload);
		http_request_free(&x->request);
	}
	buf_wipe(&x->body);
	buf_fini(&x->body);
	buf_fini(&x->out);
	free((void *)(uintptr_t)x->uri);
	pthread_mutex_destroy(&x->lock);
	free(x);
}

void exchange_release(struct exchange *x)
{
	bool last;

	pthread_mutex_lock(&x->lock);
	last = --x->holders == 0;
	pthread_mutex_unlock(&x->lock);
	if (last)
		exchange_free(x);
}

void exchange_park(struct exchange *x)
{
	if (x->parked)
		return;
	x->parked = true;
	MHD_suspend_connection(x->connection);
}

void exchange_unpark(struct exchange *x)
{
	if (!x->parked)
		return;
	x->parked = false;
	MHD_resume_connection(x->connection);
}

bool exchange_put(struct exchange *x, void (*run)(struct worker_job *job, struct store *store))
{
	x->job.run = run;
	x->busy = true;
	exchange_hold(x);
	if (worker_pool_put(x->pool, &x->job))
		return true;
	x->busy = false;
	x->holders--;
	return false;
}

void exchange_run(struct worker_job *job, struct store *store)
{
	struct exchange *x = (struct exchange *)job;
	struct http_request *r = x->request;
	int64_t begin_us = clock_mono_us();

	r->store = store;
	route_run(r);
	if (r->upload)
		upload_ignore(r->upload);
	metrics_observe_us(x->app->metrics, GATEWAY_REQUEST_SECONDS, 0, clock_mono_us() - begin_us,
			   1);
	if (r->answer.stream)
		http_streams_begin(x->app->streams, x);
	pthread_mutex_lock(&x->lock);
	x->busy = false;
	x->ready = true;
	exchange_unpark(x);
	pthread_mutex_unlock(&x->lock);
	exchange_release(x);
}
