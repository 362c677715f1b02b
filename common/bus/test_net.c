#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/bus/test_net.h"

static void on_batch(void *ctx, unsigned lane, const struct bus_item *items, size_t count)
{
	struct node *node = ctx;
	if (!node->first_lane)
		node->first_lane = lane + 1;
	node->batches[lane]++;
	node->messages[lane] += count;
	node->largest = count > node->largest ? count : node->largest;
	for (size_t i = 0; i < count; i++) {
		node->bytes += items[i].frame.n + items[i].body.n;
		if (node->check)
			assert_true(span_eq(items[i].frame,
					    span_sub(items[i].body, 0, items[i].frame.n)));
	}
	if (!node->hold)
		bus_credit(node->bus, lane);
}

static void on_bell(void *ctx, struct span from, struct bus_item item)
{
	struct node *node = ctx;
	node->rung++;
	snprintf(node->last, sizeof(node->last), "%.*s:%.*s+%zu", (int)from.n, (const char *)from.p,
		 (int)item.frame.n, (const char *)item.frame.p, item.body.n);
	if (node->echo)
		assert_true(bus_reply(node->bus, from, item));
}

static void on_peer(void *ctx, const char *stage, const char *instance, bool here)
{
	struct node *node = ctx;
	assert_non_null(stage);
	assert_non_null(instance);
	node->came += here;
	node->left += !here;
}

static void on_wanted(void *ctx, unsigned lane)
{
	struct node *node = ctx;
	assert_true(lane < WIRE_LANES);
	node->wanted++;
}

void test_net_open(struct net *net, size_t at, const char *stage, const char *instance)
{
	struct node *node = &net->nodes[at];
	struct err e;
	bool giver = strcmp(stage, "giver") == 0, taker = strcmp(stage, "taker") == 0;
	struct bus_options options = {
		stage, instance, net->mode, net->dir, giver ? "raw" : NULL, taker ? "raw" : NULL};
	struct bus_handlers handlers = {node, on_batch, on_bell, on_peer, on_wanted};
	if (bus_open(&options, &handlers, &node->bus, &e) != ERR_OK)
		fail_msg("%s", e.text);
	if (taker) {
		bus_credit(node->bus, WIRE_LANE_LIVE);
		bus_credit(node->bus, WIRE_LANE_BULK);
	}
}

void test_net_meet(struct net *net)
{
	struct bus_entry entries[NODES_MAX];
	size_t count = 0;
	for (size_t i = 0; i < NODES_MAX; i++)
		if (net->nodes[i].bus)
			bus_self(net->nodes[i].bus, &entries[count++]);
	for (size_t i = 0; i < NODES_MAX; i++)
		if (net->nodes[i].bus)
			bus_set_peers(net->nodes[i].bus, entries, count);
}

void test_net_turn(struct net *net)
{
	for (size_t i = 0; i < NODES_MAX; i++)
		while (net->nodes[i].bus && !net->nodes[i].asleep && bus_process(net->nodes[i].bus))
			;
}

size_t test_net_messages(const struct net *net)
{
	size_t sum = 0;
	for (size_t i = 0; i < NODES_MAX; i++)
		sum += net->nodes[i].messages[0] + net->nodes[i].messages[1];
	return sum;
}

bool test_net_until(struct net *net, const size_t *value, size_t least)
{
	int64_t end_ms = clock_mono_ms() + WAIT_MS;
	while ((value ? *value : test_net_messages(net)) < least && clock_mono_ms() < end_ms) {
		test_net_turn(net);
		usleep(200);
	}
	return (value ? *value : test_net_messages(net)) >= least;
}

void test_net_for(struct net *net, int64_t ms)
{
	for (int64_t end_ms = clock_mono_ms() + ms; clock_mono_ms() < end_ms; usleep(500))
		test_net_turn(net);
}

void test_net_give(struct node *node, unsigned lane, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bus_give(node->bus, lane,
			 (struct bus_item){SPAN_LIT("frame"), SPAN_LIT("frame and body")});
	bus_flush(node->bus);
}

static struct net *net_open(const char *mode)
{
	struct net *net = calloc(1, sizeof(*net));
	assert_non_null(net);
	snprintf(net->dir, sizeof(net->dir), "/tmp/bus_test.XXXXXX");
	assert_non_null(mkdtemp(net->dir));
	net->mode = mode;
	return net;
}

static void net_close(struct net *net)
{
	char path[600];
	for (size_t i = 0; i < NODES_MAX; i++)
		bus_close(&net->nodes[i].bus);
	snprintf(path, sizeof(path), "%s/bus", net->dir);
	rmdir(path); /* a bus takes its socket files with it */
	assert_int_equal(rmdir(net->dir), 0);
	free(net);
}

int test_net_ipc(void **state)
{
	*state = net_open("ipc");
	return 0;
}

int test_net_tcp(void **state)
{
	*state = net_open("tcp:127.0.0.1");
	return 0;
}

int test_net_end(void **state)
{
	net_close(*state);
	return 0;
}
