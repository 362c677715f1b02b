#include "gateway/upload.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"
#include "gateway/http.h"

struct http_upload {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct buf in; /* written by put, taken by the reader */
	struct buf line; /* the reader's own: bytes not yet given out */
	size_t used; /* of line, given out by the last call */
	bool skipping; /* inside a line that is too long */
	bool ended, whole, ignored, waiting;
	void (*room)(void *ctx);
	void (*full)(void *ctx);
	void *ctx;
};

struct http_upload *upload_new(void (*room)(void *ctx), void (*full)(void *ctx), void *ctx)
{
	struct http_upload *u = calloc(1, sizeof(*u));
	pthread_condattr_t attributes;

	if (!u)
		abort();
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	buf_init(&u->in, UPLOAD_ROOM);
	buf_init(&u->line, UPLOAD_LINE_MAX + UPLOAD_ROOM);
	u->room = room;
	u->full = full;
	u->ctx = ctx;
	return u;
}

void upload_free(struct http_upload **upload)
{
	struct http_upload *u = *upload;

	*upload = NULL;
	if (!u)
		return;
	buf_fini(&u->in);
	buf_fini(&u->line);
	pthread_cond_destroy(&u->changed);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

size_t upload_put(struct http_upload *u, const void *p, size_t n)
{
	size_t taken = n;

	pthread_mutex_lock(&u->lock);
	if (!u->ignored) {
		if (taken > UPLOAD_ROOM - u->in.n)
			taken = UPLOAD_ROOM - u->in.n;
		buf_put(&u->in, p, taken);
		u->waiting = n && !taken;
		if (u->waiting && u->full)
			u->full(u->ctx);
		pthread_cond_signal(&u->changed);
	}
	pthread_mutex_unlock(&u->lock);
	return taken;
}

void upload_end(struct http_upload *u, bool whole)
{
	pthread_mutex_lock(&u->lock);
	u->ended = true;
	u->whole = whole;
	pthread_cond_signal(&u->changed);
	pthread_mutex_unlock(&u->lock);
}

/* With the lock held. */
static void room_made(struct http_upload *u)
{
	if (!u->waiting)
		return;
	u->waiting = false;
	u->room(u->ctx);
}

void upload_ignore(struct http_upload *u)
{
	pthread_mutex_lock(&u->lock);
	u->ignored = true;
	buf_clear(&u->in);
	room_made(u);
	pthread_mutex_unlock(&u->lock);
}

bool upload_whole(struct http_upload *u)
{
	bool whole;

	pthread_mutex_lock(&u->lock);
	whole = u->ended && u->whole && !u->in.n;
	pthread_mutex_unlock(&u->lock);
	return whole;
}

/* Moves what arrived to the reader's buffer; waits for some. False: nothing more comes. */
static bool fill(struct http_upload *u, int64_t deadline_mono_ms)
{
	struct timespec until = {.tv_sec = deadline_mono_ms / 1000,
				 .tv_nsec = deadline_mono_ms % 1000 * 1000000};
	bool some;

	pthread_mutex_lock(&u->lock);
	while (!u->in.n && !u->ended)
		if (pthread_cond_timedwait(&u->changed, &u->lock, &until) == ETIMEDOUT)
			break;
	some = u->in.n > 0;
	buf_put_span(&u->line, buf_span(&u->in));
	buf_clear(&u->in);
	room_made(u);
	pthread_mutex_unlock(&u->lock);
	return some;
}

static void line_give(struct http_upload *u, size_t n, size_t used, struct upload_line *line_out)
{
	struct span text = span_sub(buf_span(&u->line), 0, n);

	line_out->text = span_trim(text);
	line_out->too_long = u->skipping || n > UPLOAD_LINE_MAX;
	u->skipping = false;
	u->used = used;
}

bool upload_next_line(struct http_upload *u, int64_t deadline_mono_ms, struct upload_line *line_out)
{
	size_t looked = 0;

	buf_consume(&u->line, u->used);
	u->used = 0;
	for (;;) {
		struct span rest = span_sub(buf_span(&u->line), looked, u->line.n);
		size_t end = looked + span_find_byte(rest, '\n');

		if (end < u->line.n) {
			line_give(u, end, end + 1, line_out);
			return true;
		}
		looked = u->line.n;
		if (looked > UPLOAD_LINE_MAX) {
			u->skipping = true;
			buf_clear(&u->line);
			looked = 0;
		}
		if (!fill(u, deadline_mono_ms))
			break;
	}
	if (!u->line.n && !u->skipping)
		return false;
	line_give(u, u->line.n, u->line.n, line_out);
	return true;
}
