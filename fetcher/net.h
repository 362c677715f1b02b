/* net: the libuv side of the pool of mail server connections, and the one read buffer all of them share. */
#ifndef MW_FETCHER_NET_H
#define MW_FETCHER_NET_H

#include <uv.h>

#include "common/mailconn/mailconn.h"

#define NET_SCRATCH_BYTES (64u << 10)

struct net_watch;

struct net {
	uv_loop_t *loop;
	struct mailconn_pool *pool;
	uv_timer_t timer;
	struct net_watch *watches;
	uint8_t scratch[NET_SCRATCH_BYTES];
};

MUST_USE enum err_code net_init(struct net *net, uv_loop_t *loop, struct err *e);
/* Closes its handles: run the loop once more before the memory goes. */
void net_fini(struct net *net);

#endif
