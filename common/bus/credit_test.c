/* Proves, frame by frame with a bare ZeroMQ socket on the other side, that credit is neither lost nor doubled, that frames
 * that lie do no harm, and that a bus only binds where it is safe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "common/bus/test_net.h"
#include "common/wire/pack.h"

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
	test_net_open(net, 0, "giver", "g1");
	bus_self(net->nodes[0].bus, &entry);
	void *taker = raw_socket(context, ZMQ_DEALER, "raw-taker");
	assert_int_equal(zmq_connect(taker, strchr(entry.hop_endpoint, '@') + 1), 0);
	static const uint64_t greedy[] = {1, 7, 0, 2, 0, 9}, credit[] = {1, 7, 0, 0, 41, 42},
			      none[] = {1, 7, 0, 0, 42, 42};
	zmq_send(taker, "nonsense", 8, 0);
	zmq_send(taker, "", 0, 0);
	raw_put(taker, greedy, 6); /* more than one ahead: refused */
	test_net_for(net, 50);
	test_net_give(&net->nodes[0], WIRE_LANE_BULK, 200);
	assert_int_equal(bus_queued(net->nodes[0].bus, WIRE_LANE_BULK), 200);
	raw_put(taker, credit, 6);
	raw_put(taker, credit, 6);
	test_net_for(net, 50);
	raw_put(taker, credit, 6);
	test_net_for(net, 50);
	assert_int_equal(bus_queued(net->nodes[0].bus, WIRE_LANE_BULK), 200 - BUS_BATCH_MAX);
	assert_int_equal(raw_get(taker, 0, head), 1 + 2 * BUS_BATCH_MAX);
	static const uint64_t batch[] = {2, WIRE_LANE_BULK, 42, BUS_BATCH_MAX}, sent[] = {3, 0, 42};
	assert_memory_equal(head, batch, sizeof(batch));
	assert_int_equal(raw_get(taker, 0, head), 1);
	assert_memory_equal(head, sent, sizeof(sent));
	raw_put(taker, none, 6);
	test_net_for(net, 50);
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
	test_net_open(net, 0, "taker", "t1");
	bus_self(net->nodes[0].bus, &entry);
	snprintf(entry.stage, sizeof(entry.stage), "giver");
	snprintf(entry.instance, sizeof(entry.instance), "raw-giver");
	snprintf(entry.hop_endpoint, sizeof(entry.hop_endpoint), "raw@ipc://%.100s/g", net->dir);
	void *giver = raw_socket(context, ZMQ_ROUTER, "raw-giver");
	assert_int_equal(zmq_bind(giver, strchr(entry.hop_endpoint, '@') + 1), 0);
	bus_set_peers(net->nodes[0].bus, &entry, 1);
	test_net_for(net, 200);
	assert_int_equal(raw_get(giver, 1, head), 2);
	assert_int_equal(head[0], 1);
	assert_int_equal(head[2], 0); /* live: received 0, allowed 1 */
	assert_int_equal(head[3], 1);
	static const uint64_t sent[] = {3, 1, 0}, lie[] = {2, 0, 2, 64};
	zmq_send(giver, "t1", 2, ZMQ_SNDMORE);
	raw_put(giver, lie, 4); /* announces 64 messages, has none */
	zmq_send(giver, "t1", 2, ZMQ_SNDMORE);
	raw_put(giver, sent, 3);
	test_net_for(net, 50);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(credit_told_twice_is_one),
		IPC(a_lost_batch_does_not_stop_the_flow),
		IPC(long_paths_and_bad_options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
