/* ACC-02: failures of a login are told apart, one name each, by result code and by the servers' own words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/mailconn/finding.h"

struct finding_case {
	CURLcode code;
	long os_errno;
	const char *words, *name;
	enum err_code err;
};

static const struct finding_case cases[] = {
	{CURLE_COULDNT_RESOLVE_HOST, 0, "", "host_not_found", ERR_TEMP},
	{CURLE_COULDNT_CONNECT, ECONNREFUSED, "", "connection_refused", ERR_TEMP},
	{CURLE_COULDNT_CONNECT, ETIMEDOUT, "", "connection_timed_out", ERR_TEMP},
	{CURLE_OPERATION_TIMEDOUT, 0, "", "connection_timed_out", ERR_TEMP},
	{CURLE_PEER_FAILED_VERIFICATION, 0, "", "certificate_untrusted", ERR_TEMP},
	{CURLE_SSL_CONNECT_ERROR, 0, "", "tls_failed", ERR_TEMP},
	{CURLE_USE_SSL_FAILED, 0, "", "starttls_missing", ERR_PERM},
	{CURLE_LOGIN_DENIED, 0, "451 4.3.0 not now", "server_unavailable", ERR_TEMP}, /* F81 */
	{CURLE_REMOTE_ACCESS_DENIED, 0, "500 5.5.1 EHLO? HELO?", "connection_closed", ERR_TEMP},
	{CURLE_LOGIN_DENIED, 0, "", "wrong_credentials", ERR_AUTH},
	{CURLE_LOGIN_DENIED, 0, "A NO [AUTHENTICATIONFAILED] Authentication failed.",
	 "wrong_credentials", ERR_AUTH},
	{CURLE_LOGIN_DENIED, 0,
	 "NO [ALERT] Application-specific password required: https://support",
	 "app_password_needed", ERR_AUTH},
	{CURLE_LOGIN_DENIED, 0, "NO [ALERT] Too many simultaneous connections. (Failure)",
	 "too_many_connections", ERR_TEMP},
	{CURLE_LOGIN_DENIED, 0, "NO [UNAVAILABLE] Temporary authentication failure",
	 "server_unavailable", ERR_TEMP},
	{CURLE_LOGIN_DENIED, 0,
	 "BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds", "rate_limited",
	 ERR_TEMP},
	{CURLE_LOGIN_DENIED, 0, "BAD User is authenticated but not connected.", "login_disabled",
	 ERR_AUTH},
	{CURLE_LOGIN_DENIED, 0, "535 5.7.139 SmtpClientAuthentication is disabled for the Tenant",
	 "smtp_auth_disabled", ERR_AUTH},
	{CURLE_LOGIN_DENIED, 0,
	 "NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)",
	 "bandwidth_exceeded", ERR_TEMP},
	{CURLE_LOGIN_DENIED, 0, "NO [OVERQUOTA] Mailbox is full", "over_quota", ERR_TEMP},
	{CURLE_LOGIN_DENIED, 0, "NO [ALERT] Please log in via your web browser", "web_login_needed",
	 ERR_AUTH},
	{CURLE_LOGIN_DENIED, 0, "NO [CONTACTADMIN] disabled", "login_disabled", ERR_AUTH},
	{CURLE_LOGIN_DENIED, 0, "535 Error: authentication failed, use an authorization code",
	 "app_password_needed", ERR_AUTH},
	{CURLE_LOGIN_DENIED, 0, "NO [EXPIRED] password expired", "token_expired", ERR_AUTH},
	{CURLE_LOGIN_DENIED, 0, "A001 OK Pre-login capabilities listed", "no_login_mechanism",
	 ERR_PERM},
	{CURLE_LOGIN_DENIED, 0, "250 SMTPUTF8", "no_login_mechanism", ERR_PERM},
	{CURLE_LOGIN_DENIED, 0, "NO Your account is locked", "account_locked", ERR_AUTH},
	{CURLE_RECV_ERROR, 0, "* BYE Too many connections from your address",
	 "too_many_connections", ERR_TEMP},
	{CURLE_RECV_ERROR, 0, "", "connection_closed", ERR_TEMP},
	{CURLE_GOT_NOTHING, 0, "", "connection_closed", ERR_TEMP},
	{CURLE_WEIRD_SERVER_REPLY, 0, "+OK POP3 ready", "server_speaks_pop3", ERR_PERM},
	{CURLE_WEIRD_SERVER_REPLY, 0, "554 your address is blocked", "address_blocked", ERR_TEMP},
};

static void test_findings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct finding_case *c = &cases[i];
		struct err e;

		assert_int_equal(mailconn_finding(c->code, c->os_errno, c->words, "", &e), c->err);
		assert_string_equal(e.name, c->name);
		assert_true(*c->words == '\0' || strstr(e.text, c->words) != NULL);
	}
}

/* ACC-02: what is wrong with an access token, as servers say it. */
static void test_tokens(void **state)
{
	static const char *const told[][2] = {
		{"{\"status\":\"invalid_token\",\"schemes\":\"bearer\"}", "token_refused"},
		{"{\"status\":\"401\",\"error_description\":\"The token expired\"}",
		 "token_expired"},
		{"{\"status\":\"insufficient_scope\"}", "consent_missing"},
		{"{\"status\":\"403\",\"schemes\":\"Bearer\"}", "consent_missing"},
		{"{\"status\":\"400\",\"schemes\":\"Bearer\"}", "token_refused"},
		{"", "token_refused"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		struct err e;

		assert_int_equal(mailconn_finding(CURLE_LOGIN_DENIED, 0, "NO failed", "", &e),
				 ERR_AUTH);
		assert_int_equal(mailconn_token_finding(told[i][0], &e), ERR_AUTH);
		assert_string_equal(e.name, told[i][1]);
		assert_non_null(strstr(e.text, "NO failed"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_findings),
					   cmocka_unit_test(test_tokens)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
