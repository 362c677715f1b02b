/*
 * Proves: a call ends with the server's answer or at its deadline, whatever the server does meanwhile: killed, restarted,
 * paused, emptied of its functions, loading, full (OPS-03); and a pipeline repeats only what was not answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/store/store_testbed.h"

#define LIBRARY                                                         \
	"#!lua name=test_1\n"                                           \
	"redis.register_function('test_1_echo', function(keys, args)\n" \
	"  redis.call('INCR', keys[1] .. ':calls')\n"                   \
	"  return {keys[1], args[1], 7, {'deep', {}}}\n"                \
	"end)\n"

struct bed {
	struct testbed server;
	struct store *store;
	struct arena *arena;
	struct store_reply reply;
	struct err e;
};

static struct store *open_store(const struct testbed *t, int64_t call_ms)
{
	return store_new(&(struct store_options){
		.address = t->address, .client_name = "store-test", .call_ms = call_ms});
}

static int set_up(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));

	testbed_start(&b->server);
	b->store = open_store(&b->server, 5000);
	b->arena = arena_new(0);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *b = *state;

	store_free(&b->store);
	arena_free(&b->arena);
	testbed_stop(&b->server);
	free(b);
	return 0;
}

#define DO(b, ...)                                                                            \
	assert_int_equal(store_do((b)->store, (b)->arena, &(b)->reply, &(b)->e, __VA_ARGS__), \
			 ERR_OK)

static void check_string(struct store_reply r, struct span expected)
{
	assert_int_equal(r.type, STORE_STRING);
	assert_true(span_eq(r.string, expected));
}

static void test_types_and_builder(void **state)
{
	struct bed *b = *state;
	struct span value = {(const uint8_t *)"a\0b\r\n ", 6};

	DO(b, "SET %s %b", "{k}", value);
	check_string(b->reply, SPAN_LIT("OK"));
	DO(b, "GET {k}");
	check_string(b->reply, value);
	DO(b, "GET {none}");
	assert_int_equal(b->reply.type, STORE_NIL);
	DO(b, "INCRBY {n} %d", INT64_MIN + 1);
	assert_int_equal(b->reply.type, STORE_INT);
	assert_true(b->reply.integer == INT64_MIN + 1);
	DO(b, "  RPUSH   {l} a %s  ", "");
	DO(b, "LRANGE {l} 0 -1");
	assert_int_equal(b->reply.type, STORE_ARRAY);
	assert_int_equal(b->reply.count, 2);
	check_string(b->reply.items[0], SPAN_LIT("a"));
	assert_int_equal(b->reply.items[1].string.n, 0);
	DO(b, "LRANGE {none} 0 -1");
	assert_int_equal(b->reply.count, 0);
	DO(b, "CLIENT GETNAME");
	check_string(b->reply, SPAN_LIT("store-test"));
}

static void test_refusal_is_permanent(void **state)
{
	struct bed *b = *state;

	DO(b, "SET {k} x");
	assert_int_equal(store_do(b->store, b->arena, &b->reply, &b->e, "LPUSH {k} y"), ERR_PERM);
	assert_int_equal(b->reply.type, STORE_ERROR);
	assert_string_equal(b->e.name, "redis_refused");
	assert_non_null(strstr(b->e.text, "WRONGTYPE"));
	DO(b, "XADD {s} 1-0 e x");
	DO(b, "XGROUP CREATE {s} g 0");
	/* begins like BUSY, and is not */
	assert_int_equal(store_do(b->store, b->arena, &b->reply, &b->e, "XGROUP CREATE {s} g 0"),
			 ERR_PERM);
}

static void test_functions(void **state)
{
	struct bed *b = *state;
	const struct span key = SPAN_LIT("{t}"), arg = SPAN_LIT("x");

	assert_int_equal(store_load_library(b->store, SPAN_LIT("#!lua name=bad\nnonsense("), &b->e),
			 ERR_PERM);
	store_free(&b->store);
	b->store = open_store(&b->server, 5000);
	assert_int_equal(
		store_fcall(b->store, "test_1_echo", &key, 1, &arg, 1, b->arena, &b->reply, &b->e),
		ERR_PERM); /* nobody gave this store a library to load */
	assert_int_equal(store_load_library(b->store, SPAN_LIT(LIBRARY), &b->e), ERR_OK);
	assert_int_equal(store_load_library(b->store, SPAN_LIT(LIBRARY), &b->e), ERR_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(store_fcall(b->store, "test_1_echo", &key, 1, &arg, 1, b->arena,
					     &b->reply, &b->e),
				 ERR_OK);
		assert_int_equal(b->reply.count, 4);
		check_string(b->reply.items[1], arg);
		assert_int_equal(b->reply.items[2].integer, 7);
		check_string(b->reply.items[3].items[0], SPAN_LIT("deep"));
		assert_int_equal(b->reply.items[3].items[1].type, STORE_ARRAY);
		DO(b, "FUNCTION FLUSH SYNC");
	}
	DO(b, "GET {t}:calls");
	check_string(b->reply, SPAN_LIT("3"));
	assert_int_equal(
		store_fcall(b->store, "test_1_none", &key, 1, &arg, 1, b->arena, &b->reply, &b->e),
		ERR_PERM);
}

static void test_pipeline_of_2000(void **state)
{
	enum { COUNT = 2000 };
	struct bed *b = *state;
	struct store_command *commands = calloc(COUNT, sizeof(*commands));
	struct store_reply *replies = calloc(COUNT, sizeof(*replies));

	for (int64_t i = 0; i < COUNT; i++)
		commands[i] = i == 777 ? store_command(b->arena, "LPUSH {n} x")
				       : store_command(b->arena, "INCR {n}");
	int64_t t0 = clock_mono_us();

	DO(b, "SET {n} 0");
	assert_int_equal(store_pipeline(b->store, commands, COUNT, b->arena, replies, &b->e),
			 ERR_OK);
	int64_t t1 = clock_mono_us();

	for (int64_t i = 0; i < COUNT; i++) {
		if (i == 777)
			assert_int_equal(replies[i].type, STORE_ERROR);
		else
			assert_int_equal(replies[i].integer, i < 777 ? i + 1 : i);
	}
	print_message("pipeline of 2,000: %.2f us a command\n", (double)(t1 - t0) / COUNT);
	assert_int_equal(store_pipeline(b->store, commands, 0, b->arena, replies, &b->e), ERR_OK);
	free(commands);
	free(replies);
}

static void test_large_values(void **state)
{
	enum { BYTES = 30 << 20, COUNT = 3 };
	struct bed *b = *state;
	char *big = malloc(BYTES);
	struct store_command commands[COUNT + 1];
	struct store_reply replies[COUNT + 1];

	memset(big, 'x', BYTES);
	store_free(&b->store);
	b->store = open_store(&b->server, 60000); /* a slow disk is not the matter here */
	for (int i = 0; i < COUNT; i++)
		commands[i] = store_command(b->arena, "SET {k} %b", span_make(big, BYTES));
	commands[COUNT] = store_command(b->arena, "GET {k}");
	assert_int_equal(store_pipeline(b->store, commands, COUNT + 1, b->arena, replies, &b->e),
			 ERR_OK);
	check_string(replies[COUNT], span_make(big, BYTES));
	free(big);
}

/* Kill -9 and restart under way, many times: each call still ends well, and AOF keeps what was answered. */
static void test_killed_and_restarted(void **state)
{
	struct bed *b = *state;
	const struct span key = SPAN_LIT("{t}"), arg = SPAN_LIT("x");

	assert_int_equal(store_load_library(b->store, SPAN_LIT(LIBRARY), &b->e), ERR_OK);
	for (int round = 0; round < 4; round++) {
		DO(b, "INCR {n}");
		testbed_kill(&b->server);
		testbed_restart(&b->server, 100 * round);
		if (round % 2 == 0)
			assert_int_equal(store_fcall(b->store, "test_1_echo", &key, 1, &arg, 1,
						     b->arena, &b->reply, &b->e),
					 ERR_OK);
		DO(b, "GET {n}");
		assert_int_equal(b->reply.string.p[0], '1' + round);
	}
}

static void test_dead_until_the_deadline(void **state)
{
	struct bed *b = *state;
	struct store *hasty = open_store(&b->server, 300);

	assert_int_equal(store_do(hasty, b->arena, &b->reply, &b->e, "PING"), ERR_OK);
	testbed_kill(&b->server);
	int64_t t0 = clock_mono_ms();

	assert_int_equal(store_do(hasty, b->arena, &b->reply, &b->e, "PING"), ERR_TEMP);
	assert_string_equal(b->e.name, "redis_connection");
	assert_in_range(clock_mono_ms() - t0, 200, 3000);
	testbed_restart(&b->server, 0);
	store_free(&hasty);
	DO(b, "PING");
}

static void test_paused(void **state)
{
	struct bed *b = *state;
	struct store *hasty = open_store(&b->server, 400), *patient = open_store(&b->server, 3000);

	DO(b, "CLIENT PAUSE 1500 ALL");
	int64_t t0 = clock_mono_ms();

	assert_int_equal(store_do(hasty, b->arena, &b->reply, &b->e, "PING"), ERR_TEMP);
	assert_in_range(clock_mono_ms() - t0, 350, 3000);
	assert_int_equal(store_do(patient, b->arena, &b->reply, &b->e, "PING"), ERR_OK);
	assert_in_range(clock_mono_ms() - t0, 1300, 5000);
	store_free(&hasty);
	store_free(&patient);
}

/* A time-out leaves nothing behind that a later call could take for its own answer. */
static void test_late_reply_is_not_the_next_ones(void **state)
{
	struct bed *b = *state;
	struct store *hasty = open_store(&b->server, 200);

	assert_int_equal(store_do(hasty, b->arena, &b->reply, &b->e, "PING"), ERR_OK);
	assert_int_equal(store_do(hasty, b->arena, &b->reply, &b->e, "DEBUG SLEEP 0.3"), ERR_TEMP);
	DO(b, "PING");
	assert_int_equal(store_do(hasty, b->arena, &b->reply, &b->e, "ECHO x"), ERR_OK);
	check_string(b->reply, SPAN_LIT("x"));
	store_free(&hasty);
}

static void test_password(void **state)
{
	struct bed *b = *state;
	char path[128];

	DO(b, "CONFIG SET requirepass s3cret");
	struct store *closed = open_store(&b->server, 500);

	assert_int_equal(store_do(closed, b->arena, &b->reply, &b->e, "PING"), ERR_TEMP);
	assert_non_null(strstr(b->e.text, "NOAUTH"));
	store_free(&closed);
	snprintf(path, sizeof(path), "%s/password", b->server.dir);
	FILE *f = fopen(path, "w");

	fputs("s3cret\n", f);
	fclose(f);
	struct store *open = store_new(
		&(struct store_options){.address = b->server.address, .password_file = path});

	assert_int_equal(store_do(open, b->arena, &b->reply, &b->e, "PING"), ERR_OK);
	store_free(&open);
}

static void check_script(const char *const *script, const char *format, enum err_code expected,
			 const char *text)
{
	struct testbed t;
	struct arena *arena = arena_new(0);
	struct store_reply reply;
	struct err e = {0};

	testbed_start_scripted(&t, script);
	struct store *store = open_store(&t, 10000);

	assert_int_equal(store_do(store, arena, &reply, &e, format), expected);
	if (text && expected == ERR_OK)
		check_string(reply, span_cstr(text));
	else if (text)
		assert_non_null(strstr(e.text, text));
	store_free(&store);
	arena_free(&arena);
	testbed_stop(&t);
}

static void test_words_of_a_server(void **state)
{
	static const char *const loading[] = {
		"-LOADING Redis is loading the dataset in memory\r\n",
		"-BUSY Redis is busy running a script.\r\n",
		"-TRYAGAIN Multiple keys request during rehashing\r\n",
		"-CLUSTERDOWN Hash slot not served\r\n",
		"-MASTERDOWN Link with MASTER is down\r\n",
		"-READONLY You can't write against a read only replica.\r\n",
		NULL,
		"+done\r\n",
		"end"};
	static const char *const oom[] = {"-OOM command not allowed when used memory\r\n", "end"};
	static const char *const misconf[] = {"-MISCONF Errors writing to the AOF file\r\n", "end"};
	static const char *const replicas[] = {"-NOREPLICAS Not enough good replicas\r\n", "end"};
	static const char *const nonsense[] = {"nonsense\r\n", "+done\r\n", "end"};
	static const char *const endless[] = {"*2147483647\r\n", "+done\r\n", "end"};

	(void)state;
	check_script(loading, "PING", ERR_OK, "done");
	check_script(oom, "PING", ERR_TEMP, "OOM");
	check_script(misconf, "PING", ERR_TEMP, "MISCONF");
	check_script(replicas, "PING", ERR_TEMP, "NOREPLICAS");
	check_script(nonsense, "PING", ERR_OK, "done");
	check_script(endless, "PING", ERR_OK, "done");
}

/* The connection breaks after two of four replies: the script has answers left for two, not for four. */
static void test_repeats_only_the_unanswered(void **state)
{
	static const char *const script[] = {":1\r\n", ":2\r\n", NULL, ":3\r\n", ":4\r\n", "end"};
	struct testbed t;
	struct arena *arena = arena_new(0);
	struct store_command commands[4];
	struct store_reply replies[4];
	struct err e;

	(void)state;
	testbed_start_scripted(&t, script);
	struct store *store = open_store(&t, 10000);

	for (int64_t i = 0; i < 4; i++)
		commands[i] = store_command(arena, "GET %d", i);
	assert_int_equal(store_pipeline(store, commands, 4, arena, replies, &e), ERR_OK);
	for (int i = 0; i < 4; i++)
		assert_int_equal(replies[i].integer, i + 1);
	store_free(&store);
	arena_free(&arena);
	testbed_stop(&t);
}

#define WITH_REDIS(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(test_types_and_builder),
		WITH_REDIS(test_refusal_is_permanent),
		WITH_REDIS(test_functions),
		WITH_REDIS(test_pipeline_of_2000),
		WITH_REDIS(test_large_values),
		WITH_REDIS(test_killed_and_restarted),
		WITH_REDIS(test_dead_until_the_deadline),
		WITH_REDIS(test_paused),
		WITH_REDIS(test_late_reply_is_not_the_next_ones),
		WITH_REDIS(test_password),
		cmocka_unit_test(test_words_of_a_server),
		cmocka_unit_test(test_repeats_only_the_unanswered),
	};

	if (!testbed_has_redis()) {
		print_message("skipped: redis-server is not installed\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
