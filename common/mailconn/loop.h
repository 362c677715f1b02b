/*
 * loop: a pool of mail server connections on a libuv loop: watches what the pool wants watched, keeps its timer. Only
 * programs that use it link libuv.
 */
#ifndef MW_MAILCONN_LOOP_H
#define MW_MAILCONN_LOOP_H

#include <uv.h>

#include "common/mailconn/mailconn.h"

#define MAILCONN_SCRATCH_BYTES (64u << 10)

struct mailconn_watch;

struct mailconn_loop {
	uv_loop_t *loop;
	struct mailconn_pool *pool; /* for mailconn_open */
	uv_timer_t timer;
	struct mailconn_watch *watches;
	uint8_t scratch
		[MAILCONN_SCRATCH_BYTES]; /* one read buffer for all connections: free between two calls */
};

MUST_USE enum err_code mailconn_loop_init(struct mailconn_loop *m, uv_loop_t *loop, struct err *e);
/* All connections closed before. Closes its handles: run the loop once more before the memory goes. */
void mailconn_loop_fini(struct mailconn_loop *m);

#endif
