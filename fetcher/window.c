#include "fetcher/window.h"

#include <stdlib.h>

#define AFTER_LEFT_MS 250
#define PASSED_MS 2000
#define TIMEOUT_MS 30000
#define TIMEOUT_MAX_MS 600000

void window_init(struct window *w, struct spool *spool, size_t max_messages, uint64_t max_bytes)
{
	memset(w, 0, sizeof(*w));
	w->spool = spool;
	w->max_messages = max_messages;
	w->max_bytes = max_bytes;
}

void window_fini(struct window *w)
{
	for (struct flight *f = w->first, *next; f; f = next) {
		next = f->next;
		window_leave(w, &f);
	}
}

struct flight *window_force(struct window *w, const void *owner, unsigned lane, uint64_t bytes)
{
	struct flight *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->owner = owner;
	f->lane = lane;
	f->size = bytes;
	f->previous = w->last;
	if (w->last)
		w->last->next = f;
	else
		w->first = f;
	w->last = f;
	w->count[lane]++;
	w->bytes[lane] += bytes;
	return f;
}

struct flight *window_admit(struct window *w, const void *owner, unsigned lane, uint64_t bytes)
{
	struct spool_region region = {0};
	struct flight *f;

	if (w->count[lane] > 0 &&
	    (w->count[lane] >= w->max_messages || w->bytes[lane] + bytes > w->max_bytes))
		return NULL;
	if (bytes > 0 && !spool_take(w->spool, (size_t)bytes, &region))
		return NULL;
	f = window_force(w, owner, lane, bytes);
	f->region = region;
	return f;
}

static struct flight **bucket(struct window *w, const struct id *id)
{
	return &w->buckets[(id->b[0] | (unsigned)id->b[1] << 8) % WINDOW_BUCKETS];
}

void window_name(struct window *w, struct flight *f, const struct id *id)
{
	struct flight **at = bucket(w, id);

	f->id = *id;
	f->chain = *at;
	f->hashed = true;
	*at = f;
}

struct flight *window_find(const struct window *w, const void *owner, const struct id *id)
{
	struct flight *f = *bucket((struct window *)(uintptr_t)w, id);

	while (f && !(f->owner == owner && id_eq(&f->id, id)))
		f = f->chain;
	return f;
}

static void unhash(struct window *w, struct flight *f)
{
	struct flight **at = bucket(w, &f->id);

	while (*at != f)
		at = &(*at)->chain;
	*at = f->chain;
}

void window_leave(struct window *w, struct flight **at)
{
	struct flight *f = *at;

	*at = NULL;
	if (!f)
		return;
	if (f->hashed)
		unhash(w, f);
	if (f->previous)
		f->previous->next = f->next;
	else
		w->first = f->next;
	if (f->next)
		f->next->previous = f->previous;
	else
		w->last = f->previous;
	w->count[f->lane]--;
	w->bytes[f->lane] -= f->size;
	spool_release(w->spool, &f->region);
	w->freed = true;
	free(f);
}

void window_leave_all(struct window *w, const void *owner)
{
	struct flight *f = w->first;

	while (f) {
		struct flight *next = f->next;

		if (f->owner == owner)
			window_leave(w, &f);
		f = next;
	}
}

void window_pushed(struct window *w, struct flight *f, int64_t now_ms, int64_t pipeline_ms)
{
	f->state = FLIGHT_PUSHED;
	f->order = ++w->order[f->lane];
	f->pushed_ms = now_ms;
	f->pushed_at = pipeline_ms;
	f->passed_ms = 0;
}

void window_committed(struct window *w, struct flight **at, int64_t now_ms)
{
	const struct flight *done = *at;

	for (struct flight *f = w->first; f && f != done; f = f->next)
		if (f->lane == done->lane && f->state == FLIGHT_PUSHED && f->order < done->order &&
		    !f->passed_ms)
			f->passed_ms = now_ms;
	window_leave(w, at);
}

static int64_t timeout_ms(uint64_t drives)
{
	int64_t ms = TIMEOUT_MS;

	for (uint64_t i = 0; i < drives && ms < TIMEOUT_MAX_MS; i++)
		ms *= 2;
	return ms < TIMEOUT_MAX_MS ? ms : TIMEOUT_MAX_MS;
}

bool window_overdue(const struct flight *f, int64_t now_ms, int64_t pipeline_ms, int64_t left_ms)
{
	if (f->state != FLIGHT_PUSHED)
		return false;
	if (left_ms && f->pushed_ms <= left_ms && now_ms - left_ms >= AFTER_LEFT_MS)
		return true;
	if (f->passed_ms && now_ms - f->passed_ms >= PASSED_MS)
		return true;
	return pipeline_ms - f->pushed_at >= timeout_ms(f->drives);
}
