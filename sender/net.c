#include "sender/net.h"

#include <stdlib.h>

struct net_watch {
	uv_poll_t poll;
	struct net *net;
	struct net_watch *next;
	int fd;
};

static void watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void watch_drop(struct net_watch **at)
{
	struct net_watch *w = *at;

	*at = w->next;
	uv_close((uv_handle_t *)&w->poll, watch_closed);
}

static struct net_watch *watch_add(struct net *net, int fd)
{
	struct net_watch *w = calloc(1, sizeof(*w));

	if (!w || uv_poll_init(net->loop, &w->poll, fd))
		abort();
	w->poll.data = w;
	w->net = net;
	w->fd = fd;
	w->next = net->watches;
	net->watches = w;
	return w;
}

static void ready(uv_poll_t *poll, int status, int events)
{
	const struct net_watch *w = poll->data;
	int bits = (events & UV_READABLE ? 1 : 0) | (events & UV_WRITABLE ? 2 : 0);

	mailconn_pool_ready(w->net->pool, w->fd, status < 0 ? 3 : bits);
}

static void watch(void *ctx, int fd, int events)
{
	struct net *net = ctx;
	struct net_watch **at = &net->watches, *w;
	int wanted = (events & 1 ? UV_READABLE : 0) | (events & 2 ? UV_WRITABLE : 0);

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	if (!events) {
		if (*at)
			watch_drop(at);
		return;
	}
	w = *at ? *at : watch_add(net, fd);
	uv_poll_start(&w->poll, wanted, ready);
}

static void fired(uv_timer_t *timer)
{
	const struct net *net = timer->data;

	mailconn_pool_timeout(net->pool);
}

static void set_timer(void *ctx, int64_t ms)
{
	struct net *net = ctx;

	if (ms < 0)
		uv_timer_stop(&net->timer);
	else
		uv_timer_start(&net->timer, fired, (uint64_t)ms, 0);
}

enum err_code net_open(struct net *net, uv_loop_t *loop, struct err *e)
{
	struct mailconn_pool_handlers handlers = {.ctx = net, .watch = watch, .timer = set_timer};

	*net = (struct net){.loop = loop};
	uv_timer_init(loop, &net->timer);
	net->timer.data = net;
	return mailconn_pool_new(&handlers, &net->pool, e);
}

void net_close(struct net *net)
{
	mailconn_pool_free(&net->pool);
	while (net->watches)
		watch_drop(&net->watches);
	uv_close((uv_handle_t *)&net->timer, NULL);
}
