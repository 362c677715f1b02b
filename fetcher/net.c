#include "fetcher/net.h"

#include <stdlib.h>

/* A descriptor that libcurl wants watched while it connects. */
struct net_watch {
	uv_poll_t poll;
	struct net *net;
	struct net_watch *next;
	int fd;
};

static void free_watch(uv_handle_t *handle)
{
	free(handle->data);
}

static void poll_ready(uv_poll_t *poll, int status, int events)
{
	struct net_watch *watch = poll->data;
	int bits = (events & UV_READABLE ? 1 : 0) | (events & UV_WRITABLE ? 2 : 0);

	mailconn_pool_ready(watch->net->pool, watch->fd, status < 0 ? 3 : bits);
}

static struct net_watch **find_watch(struct net *net, int fd)
{
	struct net_watch **at = &net->watches;

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	return at;
}

static void drop_watch(struct net_watch **at)
{
	struct net_watch *watch = *at;

	*at = watch->next;
	uv_poll_stop(&watch->poll);
	uv_close((uv_handle_t *)&watch->poll, free_watch);
}

static struct net_watch *add_watch(struct net *net, int fd)
{
	struct net_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		abort();
	if (uv_poll_init(net->loop, &watch->poll, fd)) {
		free(watch);
		return NULL;
	}
	watch->poll.data = watch;
	watch->net = net;
	watch->fd = fd;
	watch->next = net->watches;
	net->watches = watch;
	return watch;
}

static void watch_fd(void *ctx, int fd, int events)
{
	struct net *net = ctx;
	struct net_watch **at = find_watch(net, fd), *watch = *at;

	if (events == 0) {
		if (watch)
			drop_watch(at);
		return;
	}
	if (!watch)
		watch = add_watch(net, fd);
	if (watch)
		uv_poll_start(&watch->poll,
			      (events & 1 ? UV_READABLE : 0) | (events & 2 ? UV_WRITABLE : 0),
			      poll_ready);
}

static void timer_fired(uv_timer_t *timer)
{
	struct net *net = timer->data;

	mailconn_pool_timeout(net->pool);
}

static void set_timer(void *ctx, int64_t ms)
{
	struct net *net = ctx;

	if (ms < 0)
		uv_timer_stop(&net->timer);
	else
		uv_timer_start(&net->timer, timer_fired, (uint64_t)ms, 0);
}

enum err_code net_init(struct net *net, uv_loop_t *loop, struct err *e)
{
	const struct mailconn_pool_handlers handlers = {
		.ctx = net, .watch = watch_fd, .timer = set_timer};

	net->loop = loop;
	net->watches = NULL;
	uv_timer_init(loop, &net->timer);
	net->timer.data = net;
	return mailconn_pool_new(&handlers, &net->pool, e);
}

void net_fini(struct net *net)
{
	mailconn_pool_free(&net->pool);
	while (net->watches)
		drop_watch(&net->watches);
	uv_close((uv_handle_t *)&net->timer, NULL);
}
