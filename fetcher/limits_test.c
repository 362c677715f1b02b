/* FAULTS F6, F7, F9: what a server's words say about its limits, and which provider a host belongs to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fetcher/limits.h"

static const struct {
	const char *name, *text;
	struct limits_refusal means;
} CASES[] = {
	{"too_many_connections",
	 "NO [ALERT] Too many simultaneous connections. (Failure)",
	 {LIMITS_CONNECTIONS, false, 60000}},
	{"too_many_connections", "no words known", {LIMITS_CONNECTIONS, false, 60000}},
	{"connection_closed",
	 "the server said goodbye: Too many connections from your IP address",
	 {LIMITS_CONNECTIONS, true, 60000}},
	{"command_refused",
	 "the server said: Maximum number of connections from user+IP exceeded",
	 {LIMITS_CONNECTIONS, false, 60000}},
	{"command_refused",
	 "the server said: Account exceeded command or bandwidth limits. (Failure)",
	 {LIMITS_OCTETS, false, 3600000}},
	{"bandwidth_exceeded", "", {LIMITS_OCTETS, false, 3600000}},
	{"rate_limited",
	 "BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds",
	 {LIMITS_PAUSE, false, 299961}},
	{"rate_limited", "Suggested Backoff Time: soon", {LIMITS_PAUSE, false, 60000}},
	{"command_refused", "the server said: [THROTTLED]", {LIMITS_PAUSE, false, 60000}},
	{"wrong_credentials", "NO Invalid credentials", {LIMITS_NONE, false, 0}},
	{"connection_closed", "the server said goodbye: Logging out", {LIMITS_NONE, false, 0}},
	{"over_quota", "NO [OVERQUOTA] Mailbox is full", {LIMITS_PAUSE, false, 3600000}},
};

static void refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct limits_refusal found;
		struct err e;

		if (err_set(&e, ERR_TEMP, ERR_ACCOUNT, CASES[i].name, "%s", CASES[i].text) !=
		    ERR_TEMP)
			fail();
		found = limits_refusal(&e);
		assert_int_equal(found.kind, CASES[i].means.kind);
		assert_int_equal(found.host, CASES[i].means.host);
		assert_int_equal(found.wait_ms, CASES[i].means.wait_ms);
	}
}

static void providers(void **state)
{
	(void)state;
	assert_int_equal(limits_provider("imap.gmail.com"), LIMITS_GMAIL);
	assert_int_equal(limits_provider("IMAP.GoogleMail.com"), LIMITS_GMAIL);
	assert_int_equal(limits_provider("outlook.office365.com"), LIMITS_MICROSOFT);
	assert_int_equal(limits_provider("imap-mail.outlook.com"), LIMITS_MICROSOFT);
	assert_int_equal(limits_provider("notgmail.com"), LIMITS_OTHER);
	assert_int_equal(limits_provider("gmail.com.evil.example"), LIMITS_OTHER);
	assert_int_equal(limits_provider("127.0.0.1"), LIMITS_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(refusals), cmocka_unit_test(providers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
