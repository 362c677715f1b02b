#include "common/mailconn/loop.h"

#include <stdlib.h>

/* A descriptor that libcurl wants watched while it connects. */
struct mailconn_watch {
	uv_poll_t poll;
	struct mailconn_loop *m;
	struct mailconn_watch *next;
	int fd;
};

static void free_watch(uv_handle_t *handle)
{
	free(handle->data);
}

static void poll_ready(uv_poll_t *poll, int status, int events)
{
	struct mailconn_watch *watch = poll->data;
	int bits = (events & UV_READABLE ? 1 : 0) | (events & UV_WRITABLE ? 2 : 0);

	mailconn_pool_ready(watch->m->pool, watch->fd, status < 0 ? 3 : bits);
}

static struct mailconn_watch **find_watch(struct mailconn_loop *m, int fd)
{
	struct mailconn_watch **at = &m->watches;

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	return at;
}

static void drop_watch(struct mailconn_watch **at)
{
	struct mailconn_watch *watch = *at;

	*at = watch->next;
	uv_poll_stop(&watch->poll);
	uv_close((uv_handle_t *)&watch->poll, free_watch);
}

static struct mailconn_watch *add_watch(struct mailconn_loop *m, int fd)
{
	struct mailconn_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		abort();
	if (uv_poll_init(m->loop, &watch->poll, fd)) {
		free(watch);
		return NULL;
	}
	watch->poll.data = watch;
	watch->m = m;
	watch->fd = fd;
	watch->next = m->watches;
	m->watches = watch;
	return watch;
}

static void watch_fd(void *ctx, int fd, int events)
{
	struct mailconn_loop *m = ctx;
	struct mailconn_watch **at = find_watch(m, fd), *watch = *at;

	if (events == 0) {
		if (watch)
			drop_watch(at);
		return;
	}
	if (!watch)
		watch = add_watch(m, fd);
	if (watch)
		uv_poll_start(&watch->poll,
			      (events & 1 ? UV_READABLE : 0) | (events & 2 ? UV_WRITABLE : 0),
			      poll_ready);
}

static void timer_fired(uv_timer_t *timer)
{
	struct mailconn_loop *m = timer->data;

	mailconn_pool_timeout(m->pool);
}

static void set_timer(void *ctx, int64_t ms)
{
	struct mailconn_loop *m = ctx;

	if (ms < 0)
		uv_timer_stop(&m->timer);
	else
		uv_timer_start(&m->timer, timer_fired, (uint64_t)ms, 0);
}

enum err_code mailconn_loop_init(struct mailconn_loop *m, uv_loop_t *loop, struct err *e)
{
	const struct mailconn_pool_handlers handlers = {
		.ctx = m, .watch = watch_fd, .timer = set_timer};

	m->loop = loop;
	m->watches = NULL;
	uv_timer_init(loop, &m->timer);
	m->timer.data = m;
	return mailconn_pool_new(&handlers, &m->pool, e);
}

void mailconn_loop_fini(struct mailconn_loop *m)
{
	mailconn_pool_free(&m->pool);
	while (m->watches)
		drop_watch(&m->watches);
	uv_close((uv_handle_t *)&m->timer, NULL);
}
