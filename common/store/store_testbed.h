/* testbed: real redis-servers in a temporary directory, and a scripted one that says what a test wants to hear. */
#ifndef MW_STORE_STORE_TESTBED_H
#define MW_STORE_STORE_TESTBED_H

#include <stdint.h>
#include <sys/types.h>

#include "common/store/store.h"

struct testbed {
	char dir[64];
	char address[96]; /* for store_options */
	uint16_t port; /* 0: Unix socket only */
	pid_t pid; /* 0: not running */
};

/* False if redis-server is not installed: the test is skipped. */
bool testbed_has_redis(void);
void testbed_start(struct testbed *t);
/* A cluster node on a free TCP port, without slots. */
void testbed_start_cluster_node(struct testbed *t);
/* kill -9. */
void testbed_kill(struct testbed *t);
/* Starts the server again in the same directory after a while, without waiting for it. */
void testbed_restart(struct testbed *t, int delay_ms);
void testbed_stop(struct testbed *t);

/*
 * Listens on a Unix socket; the first connection gets script[0], and so on: one raw RESP reply a command (CLIENT SETNAME
 * gets +OK by itself), NULL: closes. A script ends with the word "end": there the server lives on with +OK for everything.
 */
void testbed_start_scripted(struct testbed *t, const char *const *script);

#endif
