/* test_net: several buses in one process, for the tests of the bus alone. */
#ifndef MW_BUS_TEST_NET_H
#define MW_BUS_TEST_NET_H

#include "common/bus/bus.h"

#define NODES_MAX 6
#define WAIT_MS 10000

struct node {
	struct bus *bus;
	bool hold; /* keeps batches: gives no credit back */
	bool asleep; /* never turns */
	bool echo; /* answers what rings */
	size_t batches[WIRE_LANES], messages[WIRE_LANES], largest, bytes, came, left, wanted, rung;
	unsigned first_lane; /* of the first batch, plus one */
	char last[64];
	bool check; /* bodies repeat the frame */
};

struct net {
	char dir[512];
	const char *mode;
	struct node nodes[NODES_MAX];
};

/* Stage "giver" gives to hop "raw", "taker" takes from it and starts with credit for both lanes. */
void test_net_open(struct net *net, size_t at, const char *stage, const char *instance);
/* What the registry does: everybody hears of everybody who lives. */
void test_net_meet(struct net *net);
void test_net_turn(struct net *net);
size_t test_net_messages(const struct net *net); /* handed over at all takers */
/* Turns until *value (NULL: all messages) is at least that, for at most WAIT_MS. */
bool test_net_until(struct net *net, const size_t *value, size_t least);
void test_net_for(struct net *net, int64_t ms);
void test_net_give(struct node *node, unsigned lane, size_t count);
/* cmocka's setup and teardown. */
int test_net_ipc(void **state);
int test_net_tcp(void **state);
int test_net_end(void **state);

#define BOTH(test)                                                   \
	{#test " ipc", test, test_net_ipc, test_net_end, NULL},      \
	{                                                            \
#test " tcp", test, test_net_tcp, test_net_end, NULL \
	}
#define IPC(test)                                             \
	{                                                     \
#test, test, test_net_ipc, test_net_end, NULL \
	}

#endif
