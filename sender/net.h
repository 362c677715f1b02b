/* net: the pool of mail server connections on the process's libuv loop. */
#ifndef MW_SENDER_NET_H
#define MW_SENDER_NET_H

#include <uv.h>

#include "common/mailconn/mailconn.h"

struct net_watch; /* a descriptor that the pool wants watched while it connects */

struct net {
	uv_loop_t *loop;
	struct mailconn_pool *pool;
	uv_timer_t timer;
	struct net_watch *watches;
};

MUST_USE enum err_code net_open(struct net *net, uv_loop_t *loop, struct err *e);
/* All connections closed before. Its handles close in the next turns of the loop. */
void net_close(struct net *net);

#endif
