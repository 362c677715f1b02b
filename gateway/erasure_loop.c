#include "gateway/erasure_loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/log.h"
#include "common/store/keys.h"
#include "gateway/erasure.h"

enum { LOOK_EVERY_S = 5, LEASE_MS = 120000 };

struct erasure_loop {
	struct app *app;
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool started, woken, stopping; /* under the lock */
};

struct erasure_loop *erasure_loop_new(struct app *app)
{
	struct erasure_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		abort();
	loop->app = app;
	loop->store = stage_store_new(app->stage);
	pthread_mutex_init(&loop->lock, NULL);
	pthread_cond_init(&loop->wake, NULL);
	return loop;
}

static bool is_stopping(struct erasure_loop *loop)
{
	bool stopping;

	pthread_mutex_lock(&loop->lock);
	stopping = loop->stopping;
	pthread_mutex_unlock(&loop->lock);
	return stopping;
}

/* One gateway at a time; a second one would do what is done already. */
static bool lease(struct http_request *r, struct span id, struct err *e)
{
	struct store_reply reply;

	return store_do(r->store, r->arena, &reply, e, "SET %b %s NX PX %d",
			key_global_part(r->arena, KEY_G_ERASURE_LEASE, id), r->app->instance,
			(int64_t)LEASE_MS) == ERR_OK &&
	       reply.type == STORE_STRING;
}

static void release(struct http_request *r, struct span id)
{
	struct store_reply reply;
	struct err e;

	if (store_do(r->store, r->arena, &reply, &e, "DEL %b",
		     key_global_part(r->arena, KEY_G_ERASURE_LEASE, id)) != ERR_OK)
		log_event(LOG_LEVEL_WARN, "erasure_lease", "error", "e", &e, NULL);
}

static void work(struct erasure_loop *loop, struct span id)
{
	struct http_request *r = http_request_new(loop->app, HTTP_DELETE, "/");
	struct err e = {0};

	r->store = loop->store;
	if (lease(r, id, &e)) {
		if (erasure_run(r, id, &e) != ERR_OK)
			log_event(LOG_LEVEL_WARN, "erasure_postponed", "erasure", "p", &id, "error",
				  "e", &e, NULL);
		release(r, id);
	}
	http_request_free(&r);
}

static void look(struct erasure_loop *loop)
{
	struct arena *arena = arena_new(0);
	struct store_reply reply;
	struct err e;

	if (store_do(loop->store, arena, &reply, &e, "SMEMBERS %b",
		     key_global(arena, KEY_G_ERASURES_OPEN)) == ERR_OK)
		for (size_t i = 0; i < reply.count && !is_stopping(loop); i++)
			work(loop, reply.items[i].string);
	arena_free(&arena);
}

static void *loop_main(void *ctx)
{
	struct erasure_loop *loop = ctx;

	while (!is_stopping(loop)) {
		struct timespec until;

		look(loop);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += LOOK_EVERY_S;
		pthread_mutex_lock(&loop->lock);
		while (!loop->woken && !loop->stopping)
			if (pthread_cond_timedwait(&loop->wake, &loop->lock, &until))
				break;
		loop->woken = false;
		pthread_mutex_unlock(&loop->lock);
	}
	return NULL;
}

void erasure_loop_start(struct erasure_loop *loop)
{
	if (pthread_create(&loop->thread, NULL, loop_main, loop))
		abort();
	loop->started = true;
}

static void raise_flag(struct erasure_loop *loop, bool *flag)
{
	pthread_mutex_lock(&loop->lock);
	*flag = true;
	pthread_cond_signal(&loop->wake);
	pthread_mutex_unlock(&loop->lock);
}

void erasure_loop_wake(struct erasure_loop *loop)
{
	raise_flag(loop, &loop->woken);
}

void erasure_loop_stop(struct erasure_loop *loop)
{
	if (!loop || !loop->started)
		return;
	raise_flag(loop, &loop->stopping);
	pthread_join(loop->thread, NULL);
	loop->started = false;
}

void erasure_loop_free(struct erasure_loop **loop)
{
	if (!*loop)
		return;
	erasure_loop_stop(*loop);
	store_free(&(*loop)->store);
	pthread_cond_destroy(&(*loop)->wake);
	pthread_mutex_destroy(&(*loop)->lock);
	free(*loop);
	*loop = NULL;
}
