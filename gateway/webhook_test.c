/* An endpoint's record reads back as it was written, its secrets open with the right key alone and end when they are to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/webhook.h"
#include "gateway/webhook_sign.h"

#define NOW_MS INT64_C(1790000000000)

static const struct secret_key token_key = {{1, 2, 3}}, other_key = {{1, 2, 4}};
static const struct span company = {(const uint8_t *)"acme", 4};

static void renew(struct arena *arena, struct webhook *webhook, int64_t now_ms, int64_t overlap_ms)
{
	struct buf text;

	buf_init(&text, WEBHOOK_SECRET_CHARS + 1);
	webhook_secret_renew(&token_key, company, arena, webhook, now_ms, overlap_ms, &text);
	assert_true(buf_ok(&text));
	assert_int_equal(text.n, WEBHOOK_SECRET_CHARS);
	buf_wipe(&text);
}

static size_t open_at(const struct webhook *webhook, int64_t now_ms,
		      struct secret_key keys[WEBHOOK_SECRETS])
{
	return webhook_secrets_open(&token_key, company, webhook, now_ms, keys);
}

static void test_a_record_reads_back(void **state)
{
	struct arena *arena = arena_new(0);
	struct webhook before = {.id = SPAN_LIT("wh-1"),
				 .url = SPAN_LIT("https://crm.example/\"x\""),
				 .types = SPAN_LIT("thread.linked,thread.shared"),
				 .user = SPAN_LIT("anna"),
				 .description = SPAN_LIT("\xc3\xa4"),
				 .batch = 7,
				 .active = true,
				 .created_ms = NOW_MS};
	struct webhook after;

	(void)state;
	renew(arena, &before, NOW_MS, 0);
	renew(arena, &before, NOW_MS, 5000);
	assert_true(webhook_read(arena, before.id, webhook_write(arena, &before), &after));
	assert_true(span_eq(after.id, before.id) && span_eq(after.url, before.url));
	assert_true(span_eq(after.types, before.types) && span_eq(after.user, before.user));
	assert_true(span_eq(after.description, before.description));
	assert_int_equal(after.batch, 7);
	assert_true(after.active);
	assert_int_equal(after.created_ms, NOW_MS);
	assert_int_equal(after.secret_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(span_eq(after.secrets[i].sealed, before.secrets[i].sealed));
		assert_int_equal(after.secrets[i].until_ms, before.secrets[i].until_ms);
	}
	assert_false(webhook_read(arena, before.id, SPAN_LIT("{}"), &after));
	assert_false(webhook_read(arena, before.id, SPAN_LIT("nonsense"), &after));
	assert_false(webhook_read(arena, before.id, SPAN_LIT(""), &after));
	arena_free(&arena);
}

static void test_secrets_take_turns(void **state)
{
	struct arena *arena = arena_new(0);
	struct webhook webhook = {.id = SPAN_LIT("wh-1")}, other;
	struct secret_key keys[WEBHOOK_SECRETS], first, second;

	(void)state;
	renew(arena, &webhook, NOW_MS, 0);
	assert_int_equal(open_at(&webhook, NOW_MS, keys), 1);
	first = keys[0];
	renew(arena, &webhook, NOW_MS, 1000);
	assert_int_equal(open_at(&webhook, NOW_MS + 999, keys), 2);
	assert_memory_not_equal(keys[0].b, first.b, SECRET_KEY_BYTES);
	assert_memory_equal(keys[1].b, first.b, SECRET_KEY_BYTES);
	second = keys[0];
	assert_int_equal(open_at(&webhook, NOW_MS + 1000, keys), 1);
	assert_memory_equal(keys[0].b, second.b, SECRET_KEY_BYTES);
	renew(arena, &webhook, NOW_MS, 1000);
	assert_int_equal(open_at(&webhook, NOW_MS, keys), 2);
	assert_memory_equal(keys[1].b, second.b, SECRET_KEY_BYTES);
	assert_int_equal(webhook_secrets_open(&other_key, company, &webhook, NOW_MS, keys), 0);
	assert_int_equal(webhook_secrets_open(&token_key, SPAN_LIT("emca"), &webhook, NOW_MS, keys),
			 0);
	other = webhook;
	other.id = SPAN_LIT("wh-2");
	assert_int_equal(open_at(&other, NOW_MS, keys), 0);
	arena_free(&arena);
}

static void test_positions(void **state)
{
	static const struct event_position cases[] = {
		{0, 0, 0}, {1790000000000, 3, 7}, {UINT64_MAX, UINT64_MAX, UINT8_MAX}};
	static const char *const bad[] = {"",	  "1",	     "1-2",   "1-2-",  "1-2-256", "-2-3",
					  "1--3", "1-2-3-4", "1-2-x", "a-2-3", " 1-2-3"};
	struct arena *arena = arena_new(0);
	struct event_position at;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_true(webhook_position_parse(webhook_position_text(arena, &cases[i]), &at));
		assert_true(at.ms == cases[i].ms && at.sequence == cases[i].sequence &&
			    at.next == cases[i].next);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(webhook_position_parse(span_cstr(bad[i]), &at));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_record_reads_back),
		cmocka_unit_test(test_secrets_take_turns),
		cmocka_unit_test(test_positions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
