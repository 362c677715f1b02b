#include "common/stage/heart.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOG_EVERY_MS 5000

struct heart {
	struct store *store;
	struct bus_entry self;
	int wake_fd;
	pthread_t thread;
	_Atomic int64_t beat_ms;

	/* The thread's own. */
	int64_t born_ms, away_ms, logged_ms,
		settled_ms; /* 0: not away; last line; lists count from then on */
	bool stuck;

	pthread_mutex_t mutex; /* over what follows */
	pthread_cond_t stopping;
	bool stop, known, fresh;
	struct bus_entry *entries;
	size_t count;
};

static void list_put(struct heart *h, const struct bus_entry *entries, size_t count)
{
	struct bus_entry *copy = calloc(count + 1, sizeof(*copy));
	uint64_t one = 1;

	if (!copy)
		abort();
	if (count)
		memcpy(copy, entries, count * sizeof(*copy));
	pthread_mutex_lock(&h->mutex);
	free(h->entries);
	h->entries = copy;
	h->count = count;
	h->fresh = h->known = true;
	pthread_mutex_unlock(&h->mutex);
	if (write(h->wake_fd, &one, sizeof(one)) < 0)
		return; /* full: it is raised already */
}

static void failed(struct heart *h, const struct err *e, int64_t now_ms)
{
	if (!h->away_ms)
		h->away_ms = now_ms;
	if (h->logged_ms && now_ms - h->logged_ms < LOG_EVERY_MS)
		return;
	h->logged_ms = now_ms;
	log_event(LOG_LEVEL_WARN, "redis_away", "for_ms", "d", now_ms - h->away_ms, "error", "e", e,
		  NULL);
}

static void answered(struct heart *h, const struct bus_entry *entries, size_t count, int64_t now_ms)
{
	if (h->away_ms) {
		log_event(LOG_LEVEL_INFO, "redis_back", "after_ms", "d", now_ms - h->away_ms, NULL);
		h->settled_ms = now_ms + REGISTRY_TTL_MS;
		h->away_ms = h->logged_ms = 0;
	}
	if (now_ms >= h->settled_ms)
		list_put(h, entries, count);
}

/* A process whose loop stands still must not look alive to the others. */
static bool loop_lives(struct heart *h)
{
	int64_t still_ms = clock_mono_ms() - atomic_load(&h->beat_ms);
	bool stuck = still_ms > HEART_STUCK_MS;

	if (stuck != h->stuck)
		log_event(LOG_LEVEL_WARN, stuck ? "loop_stuck" : "loop_turns_again", "for_ms", "d",
			  still_ms, NULL);
	h->stuck = stuck;
	return !stuck;
}

static void exchange(struct heart *h, struct arena *arena)
{
	const struct bus_entry *self = loop_lives(h) ? &h->self : NULL;
	struct bus_entry *entries;
	enum err_code code;
	struct err e;
	size_t count;

	code = registry_exchange(h->store, self, arena, &entries, &count, &e);
	if (code != ERR_OK)
		failed(h, &e, clock_mono_ms());
	else
		answered(h, entries, count, clock_mono_ms());
}

/* Waits one beat; false if told to stop. */
static bool rest(struct heart *h)
{
	const int64_t now_ms = clock_mono_ms();
	const int64_t until_ms =
		now_ms +
		(now_ms - h->born_ms < HEART_YOUNG_MS ? HEART_YOUNG_BEAT_MS : HEART_BEAT_MS);
	const struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
	bool stop;
	int rc = 0;

	pthread_mutex_lock(&h->mutex);
	while (!h->stop && rc == 0)
		rc = pthread_cond_timedwait(&h->stopping, &h->mutex, &until);
	stop = h->stop;
	pthread_mutex_unlock(&h->mutex);
	return !stop;
}

static void *run(void *arg)
{
	struct arena *arena = arena_new(0);
	struct heart *h = arg;

	do {
		exchange(h, arena);
		arena_reset(arena);
	} while (rest(h));
	arena_free(&arena);
	return NULL;
}

struct heart *heart_start(struct store *store, const struct bus_entry *self, int wake_fd)
{
	struct heart *h = calloc(1, sizeof(*h));
	pthread_condattr_t monotonic;

	if (!h)
		abort();
	h->store = store;
	h->self = *self;
	h->wake_fd = wake_fd;
	h->born_ms = clock_mono_ms();
	atomic_store(&h->beat_ms, h->born_ms);
	pthread_mutex_init(&h->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&h->stopping, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&h->thread, NULL, run, h) != 0)
		abort();
	return h;
}

void heart_stop(struct heart **heart)
{
	struct heart *h = *heart;
	struct err e;

	if (!h)
		return;
	pthread_mutex_lock(&h->mutex);
	h->stop = true;
	pthread_cond_signal(&h->stopping);
	pthread_mutex_unlock(&h->mutex);
	pthread_join(h->thread, NULL);
	if (registry_leave(h->store, &h->self, &e) != ERR_OK)
		log_event(LOG_LEVEL_WARN, "registry_leave_failed", "error", "e", &e, NULL);
	pthread_cond_destroy(&h->stopping);
	pthread_mutex_destroy(&h->mutex);
	free(h->entries);
	free(h);
	*heart = NULL;
}

bool heart_is_known(struct heart *heart)
{
	bool known;

	pthread_mutex_lock(&heart->mutex);
	known = heart->known;
	pthread_mutex_unlock(&heart->mutex);
	return known;
}

bool heart_take(struct heart *heart, struct bus_entry **entries_out, size_t *count_out)
{
	bool fresh;

	pthread_mutex_lock(&heart->mutex);
	fresh = heart->fresh;
	if (fresh) {
		*entries_out = heart->entries;
		*count_out = heart->count;
		heart->entries = NULL;
		heart->fresh = false;
	}
	pthread_mutex_unlock(&heart->mutex);
	return fresh;
}

void heart_beat(struct heart *heart)
{
	atomic_store(&heart->beat_ms, clock_mono_ms());
}
