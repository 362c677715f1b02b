/*
 * durable: work that waits for a disk, beside the loop and in batches: while one batch is under way the next collects, so
 * that many share one wait (group commit). One batch at a time, in a thread of libuv's pool.
 */
#ifndef MW_SENDER_DURABLE_H
#define MW_SENDER_DURABLE_H

#include <stdbool.h>
#include <uv.h>

struct durable {
	uv_loop_t *loop;
	uv_work_t work;
	void *ctx;
	/* In the thread: touches nothing that the loop touches meanwhile. */
	void (*run)(void *ctx, void *const *items, size_t count);
	/* In the loop, for each in the order of durable_put; may put more. */
	void (*done)(void *ctx, void *item);
	struct durable_items {
		void **v;
		size_t n, room;
	} waiting, running;
	bool busy;
};

/* ctx, run and done are the caller's to set. */
void durable_init(struct durable *d, uv_loop_t *loop);
/* The item is the caller's, and stays until done had it. */
void durable_put(struct durable *d, void *item);
/* Begins what waits, if nothing is under way. To be called before the loop waits. */
void durable_go(struct durable *d);
bool durable_is_idle(const struct durable *d);
/* Idle, or what waits is dropped. */
void durable_fini(struct durable *d);

#endif
