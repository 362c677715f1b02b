/* ACC-12: what the receiving server says of SPF, DKIM and DMARC is read from its own field alone, whatever is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/auth_results.h"

static const struct {
	const char *raw;
	bool found;
	const char *spf, *dkim, *dmarc;
} CASES[] = {
	{"Subject: a\r\n\r\nAuthentication-Results: x; spf=pass\r\n", false, "", "", ""},
	{"Received: x\r\nAuthentication-Results: mx.example;\r\n\tdkim=pass "
	 "header.i=@a.example;\r\n"
	 " spf=softfail (mx: domain of a) smtp.mailfrom=a;\r\n dmarc=fail (p=NONE) "
	 "header.from=a\r\n"
	 "Subject: b\r\n\r\n",
	 true, "softfail", "pass", "fail"},
	{"authentication-results: mx.example 1; SPF = PASS; dmarc / 1 = none\n\n", true, "pass", "",
	 "none"},
	{"Authentication-Results: mx; dkim=fail; dkim=pass; dkim=neutral\r\n\r\n", true, "", "pass",
	 ""},
	{"Authentication-Results: mx; spf=fail\r\nAuthentication-Results: mx; spf=pass\r\n\r\n",
	 true, "fail", "", ""},
	{"Authentication-Results: mx; none\r\n\r\n", true, "", "", ""},
	{"Authentication-Results: spf=pass; (dkim=pass (nested; spf=pass) ; ) x=y; z=\"; "
	 "dmarc=pass\"\r\n\r\n",
	 true, "", "", ""},
	{"Authentication-Results: mx; spf=abcdefghijklmnopqrstuvwxyz; dkim=; dmarc\r\n\r\n", true,
	 "", "", ""},
	{"X-Authentication-Results: mx; spf=pass\r\n\r\n", false, "", "", ""},
	{"Authentication-Results: mx; spf=pass", true, "pass", "", ""},
	{"", false, "", "", ""},
};

static void fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct auth_results found;

		auth_results_read(span_cstr(CASES[i].raw), &found);
		assert_int_equal(found.found, CASES[i].found);
		assert_string_equal(found.spf, CASES[i].spf);
		assert_string_equal(found.dkim, CASES[i].dkim);
		assert_string_equal(found.dmarc, CASES[i].dmarc);
	}
}

/* Cut anywhere, in memory of just that size, nothing behind it is read. */
static void cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
		for (size_t n = 0; n <= strlen(CASES[i].raw); n++) {
			uint8_t *p = malloc(n + (n == 0));
			struct auth_results found;

			assert_non_null(p);
			memcpy(p, CASES[i].raw, n);
			auth_results_read(span_make(p, n), &found);
			free(p);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(fields), cmocka_unit_test(cut)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
