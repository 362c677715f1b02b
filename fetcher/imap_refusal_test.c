/* Refusals are named by code and by the words of large providers, and the time they ask for is obeyed (F6, F7, F9, F37). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fetcher/imap_refusal.h"

static const struct {
	const char *words, *name;
	int64_t wait_ms;
} cases[] = {
	{"Request is throttled. Suggested Backoff Time: 299961 milliseconds", "rate_limited",
	 299961},
	{"[LIMIT] Too many logins, try again in 5 minutes", "rate_limited", 300000},
	{"[LIMIT] slow down", "rate_limited", 60000},
	{"[THROTTLED] retry after 90 seconds.", "rate_limited", 90000},
	{"please wait 2 hours", "other", 7200000},
	{"please wait 1 hourglass", "other", 0},
	{"wait 99999999999999999999 days", "other", 86400000},
	{"try again in a while", "other", 0},
	{"wait for 5 apples", "other", 0},
	{"[OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", "rate_limited",
	 3600000},
	{"[ALERT] Too many simultaneous connections. (Failure)", "too_many_connections", 60000},
	{"[UNAVAILABLE] Temporary failure", "server_unavailable", 0},
	{"[NONEXISTENT] Unknown Mailbox: x (Failure)", "mailbox_missing", 0},
	{"Mailbox doesn't exist: x (0.001 + 0.000 secs).", "mailbox_missing", 0},
	{"The specified folder could not be found", "mailbox_missing", 0},
	{"Permission denied", "other", 0},
	{"", "other", 0},
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span words = span_cstr(cases[i].words);

		assert_string_equal(imap_refusal_name(words, "other"), cases[i].name);
		assert_int_equal(imap_refusal_wait_ms(words), cases[i].wait_ms);
	}
}

/* It is about the account, or about what was asked for. */
static void test_general(void **state)
{
	(void)state;
	assert_true(imap_refusal_is_general("rate_limited"));
	assert_false(imap_refusal_is_general("mailbox_missing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_general),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
