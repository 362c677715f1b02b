/*
 * Proves: on Redis Cluster every command reaches the server of its slot: one server with all slots, then two with a
 * slot on the move (ASK) and moved (MOVED); replies stay in the order of the commands, functions are loaded where missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/store/route.h"
#include "common/store/store_testbed.h"

#define LIBRARY                                                          \
	"#!lua name=test_1\n"                                            \
	"redis.register_function('test_1_count', function(keys, args)\n" \
	"  return redis.call('INCR', keys[1] .. ':calls')\n"             \
	"end)\n"

struct bed {
	struct testbed a, b;
	struct store *to_a, *to_b; /* for orders to one server */
	struct store *store; /* under test; begins at a */
	struct arena *arena;
	struct store_reply reply;
	struct err e;
};

__attribute__((format(printf, 3, 4))) static void order(struct bed *bed, struct store *store,
							const char *format, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (store_do(store, bed->arena, &bed->reply, &bed->e, line) != ERR_OK)
		fail_msg("%s: %s", line, bed->e.text);
}

static struct store *open_store(const struct testbed *t)
{
	return store_new(&(struct store_options){.address = t->address, .call_ms = 10000});
}

static struct bed *start(bool two)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	bed->arena = arena_new(0);
	testbed_start_cluster_node(&bed->a);
	bed->to_a = open_store(&bed->a);
	bed->store = open_store(&bed->a);
	if (two) {
		testbed_start_cluster_node(&bed->b);
		bed->to_b = open_store(&bed->b);
	}
	return bed;
}

static void stop(struct bed *bed)
{
	store_free(&bed->to_a);
	store_free(&bed->to_b);
	store_free(&bed->store);
	arena_free(&bed->arena);
	testbed_stop(&bed->a);
	if (bed->b.port)
		testbed_stop(&bed->b);
	free(bed);
}

static void fill(struct bed *bed, struct store_command *commands, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *key = arena_printf(bed->arena, "{a:c1/a%zu}:n", i % 100);

		commands[i] = store_command(bed->arena, "INCRBY %s %d", key, (int64_t)i % 100);
	}
}

static void check_counts(struct bed *bed, struct store *store, int rounds)
{
	enum { COUNT = 1000 };
	struct store_command *commands = calloc(COUNT, sizeof(*commands));
	struct store_reply *replies = calloc(COUNT, sizeof(*replies));

	fill(bed, commands, COUNT);
	if (store_pipeline(store, commands, COUNT, bed->arena, replies, &bed->e) != ERR_OK)
		fail_msg("%s", bed->e.text);
	for (int64_t i = 0; i < COUNT; i++) {
		assert_int_equal(replies[i].type, STORE_INT);
		assert_int_equal(replies[i].integer, (rounds * 10 + i / 100 + 1) * (i % 100));
	}
	free(commands);
	free(replies);
}

static void test_one_server(void **state)
{
	struct bed *bed = start(false);

	(void)state;
	order(bed, bed->to_a, "CLUSTER ADDSLOTSRANGE 0 16383");
	check_counts(bed, bed->store, 0); /* CLUSTERDOWN until the node has noticed its slots */
	order(bed, bed->store, "CLUSTER KEYSLOT {a:c1/anna}:l");
	assert_int_equal(bed->reply.integer, route_key_slot(SPAN_LIT("{a:c1/anna}:l")));
	stop(bed);
}

static void wait_for_both(struct bed *bed)
{
	int64_t deadline = clock_mono_ms() + 10000;

	for (;;) {
		order(bed, bed->to_a, "CLUSTER INFO");
		bool a = strstr(arena_cstr(bed->arena, bed->reply.string), "slots_assigned:16384");

		order(bed, bed->to_b, "CLUSTER INFO");
		if (a && strstr(arena_cstr(bed->arena, bed->reply.string), "slots_assigned:16384"))
			return;
		assert_true(clock_mono_ms() < deadline);
		nanosleep(&(struct timespec){0, 50000000}, NULL);
	}
}

static void node_id(struct bed *bed, struct store *store, char out[64])
{
	order(bed, store, "CLUSTER MYID");
	snprintf(out, 64, "%.*s", (int)bed->reply.string.n, (const char *)bed->reply.string.p);
}

/* The slot's keys one by one, as redis-cli --cluster reshard does. */
static void move_slot(struct bed *bed, int slot, const char *key, uint16_t port)
{
	char a[64], b[64];

	node_id(bed, bed->to_a, a);
	node_id(bed, bed->to_b, b);
	order(bed, bed->to_b, "CLUSTER SETSLOT %d IMPORTING %s", slot, a);
	order(bed, bed->to_a, "CLUSTER SETSLOT %d MIGRATING %s", slot, b);
	order(bed, bed->store, "INCR %s:new", key); /* not at a any more: ASK */
	assert_int_equal(bed->reply.integer, 1);
	order(bed, bed->store, "INCR %s:old", key); /* still at a */
	assert_int_equal(bed->reply.integer, 2);
	order(bed, bed->to_a, "MIGRATE 127.0.0.1 %u %s:old 0 1000", (unsigned)port, key);
	order(bed, bed->to_b, "CLUSTER SETSLOT %d NODE %s", slot, b);
	order(bed, bed->to_a, "CLUSTER SETSLOT %d NODE %s", slot, b);
}

/* Killed and back 200 ms later: every call still ends well, and none is done twice, for none was under way. */
static void restart(struct bed *bed, struct testbed *server, int rounds)
{
	testbed_kill(server);
	testbed_restart(server, 200);
	check_counts(bed, bed->store, rounds);
}

static void test_two_servers(void **state)
{
	struct bed *bed = start(true);
	const struct span tag = SPAN_LIT("{a:c1/anna}");

	(void)state;
	order(bed, bed->to_a, "CLUSTER ADDSLOTSRANGE 0 8191");
	order(bed, bed->to_b, "CLUSTER ADDSLOTSRANGE 8192 16383");
	order(bed, bed->to_a, "CLUSTER MEET 127.0.0.1 %u", (unsigned)bed->b.port);
	wait_for_both(bed);
	for (int round = 0; round < 3; round++)
		check_counts(bed, bed->store, round);
	order(bed, bed->to_a, "DBSIZE");
	assert_in_range(bed->reply.integer, 20, 80); /* both hold a share */
	assert_int_equal(store_load_library(bed->store, SPAN_LIT(LIBRARY), &bed->e), ERR_OK);
	for (int i = 0; i < 100; i++) { /* b does not know the function at first */
		struct span key = span_cstr(arena_printf(bed->arena, "{a:c1/a%d}", i));

		assert_int_equal(store_fcall(bed->store, "test_1_count", &key, 1, NULL, 0,
					     bed->arena, &bed->reply, &bed->e),
				 ERR_OK);
		assert_int_equal(bed->reply.integer, 1);
	}
	int slot = route_key_slot(tag);
	struct store *swap = bed->to_a;
	bool at_b = slot >= 8192;
	uint16_t port = bed->b.port;

	if (at_b) { /* the names a and b follow the slot */
		bed->to_a = bed->to_b;
		bed->to_b = swap;
		port = bed->a.port;
	}
	order(bed, bed->store, "INCR {a:c1/anna}:old");
	move_slot(bed, slot, "{a:c1/anna}", port);
	order(bed, bed->store, "INCR {a:c1/anna}:old");
	assert_int_equal(bed->reply.integer, 3);
	order(bed, bed->store, "INCR {a:c1/anna}:new");
	assert_int_equal(bed->reply.integer, 2);
	check_counts(bed, bed->store, 3);
	restart(bed, &bed->b, 4);
	restart(bed, &bed->a, 5); /* where the store began */
	stop(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_server),
		cmocka_unit_test(test_two_servers),
	};

	if (!testbed_has_redis()) {
		print_message("skipped: redis-server is not installed\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
