/* Proves: names of keys are as the head of keys.h draws them, and fall into the hash slots that Redis computes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/store/keys.h"
#include "common/store/route.h"

static void check(struct span key, const char *expected)
{
	assert_int_equal(key.n, strlen(expected));
	assert_memory_equal(key.p, expected, key.n);
}

static void test_names(void **state)
{
	struct arena *arena = arena_new(0);
	struct span c = SPAN_LIT("c1"), a = SPAN_LIT("anna");

	(void)state;
	check(key_account(arena, c, a, KEY_A_LEDGER), "{a:c1/anna}:l");
	check(key_account_part(arena, c, a, KEY_A_UIDS, SPAN_LIT("3:7")), "{a:c1/anna}:u:3:7");
	check(key_account_tag(arena, c, a), "{a:c1/anna}");
	check(key_company(arena, c, KEY_C_PEOPLE), "{c:c1}:person");
	check(key_company_part(arena, c, KEY_C_TIMELINE, SPAN_LIT("d:9")), "{c:c1}:tl:d:9");
	check(key_company_tag(arena, c), "{c:c1}");
	check(key_global(arena, KEY_G_ACCOUNTS), "{g}:accounts");
	check(key_global_part(arena, KEY_G_REGISTRY, SPAN_LIT("fetcher-1")), "{g}:reg:fetcher-1");
	arena_free(&arena);
}

static void test_binary_part(void **state)
{
	struct arena *arena = arena_new(0);
	const uint8_t id[] = {0, '}', 0xff, 0};
	struct span key = key_account_part(arena, SPAN_LIT("c1"), SPAN_LIT("anna"), KEY_A_MEMBERS,
					   span_make(id, sizeof(id)));

	(void)state;
	assert_int_equal(key.n, strlen("{a:c1/anna}:tm:") + 4);
	assert_memory_equal(key.p + key.n - 4, id, 4);
	assert_int_equal(route_key_slot(key), route_key_slot(SPAN_LIT("{a:c1/anna}")));
	arena_free(&arena);
}

/* "123456789" → 0x31C3 and "foo" → 12182 are the examples of the Redis Cluster specification. */
static void test_slots(void **state)
{
	(void)state;
	assert_int_equal(route_key_slot(SPAN_LIT("123456789")), 0x31c3);
	assert_int_equal(route_key_slot(SPAN_LIT("foo")), 12182);
	assert_int_equal(route_key_slot(SPAN_LIT("a{foo}b")), 12182);
	assert_int_equal(route_key_slot(SPAN_LIT("{}foo")), route_key_slot(SPAN_LIT("{}foo")));
	assert_int_not_equal(route_key_slot(SPAN_LIT("{}foo")), route_key_slot(SPAN_LIT("{}bar")));
}

static void test_slot_of_command(void **state)
{
	struct span get[] = {SPAN_LIT("GET"), SPAN_LIT("{foo}:x")};
	struct span ping[] = {SPAN_LIT("PING")};
	struct span read[] = {SPAN_LIT("XREAD"),   SPAN_LIT("COUNT"),	SPAN_LIT("1"),
			      SPAN_LIT("STREAMS"), SPAN_LIT("{foo}:j"), SPAN_LIT("0")};
	struct span call[] = {SPAN_LIT("FCALL"), SPAN_LIT("linker_1_commit"), SPAN_LIT("1"),
			      SPAN_LIT("{foo}"), SPAN_LIT("{bar}")};

	(void)state;
	assert_int_equal(route_command_slot(&(struct store_command){get, 2}), 12182);
	assert_int_equal(route_command_slot(&(struct store_command){ping, 1}), ROUTE_NO_SLOT);
	assert_int_equal(route_command_slot(&(struct store_command){read, 6}), 12182);
	assert_int_equal(route_command_slot(&(struct store_command){call, 5}), 12182);
	route_check(&(struct store_command){call, 5});
}

static void test_redirects(void **state)
{
	struct route_redirect r;

	(void)state;
	assert_true(route_parse_redirect(SPAN_LIT("MOVED 3999 127.0.0.1:6381"), &r));
	assert_false(r.ask);
	assert_int_equal(r.slot, 3999);
	assert_true(span_eq(r.host, SPAN_LIT("127.0.0.1")));
	assert_int_equal(r.port, 6381);
	assert_true(route_parse_redirect(SPAN_LIT("ASK 16383 ::1:1"), &r));
	assert_true(r.ask);
	assert_true(span_eq(r.host, SPAN_LIT("::1")));
	assert_true(route_parse_redirect(SPAN_LIT("MOVED 0 :7000"), &r));
	assert_int_equal(r.host.n, 0);
	static const char *const bad[] = {"MOVED ",	     "MOVED 1",	   "MOVED 16384 h:1",
					  "MOVED x h:1",     "MOVED 1 h:", "MOVED 1 h:0",
					  "MOVED 1 h:70000", "MOVED 1 h",  "ASK",
					  "ERR MOVED 1 h:1", "",	   "MOVED  1 h:1"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(route_parse_redirect(span_cstr(bad[i]), &r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	  cmocka_unit_test(test_binary_part),
		cmocka_unit_test(test_slots),	  cmocka_unit_test(test_slot_of_command),
		cmocka_unit_test(test_redirects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
