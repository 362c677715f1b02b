/* An endpoint that fails is asked again after waits that double, jitter and have an end; what its answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/webhook_retry.h"

static void test_waits_double_to_a_maximum(void **state)
{
	int64_t middle_ms = 1000;

	(void)state;
	for (unsigned failures = 1; failures < 400; failures++) {
		int64_t least = INT64_MAX, most = 0;

		for (uint32_t i = 0; i < 4096; i++) {
			int64_t wait = webhook_retry_wait_ms(failures, 0, i * 2654435761u);

			least = wait < least ? wait : least;
			most = wait > most ? wait : most;
		}
		assert_in_range(least, middle_ms * 3 / 4, middle_ms * 4 / 5);
		assert_in_range(most, middle_ms * 6 / 5, middle_ms * 5 / 4);
		middle_ms = middle_ms * 2 < WEBHOOK_WAIT_MAX_MS ? middle_ms * 2
								: WEBHOOK_WAIT_MAX_MS;
	}
}

static void test_an_endpoint_may_ask_for_time(void **state)
{
	(void)state;
	assert_int_equal(webhook_retry_wait_ms(1, 60, 7), 60000);
	assert_int_equal(webhook_retry_wait_ms(1, 86400, 7), WEBHOOK_WAIT_MAX_MS);
	assert_int_equal(webhook_retry_wait_ms(1, INT64_MAX, 7), WEBHOOK_WAIT_MAX_MS);
	assert_true(webhook_retry_wait_ms(11, 1, 7) >= WEBHOOK_WAIT_MAX_MS / 4 * 3);
}

static void test_verdicts(void **state)
{
	static const struct {
		unsigned status;
		enum webhook_verdict verdict;
	} cases[] = {{0, WEBHOOK_AGAIN},       {100, WEBHOOK_AGAIN},	 {199, WEBHOOK_AGAIN},
		     {200, WEBHOOK_DELIVERED}, {204, WEBHOOK_DELIVERED}, {299, WEBHOOK_DELIVERED},
		     {301, WEBHOOK_AGAIN},     {302, WEBHOOK_AGAIN},	 {400, WEBHOOK_AGAIN},
		     {404, WEBHOOK_AGAIN},     {410, WEBHOOK_GONE},	 {429, WEBHOOK_AGAIN},
		     {500, WEBHOOK_AGAIN},     {503, WEBHOOK_AGAIN}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(webhook_verdict(cases[i].status), cases[i].verdict);
}

static void test_three_days_are_the_end(void **state)
{
	int64_t since = 1790000000000;

	(void)state;
	assert_false(webhook_retry_is_over(0, since));
	assert_false(webhook_retry_is_over(since, since + WEBHOOK_FAILING_MAX_MS - 1));
	assert_true(webhook_retry_is_over(since, since + WEBHOOK_FAILING_MAX_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_double_to_a_maximum),
		cmocka_unit_test(test_an_endpoint_may_ask_for_time),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_three_days_are_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
