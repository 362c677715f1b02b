/* Proves the promises of the bus (SYN-04, OPS-01): work by credit, live first, a stopped or killed neighbour holds or
 * loses one batch, restarts and lost connections do not stop the flow, bells never block. All in one process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/bus/test_net.h"

static void work_flows_by_credit_live_first(void **state)
{
	struct net *net = *state;
	struct node *giver = &net->nodes[0], *taker = &net->nodes[1];
	taker->check = true;
	test_net_open(net, 0, "giver", "g1");
	test_net_give(giver, WIRE_LANE_BULK, 100); /* before anybody asks */
	test_net_give(giver, WIRE_LANE_LIVE, 100);
	assert_int_equal(bus_queued(giver->bus, WIRE_LANE_BULK), 100);
	test_net_open(net, 1, "taker", "t1");
	test_net_meet(net);
	assert_true(test_net_until(net, NULL, 200));
	assert_int_equal(taker->first_lane, WIRE_LANE_LIVE + 1);
	assert_int_equal(taker->largest, BUS_BATCH_MAX);
	assert_int_equal(taker->messages[WIRE_LANE_LIVE], 100);
	assert_int_equal(bus_queued(giver->bus, WIRE_LANE_LIVE), 0);
	assert_true(test_net_until(net, &giver->wanted, 1)); /* credit is left, the queue empty */
	assert_int_equal(giver->came, 1);
	assert_int_equal(bus_peers(giver->bus, "taker", NULL, 0), 1);
	assert_int_equal(bus_peers(giver->bus, NULL, NULL, 0), 1);
}

/* Both lanes wait in the taker's pipes when it wakes: the later live batch is handed over before the bulk one. */
static void live_overtakes_bulk_at_the_taker(void **state)
{
	struct net *net = *state;
	struct node *taker = &net->nodes[1];
	test_net_open(net, 0, "giver", "g1");
	test_net_open(net, 1, "taker", "t1");
	test_net_meet(net);
	assert_true(test_net_until(net, &net->nodes[0].wanted, 2));
	taker->asleep = true;
	test_net_give(&net->nodes[0], WIRE_LANE_BULK, 10);
	test_net_give(&net->nodes[0], WIRE_LANE_LIVE, 10);
	test_net_for(net, 100);
	taker->asleep = false;
	assert_true(test_net_until(net, NULL, 20));
	assert_int_equal(taker->first_lane, WIRE_LANE_LIVE + 1);
}

static void batches_are_cut_at_a_megabyte(void **state)
{
	struct net *net = *state;
	static uint8_t body[400 << 10];
	struct node *taker = &net->nodes[1];
	test_net_open(net, 0, "giver", "g1");
	for (size_t i = 0; i < 6; i++)
		bus_give(net->nodes[0].bus, 1,
			 (struct bus_item){SPAN_LIT("x"), span_make(body, sizeof(body))});
	test_net_open(net, 1, "taker", "t1");
	test_net_meet(net);
	assert_true(test_net_until(net, NULL, 6));
	assert_int_equal(taker->largest, 2);
	assert_int_equal(taker->bytes, 6 * (sizeof(body) + 1));
}

static void a_stopped_taker_holds_one_batch(void **state)
{
	struct net *net = *state;
	test_net_open(net, 0, "giver", "g1");
	test_net_open(net, 1, "taker", "works");
	test_net_open(net, 2, "taker", "stops");
	net->nodes[2].hold = true;
	test_net_meet(net);
	test_net_for(net, 200); /* both have told their credit */
	test_net_give(&net->nodes[0], WIRE_LANE_BULK, 2000);
	assert_true(test_net_until(net, NULL, 2000));
	test_net_for(net, 1500); /* credit told again must not double */
	assert_int_equal(net->nodes[2].batches[WIRE_LANE_BULK], 1);
	assert_int_equal(net->nodes[1].messages[WIRE_LANE_BULK], 2000 - BUS_BATCH_MAX);
	net->nodes[2].hold = false;
	bus_credit(net->nodes[2].bus, WIRE_LANE_BULK); /* goes on where it stood */
	net->nodes[1].asleep = true;
	test_net_give(&net->nodes[0], WIRE_LANE_BULK, 640);
	assert_true(test_net_until(net, &net->nodes[2].batches[WIRE_LANE_BULK], 9));
}

static void others_go_on_when_a_taker_dies(void **state)
{
	struct net *net = *state;
	test_net_open(net, 0, "giver", "g1");
	test_net_open(net, 1, "taker", "lives");
	test_net_open(net, 2, "taker", "dies");
	net->nodes[2].hold = true;
	test_net_meet(net);
	test_net_for(net, 200);
	test_net_give(&net->nodes[0], WIRE_LANE_BULK, 200);
	assert_true(test_net_until(net, NULL, 200));
	bus_close(&net->nodes[2].bus); /* the registry still lists it */
	size_t before = net->nodes[1].messages[WIRE_LANE_BULK];
	test_net_give(&net->nodes[0], WIRE_LANE_BULK, 1000);
	assert_true(test_net_until(net, &net->nodes[1].messages[WIRE_LANE_BULK], before + 1000));
	test_net_meet(net);
	assert_int_equal(net->nodes[0].left, 1);
	test_net_open(net, 2, "taker", "dies"); /* and comes again under its name */
	net->nodes[2].hold = false;
	test_net_meet(net);
	net->nodes[1].asleep = true;
	size_t held = net->nodes[2].messages[WIRE_LANE_BULK];
	test_net_give(&net->nodes[0], WIRE_LANE_BULK, 500);
	assert_true(test_net_until(net, &net->nodes[2].messages[WIRE_LANE_BULK],
				   held + 500 - BUS_BATCH_MAX));
}

static void a_giver_comes_again(void **state)
{
	struct net *net = *state;
	test_net_open(net, 0, "giver", "g1");
	test_net_open(net, 1, "taker", "t1");
	test_net_meet(net);
	test_net_give(&net->nodes[0], WIRE_LANE_BULK, 100);
	assert_true(test_net_until(net, NULL, 100));
	bus_close(&net->nodes[0].bus);
	test_net_for(net, 50);
	test_net_open(net, 0, "giver", "g1");
	if (strcmp(net->mode, "ipc") != 0)
		test_net_meet(net); /* another port; over ipc the link finds it by itself */
	test_net_give(&net->nodes[0], WIRE_LANE_BULK, 300);
	assert_true(test_net_until(net, NULL, 400));
	usleep(2000);
	test_net_meet(net); /* now the registry tells of it: the link is made anew */
	test_net_give(&net->nodes[0], WIRE_LANE_BULK, 300);
	assert_true(test_net_until(net, NULL, 700));
	test_net_open(net, 2, "giver", "g2"); /* a further giver gets credit when it comes */
	test_net_meet(net);
	test_net_give(&net->nodes[2], WIRE_LANE_LIVE, 100);
	assert_true(test_net_until(net, NULL, 800));
}

static void bells_ring(void **state)
{
	struct net *net = *state;
	struct bus_item item = {SPAN_LIT("hello"), SPAN_LIT("")},
			big = {SPAN_LIT("big"), SPAN_LIT("body")};
	test_net_open(net, 0, "giver", "g1");
	test_net_open(net, 1, "taker", "t1");
	test_net_open(net, 2, "taker", "t2");
	test_net_open(net, 3, "gateway", "w1");
	assert_false(bus_tell(net->nodes[0].bus, "t1", item)); /* nobody known yet */
	test_net_meet(net);
	assert_true(
		bus_tell(net->nodes[0].bus, "t1", item)); /* not connected yet: waits for that */
	assert_true(bus_tell(net->nodes[0].bus, "t1", item));
	assert_true(test_net_until(net, &net->nodes[1].rung, 2));
	assert_string_equal(net->nodes[1].last, "g1:hello+0");
	assert_false(bus_tell(net->nodes[0].bus, "nobody", item));
	assert_false(bus_tell_one(net->nodes[0].bus, "threader", item));
	for (size_t i = 0; i < 4; i++)
		assert_true(bus_tell_one(net->nodes[3].bus, "taker", item));
	assert_true(test_net_until(net, &net->nodes[1].rung, 4));
	assert_true(test_net_until(net, &net->nodes[2].rung, 2)); /* in turns */
	assert_int_equal(bus_tell_all(net->nodes[0].bus, "taker", big), 2);
	assert_true(test_net_until(net, &net->nodes[2].rung, 3));
	assert_string_equal(net->nodes[2].last, "g1:big+4");
	net->nodes[2].echo = true;
	assert_true(bus_tell(net->nodes[3].bus, "t2", big));
	assert_true(test_net_until(net, &net->nodes[3].rung, 1));
	assert_string_equal(net->nodes[3].last, "t2:big+4");
	assert_false(bus_reply(net->nodes[3].bus, SPAN_LIT("nobody"), item));
	bus_close(&net->nodes[2].bus);
	test_net_for(net, 100);
	assert_false(
		bus_tell(net->nodes[3].bus, "t2", item)); /* gone, though the registry has it */
	test_net_meet(net);
	assert_int_equal(bus_tell_all(net->nodes[0].bus, "taker", item), 1);
}

/* A peer that never reads fills its queue and then is refused, at once. */
static void a_full_bell_is_refused(void **state)
{
	struct net *net = *state;
	static uint8_t body[100000];
	struct bus_item item = {SPAN_LIT("x"), span_make(body, sizeof(body))};
	size_t told = 0;
	test_net_open(net, 0, "giver", "g1");
	test_net_open(net, 1, "taker", "t1");
	test_net_meet(net);
	assert_true(bus_tell(net->nodes[0].bus, "t1", item));
	assert_true(test_net_until(net, &net->nodes[1].rung, 1));
	net->nodes[1].asleep = true;
	int64_t end_ms = clock_mono_ms() + WAIT_MS;
	while (bus_tell(net->nodes[0].bus, "t1", item) && clock_mono_ms() < end_ms)
		told++;
	assert_in_range(told, 1, 2 * 1024 + 64);
	net->nodes[1].asleep = false;
	assert_true(test_net_until(net, &net->nodes[1].rung, told + 1));
}

static void the_descriptor_tells(void **state)
{
	struct net *net = *state;
	test_net_open(net, 0, "giver", "g1");
	test_net_open(net, 1, "taker", "t1");
	test_net_meet(net);
	test_net_for(net, 200);
	net->nodes[1].asleep = true;
	struct pollfd fds[2] = {{.fd = bus_fd(net->nodes[0].bus), .events = POLLIN},
				{.fd = bus_fd(net->nodes[1].bus), .events = POLLIN}};
	int64_t begin_ms = clock_mono_ms();
	for (size_t i = 1; i <= 5000; i++) {
		test_net_give(&net->nodes[0], WIRE_LANE_LIVE, 1);
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
	test_net_give(&net->nodes[0], WIRE_LANE_BULK, 3);
	start_ms = clock_mono_ms();
	bus_wait(net->nodes[1].bus, 5000, -1);
	assert_int_equal(net->nodes[1].messages[WIRE_LANE_BULK], 3);
	assert_in_range(clock_mono_ms() - start_ms, 0, 400);
}

/* Prints what the bus costs: two hops' worth of 1.5 KB frames between two threads would be the same path. */
static void rate_is_printed(void **state)
{
	struct net *net = *state;
	static uint8_t frame[1500];
	const size_t total = 100000;
	test_net_open(net, 0, "giver", "g1");
	test_net_open(net, 1, "taker", "t1");
	test_net_meet(net);
	test_net_for(net, 100);
	int64_t start_us = clock_mono_us();
	for (size_t given = 0; test_net_messages(net) < total; test_net_turn(net)) {
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
		BOTH(rate_is_printed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
