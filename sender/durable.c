#include "sender/durable.h"

#include <stdlib.h>

void durable_init(struct durable *d, uv_loop_t *loop)
{
	*d = (struct durable){.loop = loop};
	d->work.data = d;
}

void durable_put(struct durable *d, void *item)
{
	struct durable_items *items = &d->waiting;

	if (items->n == items->room) {
		items->room = items->room ? 2 * items->room : 64;
		items->v = realloc(items->v, items->room * sizeof(*items->v));
		if (!items->v)
			abort();
	}
	items->v[items->n++] = item;
}

static void work(uv_work_t *w)
{
	struct durable *d = w->data;

	d->run(d->ctx, d->running.v, d->running.n);
}

static void after(uv_work_t *w, int status)
{
	struct durable *d = w->data;
	size_t n = d->running.n;

	(void)status; /* nobody cancels it */
	d->busy = false;
	d->running.n = 0;
	for (size_t i = 0; i < n; i++)
		d->done(d->ctx, d->running.v[i]);
}

void durable_go(struct durable *d)
{
	struct durable_items items = d->running;

	if (d->busy || d->waiting.n == 0)
		return;
	d->running = d->waiting;
	d->waiting = items;
	d->busy = true;
	if (uv_queue_work(d->loop, &d->work, work, after))
		abort();
}

bool durable_is_idle(const struct durable *d)
{
	return !d->busy && d->waiting.n == 0;
}

void durable_fini(struct durable *d)
{
	free(d->waiting.v);
	free(d->running.v);
	d->waiting = d->running = (struct durable_items){NULL, 0, 0};
}
