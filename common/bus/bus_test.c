/* Proves the promises of the bus (SYN-04, OPS-01): work by credit, live first, a stopped or killed neighbour holds or
 * loses one batch, restarts and lost connections do not stop the flow, bells never block. All in one process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/bus/bus.h"
#include "common/wire/pack.h"

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

static void node_open(struct net *net, size_t at, const char *stage, const char *instance)
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

/* What the registry does: everybody hears of everybody who lives. */
static void net_meet(struct net *net)
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

static void net_turn(struct net *net)
{
	for (size_t i = 0; i < NODES_MAX; i++)
		while (net->nodes[i].bus && !net->nodes[i].asleep && bus_process(net->nodes[i].bus))
			;
}

static size_t messages(const struct net *net)
{
	size_t sum = 0;
	for (size_t i = 0; i < NODES_MAX; i++)
		sum += net->nodes[i].messages[0] + net->nodes[i].messages[1];
	return sum;
}

static bool net_until(struct net *net, const size_t *value, size_t least)
{
	int64_t end_ms = clock_mono_ms() + WAIT_MS;
	while ((value ? *value : messages(net)) < least && clock_mono_ms() < end_ms) {
		net_turn(net);
		usleep(200);
	}
	return (value ? *value : messages(net)) >= least;
}

static void net_for(struct net *net, int64_t ms)
{
	for (int64_t end_ms = clock_mono_ms() + ms; clock_mono_ms() < end_ms; usleep(500))
		net_turn(net);
}

static void give(struct node *node, unsigned lane, size_t count)
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

static int ipc_open(void **state)
{
	*state = net_open("ipc");
	return 0;
}

static int tcp_open(void **state)
{
	*state = net_open("tcp:127.0.0.1");
	return 0;
}

static int close_net(void **state)
{
	net_close(*state);
	return 0;
}

static void work_flows_by_credit_live_first(void **state)
{
	struct net *net = *state;
	struct node *giver = &net->nodes[0], *taker = &net->nodes[1];
	taker->check = true;
	node_open(net, 0, "giver", "g1");
	give(giver, WIRE_LANE_BULK, 100); /* before anybody asks */
	give(giver, WIRE_LANE_LIVE, 100);
	assert_int_equal(bus_queued(giver->bus, WIRE_LANE_BULK), 100);
	node_open(net, 1, "taker", "t1");
	net_meet(net);
	assert_true(net_until(net, NULL, 200));
	assert_int_equal(taker->first_lane, WIRE_LANE_LIVE + 1);
	assert_int_equal(taker->largest, BUS_BATCH_MAX);
	assert_int_equal(taker->messages[WIRE_LANE_LIVE], 100);
	assert_int_equal(bus_queued(giver->bus, WIRE_LANE_LIVE), 0);
	assert_true(net_until(net, &giver->wanted, 1)); /* credit is left, the queue empty */
	assert_int_equal(giver->came, 1);
	assert_int_equal(bus_peers(giver->bus, "taker", NULL, 0), 1);
	assert_int_equal(bus_peers(giver->bus, NULL, NULL, 0), 1);
}

/* Both lanes wait in the taker's pipes when it wakes: the later live batch is handed over before the bulk one. */
static void live_overtakes_bulk_at_the_taker(void **state)
{
	struct net *net = *state;
	struct node *taker = &net->nodes[1];
	node_open(net, 0, "giver", "g1");
	node_open(net, 1, "taker", "t1");
	net_meet(net);
	assert_true(net_until(net, &net->nodes[0].wanted, 2));
	taker->asleep = true;
	give(&net->nodes[0], WIRE_LANE_BULK, 10);
	give(&net->nodes[0], WIRE_LANE_LIVE, 10);
	net_for(net, 100);
	taker->asleep = false;
	assert_true(net_until(net, NULL, 20));
	assert_int_equal(taker->first_lane, WIRE_LANE_LIVE + 1);
}

static void batches_are_cut_at_a_megabyte(void **state)
{
	struct net *net = *state;
	static uint8_t body[400 << 10];
	struct node *taker = &net->nodes[1];
	node_open(net, 0, "giver", "g1");
	for (size_t i = 0; i < 6; i++)
		bus_give(net->nodes[0].bus, 1,
			 (struct bus_item){SPAN_LIT("x"), span_make(body, sizeof(body))});
	node_open(net, 1, "taker", "t1");
	net_meet(net);
	assert_true(net_until(net, NULL, 6));
	assert_int_equal(taker->largest, 2);
	assert_int_equal(taker->bytes, 6 * (sizeof(body) + 1));
}

static void a_stopped_taker_holds_one_batch(void **state)
{
	struct net *net = *state;
	node_open(net, 0, "giver", "g1");
	node_open(net, 1, "taker", "works");
	node_open(net, 2, "taker", "stops");
	net->nodes[2].hold = true;
	net_meet(net);
	net_for(net, 200); /* both have told their credit */
	give(&net->nodes[0], WIRE_LANE_BULK, 2000);
	assert_true(net_until(net, NULL, 2000));
	net_for(net, 1500); /* credit told again must not double */
	assert_int_equal(net->nodes[2].batches[WIRE_LANE_BULK], 1);
	assert_int_equal(net->nodes[1].messages[WIRE_LANE_BULK], 2000 - BUS_BATCH_MAX);
	net->nodes[2].hold = false;
	bus_credit(net->nodes[2].bus, WIRE_LANE_BULK); /* goes on where it stood */
	net->nodes[1].asleep = true;
	give(&net->nodes[0], WIRE_LANE_BULK, 640);
	assert_true(net_until(net, &net->nodes[2].batches[WIRE_LANE_BULK], 9));
}

static void others_go_on_when_a_taker_dies(void **state)
{
	struct net *net = *state;
	node_open(net, 0, "giver", "g1");
	node_open(net, 1, "taker", "lives");
	node_open(net, 2, "taker", "dies");
	net->nodes[2].hold = true;
	net_meet(net);
	net_for(net, 200);
	give(&net->nodes[0], WIRE_LANE_BULK, 200);
	assert_true(net_until(net, NULL, 200));
	bus_close(&net->nodes[2].bus); /* the registry still lists it */
	size_t before = net->nodes[1].messages[WIRE_LANE_BULK];
	give(&net->nodes[0], WIRE_LANE_BULK, 1000);
	assert_true(net_until(net, &net->nodes[1].messages[WIRE_LANE_BULK], before + 1000));
	net_meet(net);
	assert_int_equal(net->nodes[0].left, 1);
	node_open(net, 2, "taker", "dies"); /* and comes again under its name */
	net->nodes[2].hold = false;
	net_meet(net);
	net->nodes[1].asleep = true;
	size_t held = net->nodes[2].messages[WIRE_LANE_BULK];
	give(&net->nodes[0], WIRE_LANE_BULK, 500);
	assert_true(net_until(net, &net->nodes[2].messages[WIRE_LANE_BULK],
			      held + 500 - BUS_BATCH_MAX));
}

static void a_giver_comes_again(void **state)
{
	struct net *net = *state;
	node_open(net, 0, "giver", "g1");
	node_open(net, 1, "taker", "t1");
	net_meet(net);
	give(&net->nodes[0], WIRE_LANE_BULK, 100);
	assert_true(net_until(net, NULL, 100));
	bus_close(&net->nodes[0].bus);
	net_for(net, 50);
	node_open(net, 0, "giver", "g1");
	if (strcmp(net->mode, "ipc") != 0)
		net_meet(net); /* another port; over ipc the link finds it by itself */
	give(&net->nodes[0], WIRE_LANE_BULK, 300);
	assert_true(net_until(net, NULL, 400));
	usleep(2000);
	net_meet(net); /* now the registry tells of it: the link is made anew */
	give(&net->nodes[0], WIRE_LANE_BULK, 300);
	assert_true(net_until(net, NULL, 700));
	node_open(net, 2, "giver", "g2"); /* a further giver gets credit when it comes */
	net_meet(net);
	give(&net->nodes[2], WIRE_LANE_LIVE, 100);
	assert_true(net_until(net, NULL, 800));
}

static void bells_ring(void **state)
{
	struct net *net = *state;
	struct bus_item item = {SPAN_LIT("hello"), SPAN_LIT("")},
			big = {SPAN_LIT("big"), SPAN_LIT("body")};
	node_open(net, 0, "giver", "g1");
	node_open(net, 1, "taker", "t1");
	node_open(net, 2, "taker", "t2");
	node_open(net, 3, "gateway", "w1");
	assert_false(bus_tell(net->nodes[0].bus, "t1", item)); /* nobody known yet */
	net_meet(net);
	assert_true(
		bus_tell(net->nodes[0].bus, "t1", item)); /* not connected yet: waits for that */
	assert_true(bus_tell(net->nodes[0].bus, "t1", item));
	assert_true(net_until(net, &net->nodes[1].rung, 2));
	assert_string_equal(net->nodes[1].last, "g1:hello+0");
	assert_false(bus_tell(net->nodes[0].bus, "nobody", item));
	assert_false(bus_tell_one(net->nodes[0].bus, "threader", item));
	for (size_t i = 0; i < 4; i++)
		assert_true(bus_tell_one(net->nodes[3].bus, "taker", item));
	assert_true(net_until(net, &net->nodes[1].rung, 4));
	assert_true(net_until(net, &net->nodes[2].rung, 2)); /* in turns */
	assert_int_equal(bus_tell_all(net->nodes[0].bus, "taker", big), 2);
	assert_true(net_until(net, &net->nodes[2].rung, 3));
	assert_string_equal(net->nodes[2].last, "g1:big+4");
	net->nodes[2].echo = true;
	assert_true(bus_tell(net->nodes[3].bus, "t2", big));
	assert_true(net_until(net, &net->nodes[3].rung, 1));
	assert_string_equal(net->nodes[3].last, "t2:big+4");
	assert_false(bus_reply(net->nodes[3].bus, SPAN_LIT("nobody"), item));
	bus_close(&net->nodes[2].bus);
	net_for(net, 100);
	assert_false(
		bus_tell(net->nodes[3].bus, "t2", item)); /* gone, though the registry has it */
	net_meet(net);
	assert_int_equal(bus_tell_all(net->nodes[0].bus, "taker", item), 1);
}

/* A peer that never reads fills its queue and then is refused, at once. */
static void a_full_bell_is_refused(void **state)
{
	struct net *net = *state;
	static uint8_t body[100000];
	struct bus_item item = {SPAN_LIT("x"), span_make(body, sizeof(body))};
	size_t told = 0;
	node_open(net, 0, "giver", "g1");
	node_open(net, 1, "taker", "t1");
	net_meet(net);
	assert_true(bus_tell(net->nodes[0].bus, "t1", item));
	assert_true(net_until(net, &net->nodes[1].rung, 1));
	net->nodes[1].asleep = true;
	int64_t end_ms = clock_mono_ms() + WAIT_MS;
	while (bus_tell(net->nodes[0].bus, "t1", item) && clock_mono_ms() < end_ms)
		told++;
	assert_in_range(told, 1, 2 * 1024 + 64);
	net->nodes[1].asleep = false;
	assert_true(net_until(net, &net->nodes[1].rung, told + 1));
}

static void the_descriptor_tells(void **state)
{
	struct net *net = *state;
	node_open(net, 0, "giver", "g1");
	node_open(net, 1, "taker", "t1");
	net_meet(net);
	net_for(net, 200);
	net->nodes[1].asleep = true;
	struct pollfd fds[2] = {{.fd = bus_fd(net->nodes[0].bus), .events = POLLIN},
				{.fd = bus_fd(net->nodes[1].bus), .events = POLLIN}};
	int64_t begin_ms = clock_mono_ms();
	for (size_t i = 1; i <= 5000; i++) {
		give(&net->nodes[0], WIRE_LANE_LIVE, 1);
		while (net->nodes[1].messages[WIRE_LANE_LIVE] < i) {
			assert_in_range(poll(fds, 2, 500), 1, 2);
			for (size_t at = 0; at < 2; at++)
				while (fds[at].revents && bus_process(net->nodes[at].bus))
					;
		}
	}
	assert_in_range(clock_mono_ms() - begin_ms, 0, 5000); /* no message waited for a timer */
	int pipes[2];
	assert_int_equal(pipe(pipes), 0);
	int64_t start_ms = clock_mono_ms();
	bus_wait(net->nodes[1].bus, 100, pipes[0]);
	assert_in_range(clock_mono_ms() - start_ms, 95, 400);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	start_ms = clock_mono_ms();
	bus_wait(net->nodes[1].bus, 5000, pipes[0]);
	assert_in_range(clock_mono_ms() - start_ms, 0, 400);
	close(pipes[0]);
	close(pipes[1]);
	net->nodes[1].hold = true;
	give(&net->nodes[0], WIRE_LANE_BULK, 3);
	start_ms = clock_mono_ms();
	bus_wait(net->nodes[1].bus, 5000, -1);
	assert_int_equal(net->nodes[1].messages[WIRE_LANE_BULK], 3);
	assert_in_range(clock_mono_ms() - start_ms, 0, 400);
}

static void *raw_socket(void *context, int type, const char *name)
{
	void *socket = zmq_socket(context, type);
	int none = 0, wait_ms = WAIT_MS;
	zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none));
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
	zmq_setsockopt(socket, ZMQ_ROUTING_ID, name, strlen(name));
	return socket;
}

static void raw_put(void *socket, const uint64_t *values, size_t count)
{
	struct buf b;
	buf_init(&b, 256);
	pack_put_array(&b, count);
	for (size_t i = 0; i < count; i++)
		pack_put_u64(&b, values[i]);
	assert_int_equal(zmq_send(socket, b.p, b.n, 0), (int)b.n);
	buf_fini(&b);
}

/* One message: its parts, and the numbers of the given part. */
static size_t raw_get(void *socket, size_t head_at, uint64_t values[8])
{
	size_t count = 0;
	int more = 1;
	size_t n = sizeof(more);
	while (more) {
		uint8_t bytes[512];
		int got = zmq_recv(socket, bytes, sizeof(bytes), 0);
		if (got < 0)
			return 0;
		struct pack_reader r = pack_reader_make(span_make(bytes, (size_t)got));
		size_t numbers = count == head_at ? pack_read_array(&r) : 0;
		for (size_t i = 0; i < numbers && i < 8; i++)
			values[i] = pack_read_u64(&r);
		count++;
		zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &n);
	}
	return count;
}

/* Credit is absolute: told twice it is one batch; a giver answers what it sent beyond what was received. */
static void credit_told_twice_is_one(void **state)
{
	struct net *net = *state;
	struct bus_entry entry;
	void *context = zmq_ctx_new();
	uint64_t head[8] = {0};
	node_open(net, 0, "giver", "g1");
	bus_self(net->nodes[0].bus, &entry);
	void *taker = raw_socket(context, ZMQ_DEALER, "raw-taker");
	assert_int_equal(zmq_connect(taker, strchr(entry.hop_endpoint, '@') + 1), 0);
	static const uint64_t greedy[] = {1, 7, 0, 2, 0, 9}, credit[] = {1, 7, 0, 0, 41, 42},
			      none[] = {1, 7, 0, 0, 42, 42};
	zmq_send(taker, "nonsense", 8, 0);
	zmq_send(taker, "", 0, 0);
	raw_put(taker, greedy, 6); /* more than one ahead: refused */
	net_for(net, 50);
	give(&net->nodes[0], WIRE_LANE_BULK, 200);
	assert_int_equal(bus_queued(net->nodes[0].bus, WIRE_LANE_BULK), 200);
	raw_put(taker, credit, 6);
	raw_put(taker, credit, 6);
	net_for(net, 50);
	raw_put(taker, credit, 6);
	net_for(net, 50);
	assert_int_equal(bus_queued(net->nodes[0].bus, WIRE_LANE_BULK), 200 - BUS_BATCH_MAX);
	assert_int_equal(raw_get(taker, 0, head), 1 + 2 * BUS_BATCH_MAX);
	static const uint64_t batch[] = {2, WIRE_LANE_BULK, 42, BUS_BATCH_MAX}, sent[] = {3, 0, 42};
	assert_memory_equal(head, batch, sizeof(batch));
	assert_int_equal(raw_get(taker, 0, head), 1);
	assert_memory_equal(head, sent, sizeof(sent));
	raw_put(taker, none, 6);
	net_for(net, 50);
	assert_int_equal(bus_queued(net->nodes[0].bus, WIRE_LANE_BULK), 200 - BUS_BATCH_MAX);
	zmq_close(taker);
	zmq_ctx_term(context);
}

/* A giver that says it sent more than arrived gets a new credit; frames that lie are dropped. */
static void a_lost_batch_does_not_stop_the_flow(void **state)
{
	struct net *net = *state;
	void *context = zmq_ctx_new();
	uint64_t head[8] = {0};
	struct bus_entry entry = {.stage = "giver", .instance = "raw-giver", .pid = 1};
	node_open(net, 0, "taker", "t1");
	bus_self(net->nodes[0].bus, &entry);
	snprintf(entry.stage, sizeof(entry.stage), "giver");
	snprintf(entry.instance, sizeof(entry.instance), "raw-giver");
	snprintf(entry.hop_endpoint, sizeof(entry.hop_endpoint), "raw@ipc://%.100s/g", net->dir);
	void *giver = raw_socket(context, ZMQ_ROUTER, "raw-giver");
	assert_int_equal(zmq_bind(giver, strchr(entry.hop_endpoint, '@') + 1), 0);
	bus_set_peers(net->nodes[0].bus, &entry, 1);
	net_for(net, 200);
	assert_int_equal(raw_get(giver, 1, head), 2);
	assert_int_equal(head[0], 1);
	assert_int_equal(head[2], 0); /* live: received 0, allowed 1 */
	assert_int_equal(head[3], 1);
	static const uint64_t sent[] = {3, 1, 0}, lie[] = {2, 0, 2, 64};
	zmq_send(giver, "t1", 2, ZMQ_SNDMORE);
	raw_put(giver, lie, 4); /* announces 64 messages, has none */
	zmq_send(giver, "t1", 2, ZMQ_SNDMORE);
	raw_put(giver, sent, 3);
	net_for(net, 50);
	do
		assert_int_equal(raw_get(giver, 1, head), 2);
	while (head[2] == 0);
	assert_int_equal(head[2], 1);
	assert_int_equal(head[3], 2);
	assert_int_equal(net->nodes[0].batches[WIRE_LANE_LIVE], 0);
	zmq_close(giver);
	zmq_ctx_term(context);
	unlink(strchr(entry.hop_endpoint, '/') + 2);
}

static void long_paths_and_bad_options(void **state)
{
	struct net *net = *state;
	char long_dir[400], tag[128];
	struct bus *bus;
	struct bus_entry entry;
	struct err e;
	snprintf(tag, sizeof(tag), "%0100d", 1);
	snprintf(long_dir, sizeof(long_dir), "%.200s/%s", net->dir, tag);
	struct bus_options options = {"giver", "g1", "ipc", long_dir, "raw", NULL};
	struct bus_handlers handlers = {0};
	assert_int_equal(bus_open(&options, &handlers, &bus, &e), ERR_OK);
	bus_self(bus, &entry);
	assert_int_equal(strncmp(entry.bell_endpoint, "ipc:///tmp/mailweave-", 21), 0);
	bus_close(&bus);
	entry.bell_endpoint[strlen(entry.bell_endpoint) - strlen("/g1.bell")] = 0;
	const char *short_dir = entry.bell_endpoint + strlen("ipc://");
	assert_int_equal(chmod(short_dir, 0777), 0); /* others could put their sockets there */
	assert_int_equal(bus_open(&options, &handlers, &bus, &e), ERR_PERM);
	assert_int_equal(rmdir(short_dir), 0);
	assert_int_equal(rmdir(long_dir), 0);
	options.mode = "tcp:*";
	assert_int_equal(bus_open(&options, &handlers, &bus, &e), ERR_PERM);
	options.mode = "udp";
	assert_int_equal(bus_open(&options, &handlers, &bus, &e), ERR_PERM);
	options.mode = "tcp:192.0.2.1"; /* not an address of ours */
	assert_int_equal(bus_open(&options, &handlers, &bus, &e), ERR_TEMP);
	options.instance = "../x";
	assert_int_equal(bus_open(&options, &handlers, &bus, &e), ERR_PERM);
	assert_null(bus);
}

/* Prints what the bus costs: two hops' worth of 1.5 KB frames between two threads would be the same path. */
static void rate_is_printed(void **state)
{
	struct net *net = *state;
	static uint8_t frame[1500];
	const size_t total = 100000;
	node_open(net, 0, "giver", "g1");
	node_open(net, 1, "taker", "t1");
	net_meet(net);
	net_for(net, 100);
	int64_t start_us = clock_mono_us();
	for (size_t given = 0; messages(net) < total; net_turn(net)) {
		while (given < total && bus_queued(net->nodes[0].bus, WIRE_LANE_BULK) < 256) {
			bus_give(net->nodes[0].bus, WIRE_LANE_BULK,
				 (struct bus_item){span_make(frame, sizeof(frame)), SPAN_LIT("")});
			given++;
		}
		bus_flush(net->nodes[0].bus);
		assert_true(clock_mono_us() - start_us < 60000000);
	}
	int64_t us = clock_mono_us() - start_us;
	printf("%s: 100000 messages of 1500 bytes in %lld ms, %.2f us each, both sides\n",
	       net->mode, (long long)(us / 1000), (double)us / (double)total);
}

#define BOTH(test)                                            \
	{#test " ipc", test, ipc_open, close_net, NULL},      \
	{                                                     \
#test " tcp", test, tcp_open, close_net, NULL \
	}
#define IPC(test)                                      \
	{                                              \
#test, test, ipc_open, close_net, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(work_flows_by_credit_live_first),
		BOTH(live_overtakes_bulk_at_the_taker),
		BOTH(batches_are_cut_at_a_megabyte),
		BOTH(a_stopped_taker_holds_one_batch),
		BOTH(others_go_on_when_a_taker_dies),
		BOTH(a_giver_comes_again),
		BOTH(bells_ring),
		IPC(a_full_bell_is_refused),
		BOTH(the_descriptor_tells),
		BOTH(credit_told_twice_is_one),
		IPC(a_lost_batch_does_not_stop_the_flow),
		IPC(long_paths_and_bad_options),
		BOTH(rate_is_printed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
