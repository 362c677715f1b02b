/* ACC-04: which ways are tried for a direction, in which order, and what is refused without being tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/account_verify.h"

static const struct {
	enum mailconn_protocol protocol;
	int64_t port;
	const char *security;
	bool loose; /* private hosts and any port allowed */
	const char *refused;
	unsigned ports[2]; /* 0: no such way */
} CASES[] = {
	{MAILCONN_IMAP, 0, NULL, false, "", {993, 0}},
	{MAILCONN_IMAP, 993, "tls", false, "", {993, 0}},
	{MAILCONN_IMAP, 995, NULL, false, "", {995, 0}},
	{MAILCONN_IMAP, 143, NULL, false, "plaintext_port_refused", {143, 0}},
	{MAILCONN_IMAP, 143, "starttls", true, "plaintext_port_refused", {143, 0}},
	{MAILCONN_IMAP, 993, "starttls", false, "security_unfit", {993, 0}},
	{MAILCONN_IMAP, 22, NULL, false, "host_not_allowed", {22, 0}},
	{MAILCONN_IMAP, 2222, NULL, true, "", {2222, 0}},
	{MAILCONN_IMAP, 2222, "none", true, "plaintext_refused", {2222, 0}},
	{MAILCONN_SMTP, 0, NULL, false, "", {465, 587}},
	{MAILCONN_SMTP, 465, NULL, false, "", {465, 587}},
	{MAILCONN_SMTP, 587, NULL, false, "", {587, 465}},
	{MAILCONN_SMTP, 0, "starttls", false, "", {587, 465}},
	{MAILCONN_SMTP, 587, "tls", false, "security_unfit", {587, 465}},
	{MAILCONN_SMTP, 465, "starttls", false, "security_unfit", {465, 587}},
	{MAILCONN_SMTP, 25, NULL, true, "host_not_allowed", {25, 0}},
	{MAILCONN_SMTP, 2525, "starttls", true, "", {2525, 0}},
	{MAILCONN_SMTP, 2525, NULL, false, "host_not_allowed", {2525, 0}},
};

static void ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct gateway_conf conf = {.allow_private_hosts = CASES[i].loose};
		struct verify_direction d;

		verify_direction_set(&d, &conf, CASES[i].protocol, "mail.example", CASES[i].port,
				     CASES[i].security);
		assert_string_equal(d.failure.name, CASES[i].refused);
		assert_int_equal(d.count, CASES[i].ports[1] ? 2 : 1);
		for (size_t k = 0; k < d.count; k++)
			assert_int_equal(d.ways[k].port, CASES[i].ports[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ways)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
