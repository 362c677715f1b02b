/* Which addresses of endpoints are taken: https, without a user, and not to private addresses in any spelling (F132). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gateway/webhook_url.h"

static const struct {
	const char *url;
	bool taken, taken_with_private;
} cases[] = {
	{"https://crm.example/hooks?x=1", true, true},
	{"https://crm.example:8443/", true, true},
	{"https://8.8.8.8/", true, true},
	{"http://crm.example/hooks", false, true},
	{"https://127.0.0.1/", false, true},
	{"https://127.1/", false, true},
	{"https://2130706433/", false, true},
	{"https://0x7f.0.0.1/", false, true},
	{"https://[::1]/", false, true},
	{"https://[::ffff:10.0.0.1]/", false, true},
	{"https://[fe80::1%25eth0]/", false, true},
	{"https://169.254.169.254/latest", false, true},
	{"https://user@crm.example/", false, false},
	{"https://user:password@crm.example/", false, false},
	{"https://crm.example/#part", false, false},
	{"ftp://crm.example/", false, false},
	{"file:///etc/passwd", false, false},
	{"crm.example", false, false},
	{"https://", false, false},
	{"", false, false},
};

static void test_urls(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (!webhook_url_fault(cases[i].url, false) != cases[i].taken)
			fail_msg("%s", cases[i].url);
		if (!webhook_url_fault(cases[i].url, true) != cases[i].taken_with_private)
			fail_msg("%s with private hosts", cases[i].url);
	}
}

static void test_length(void **state)
{
	char url[WEBHOOK_URL_MAX + 2] = "https://crm.example/";
	size_t n = strlen(url);

	(void)state;
	memset(url + n, 'x', WEBHOOK_URL_MAX - n);
	assert_null(webhook_url_fault(url, false));
	url[WEBHOOK_URL_MAX] = 'x';
	assert_non_null(webhook_url_fault(url, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_urls),
					   cmocka_unit_test(test_length)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
