#include "gateway/webhook_loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/stage/registry.h"
#include "common/stage/sweep.h"
#include "common/store/keys.h"
#include "gateway/webhook_queue.h"

enum {
	WOKEN_MAX = 64, /* companies; more: all are looked at */
	FLIGHTS_MAX = 256,
	PEERS_EVERY_MS = 1000,
	LIST_EVERY_MS =
		30000, /* what a lost ring costs an endpoint that was added on another gateway */
	WAIT_MAX_MS = 500,
	LOOKS_MAX = 32, /* between two turns of the requests under way */
	DRAIN_MS = 3000, /* what is under way at the end may take so long; then it is made again */
};

struct webhook_loop {
	struct app *app;
	struct store *store;
	CURLM *multi;
	pthread_t thread;
	bool started;
	atomic_bool draining, stopping;
	atomic_size_t flights;
	_Atomic int64_t drain_until_ms;
	pthread_mutex_t lock;
	char woken[WOKEN_MAX][WEBHOOK_NAME_MAX]; /* under the lock */
	size_t woken_count;
	bool woken_all;
	/* The thread's own: */
	struct webhook_queue *first;
	struct arena *peers_arena;
	struct bus_entry *peers;
	size_t peer_count;
	int64_t peers_due_ms, list_due_ms;
};

struct webhook_loop *webhook_loop_new(struct app *app)
{
	struct webhook_loop *loop = calloc(1, sizeof(*loop));

	if (!loop || curl_global_init(CURL_GLOBAL_DEFAULT) || !(loop->multi = curl_multi_init()))
		abort();
	loop->app = app;
	loop->store = stage_store_new(app->stage);
	loop->peers_arena = arena_new(0);
	pthread_mutex_init(&loop->lock, NULL);
	return loop;
}

void webhook_loop_wake(struct webhook_loop *loop, struct span company)
{
	bool known = false;

	if (company.n >= WEBHOOK_NAME_MAX)
		return;
	pthread_mutex_lock(&loop->lock);
	for (size_t i = 0; i < loop->woken_count && !known; i++)
		known = span_eq(span_cstr(loop->woken[i]), company);
	if (!company.n || (!known && loop->woken_count == WOKEN_MAX)) {
		loop->woken_all = true;
	} else if (!known) {
		char *name = loop->woken[loop->woken_count++];

		memcpy(name, company.p, company.n);
		name[company.n] = 0;
	}
	pthread_mutex_unlock(&loop->lock);
	curl_multi_wakeup(loop->multi);
}

static bool is_ours(const struct webhook_loop *loop, const struct webhook_queue *q)
{
	char name[2 * WEBHOOK_NAME_MAX];
	struct span self = span_cstr(loop->app->instance), endpoint;
	uint64_t own;

	snprintf(name, sizeof(name), "%s/%s", q->company, q->id);
	endpoint = span_cstr(name);
	own = sweep_weight(self, endpoint);
	for (size_t i = 0; loop->peers && i < loop->peer_count; i++) {
		struct span peer = span_cstr(loop->peers[i].instance);

		if (strcmp(loop->peers[i].stage, "gateway") == 0 && !span_eq(peer, self) &&
		    sweep_weight(peer, endpoint) > own)
			return false;
	}
	return true;
}

static void owner_set(struct webhook_loop *loop, struct webhook_queue *q)
{
	bool ours = is_ours(loop, q);

	if (ours && !q->ours)
		q->due_mono_ms = 0;
	q->ours = ours;
	if (!ours && !q->flight.post && q->lease_mono_ms)
		webhook_queue_release(q, loop->app, loop->store);
}

/* If Redis does not answer, the list that was read last stays. */
static void peers_read(struct webhook_loop *loop, int64_t now_ms)
{
	struct arena *arena, *before = loop->peers_arena;
	struct bus_entry *peers;
	size_t count;
	struct err e;

	if (now_ms < loop->peers_due_ms)
		return;
	arena = arena_new(0);
	loop->peers_due_ms = now_ms + PEERS_EVERY_MS;
	if (registry_exchange(loop->store, NULL, arena, &peers, &count, &e) != ERR_OK) {
		arena_free(&arena);
		return;
	}
	loop->peers = peers;
	loop->peer_count = count;
	loop->peers_arena = arena;
	arena_free(&before);
	for (struct webhook_queue *q = loop->first; q; q = q->next)
		owner_set(loop, q);
}

static struct webhook_queue *queue_find(struct webhook_loop *loop, const char *company,
					struct span id)
{
	for (struct webhook_queue *q = loop->first; q; q = q->next)
		if (strcmp(q->company, company) == 0 && span_eq(span_cstr(q->id), id))
			return q;
	return NULL;
}

static struct webhook_queue *queue_add(struct webhook_loop *loop, const char *company,
				       struct span id)
{
	struct webhook_queue *q = calloc(1, sizeof(*q));

	if (!q)
		abort();
	snprintf(q->company, sizeof(q->company), "%s", company);
	memcpy(q->id, id.p, id.n);
	q->next = loop->first;
	loop->first = q;
	owner_set(loop, q);
	return q;
}

/* The endpoints that a company has now; all are looked at. */
static void company_take(struct webhook_loop *loop, const char *company,
			 const struct store_reply *ids)
{
	for (struct webhook_queue *q = loop->first; q; q = q->next)
		if (strcmp(q->company, company) == 0)
			q->listed = false;
	for (size_t i = 0; i < ids->count; i++) {
		struct span id = ids->items[i].string;
		struct webhook_queue *q = queue_find(loop, company, id);

		if (!id_is_client(id))
			continue;
		if (!q)
			q = queue_add(loop, company, id);
		q->listed = true;
		q->gone = false;
		q->due_mono_ms = 0;
	}
	for (struct webhook_queue *q = loop->first; q; q = q->next)
		if (strcmp(q->company, company) == 0 && !q->listed)
			q->gone = true;
}

static bool companies_list(struct webhook_loop *loop, struct arena *arena,
			   const struct span *companies, size_t count)
{
	struct store_command *commands = arena_array(arena, count + 1, sizeof(*commands));
	struct store_reply *replies = arena_array(arena, count + 1, sizeof(*replies));
	struct err e;

	for (size_t i = 0; i < count; i++)
		commands[i] = store_command(arena, "HKEYS %b",
					    key_company(arena, companies[i], KEY_C_WEBHOOKS));
	if (count && store_pipeline(loop->store, commands, count, arena, replies, &e) != ERR_OK) {
		log_event(LOG_LEVEL_WARN, "webhooks_not_read", "error", "e", &e, NULL);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (id_is_client(companies[i]) && replies[i].type == STORE_ARRAY)
			company_take(loop, arena_cstr(arena, companies[i]), &replies[i]);
	return true;
}

/* All companies. The endpoints of one that was erased are missed when they are looked at. */
static bool all_list(struct webhook_loop *loop, struct arena *arena)
{
	struct store_reply reply;
	struct span *companies;
	struct err e;

	if (store_do(loop->store, arena, &reply, &e, "HKEYS %b",
		     key_global(arena, KEY_G_COMPANIES)) != ERR_OK) {
		log_event(LOG_LEVEL_WARN, "webhooks_not_read", "error", "e", &e, NULL);
		return false;
	}
	companies = arena_array(arena, reply.count + 1, sizeof(*companies));
	for (size_t i = 0; i < reply.count; i++)
		companies[i] = reply.items[i].string;
	return companies_list(loop, arena, companies, reply.count);
}

/* Takes the names that were woken. Returns how many; *all_out: all companies. */
static size_t woken_take(struct webhook_loop *loop, struct arena *arena, struct span *names_out,
			 bool *all_out)
{
	size_t count;

	pthread_mutex_lock(&loop->lock);
	count = loop->woken_count;
	*all_out = loop->woken_all;
	for (size_t i = 0; i < count; i++)
		names_out[i] = span_cstr(arena_cstr(arena, span_cstr(loop->woken[i])));
	loop->woken_count = 0;
	loop->woken_all = false;
	pthread_mutex_unlock(&loop->lock);
	return count;
}

static void lists_read(struct webhook_loop *loop, int64_t now_ms)
{
	struct arena *arena = arena_new(0);
	struct span names[WOKEN_MAX];
	bool all, read;
	size_t count = woken_take(loop, arena, names, &all);

	if (all || now_ms >= loop->list_due_ms) {
		read = all_list(loop, arena);
		loop->list_due_ms = now_ms + (read ? LIST_EVERY_MS : PEERS_EVERY_MS);
	} else if (!companies_list(loop, arena, names, count)) {
		loop->list_due_ms = now_ms + PEERS_EVERY_MS; /* then all */
	}
	arena_free(&arena);
}

static void queues_prune(struct webhook_loop *loop)
{
	struct webhook_queue **at = &loop->first;

	while (*at) {
		struct webhook_queue *q = *at;

		if (q->gone && !q->flight.post) {
			*at = q->next;
			free(q);
		} else {
			at = &q->next;
		}
	}
}

static void flights_turn(struct webhook_loop *loop)
{
	const CURLMsg *message;
	int running, left;

	curl_multi_perform(loop->multi, &running);
	while ((message = curl_multi_info_read(loop->multi, &left))) {
		CURL *easy = message->easy_handle;
		CURLcode code = message->data.result;
		struct webhook_queue *q = loop->first;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_multi_remove_handle(loop->multi, easy);
		while (q && (!q->flight.post || webhook_post_easy(q->flight.post) != easy))
			q = q->next;
		if (!q)
			continue;
		webhook_queue_finish(q, loop->app, loop->store, code);
		atomic_fetch_sub(&loop->flights, 1);
	}
}

/* Looks at what is due. */
static void queues_look(struct webhook_loop *loop, int64_t now_ms)
{
	size_t looks = 0;

	for (struct webhook_queue *q = loop->first; q; q = q->next) {
		if (!q->ours || q->gone || q->flight.post || q->due_mono_ms > now_ms)
			continue;
		if (atomic_load(&loop->flights) >= FLIGHTS_MAX)
			return;
		if (++looks % LOOKS_MAX == 0)
			flights_turn(loop);
		webhook_queue_look(q, loop->app, loop->store);
		if (!q->flight.post)
			continue;
		curl_multi_add_handle(loop->multi, webhook_post_easy(q->flight.post));
		atomic_fetch_add(&loop->flights, 1);
	}
}

static void figures_set(struct webhook_loop *loop)
{
	int64_t counts[3] = {0}, now_ms = clock_wall_ms(), oldest_ms = now_ms;

	for (const struct webhook_queue *q = loop->first; q; q = q->next) {
		if (!q->ours)
			continue;
		counts[q->condition]++;
		if (q->waits_since_ms && q->waits_since_ms < oldest_ms)
			oldest_ms = q->waits_since_ms;
	}
	for (unsigned i = 0; i < 3; i++)
		metrics_set(loop->app->metrics, GATEWAY_WEBHOOKS, i, counts[i]);
	metrics_set(loop->app->metrics, GATEWAY_WEBHOOK_LAG, 0, (now_ms - oldest_ms) / 1000);
}

static int wait_ms(const struct webhook_loop *loop)
{
	int64_t now_ms = clock_mono_ms(), wait = WAIT_MAX_MS;

	for (const struct webhook_queue *q = loop->first; q; q = q->next)
		if (q->ours && !q->gone && !q->flight.post && q->due_mono_ms - now_ms < wait)
			wait = q->due_mono_ms - now_ms;
	if (atomic_load(&loop->flights) >= FLIGHTS_MAX || atomic_load(&loop->draining))
		return WAIT_MAX_MS / 10;
	return wait > 0 ? (int)wait : 0;
}

static void flights_drop(struct webhook_loop *loop)
{
	while (loop->first) {
		struct webhook_queue *q = loop->first;

		loop->first = q->next;
		if (q->flight.post)
			curl_multi_remove_handle(loop->multi, webhook_post_easy(q->flight.post));
		webhook_post_free(&q->flight.post);
		webhook_queue_release(q, loop->app, loop->store);
		free(q);
	}
}

static void *loop_main(void *ctx)
{
	struct webhook_loop *loop = ctx;

	while (!atomic_load(&loop->stopping)) {
		int64_t now_ms = clock_mono_ms();

		if (!atomic_load(&loop->draining)) {
			peers_read(loop, now_ms);
			lists_read(loop, now_ms);
			queues_prune(loop);
			queues_look(loop, now_ms);
		}
		flights_turn(loop);
		figures_set(loop);
		curl_multi_poll(loop->multi, NULL, 0, wait_ms(loop), NULL);
	}
	flights_drop(loop);
	return NULL;
}

void webhook_loop_start(struct webhook_loop *loop)
{
	if (pthread_create(&loop->thread, NULL, loop_main, loop))
		abort();
	loop->started = true;
}

void webhook_loop_drain(struct webhook_loop *loop)
{
	atomic_store(&loop->drain_until_ms, clock_mono_ms() + DRAIN_MS);
	atomic_store(&loop->draining, true);
	curl_multi_wakeup(loop->multi);
}

bool webhook_loop_idle(struct webhook_loop *loop)
{
	return atomic_load(&loop->flights) == 0 ||
	       clock_mono_ms() >= atomic_load(&loop->drain_until_ms);
}

void webhook_loop_stop(struct webhook_loop *loop)
{
	if (!loop || !loop->started)
		return;
	atomic_store(&loop->stopping, true);
	curl_multi_wakeup(loop->multi);
	pthread_join(loop->thread, NULL);
	loop->started = false;
}

void webhook_loop_free(struct webhook_loop **loop)
{
	if (!*loop)
		return;
	webhook_loop_stop(*loop);
	curl_multi_cleanup((*loop)->multi);
	store_free(&(*loop)->store);
	arena_free(&(*loop)->peers_arena);
	pthread_mutex_destroy(&(*loop)->lock);
	free(*loop);
	*loop = NULL;
}
