/* ACC-05: a login under an alias is told from what the server says, and from nothing that only looks like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/login_address.h"

static const struct {
	const char *words, *user, *email;
	bool is_known;
	const char *found; /* NULL: no alias */
} CASES[] = {
	{"A2 OK main@x.example authenticated (Success)", "alias@x.example", "alias@x.example",
	 false, "main@x.example"},
	{"A2 OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] <Main@X.example> Anna authenticated.",
	 "alias@x.example", "Alias@x.example", false, "main@x.example"},
	{"A2 OK main@x.example, main@x.example.", "alias@x.example", "alias@x.example", false,
	 "main@x.example"},
	{"A2 OK main@y.example authenticated (Success)", "alias@x.example", "alias@x.example", true,
	 "main@y.example"},
	{"A2 OK main@y.example authenticated (Success)", "alias@x.example", "alias@x.example",
	 false, NULL},
	{"A2 OK alias@x.example authenticated (Success)", "ALIAS@x.example", "alias@x.example",
	 true, NULL},
	{"A2 OK main@x.example authenticated", "anna", "alias@x.example", true, NULL},
	{"A2 OK main@x.example authenticated", "login@x.example", "alias@x.example", true, NULL},
	{"A2 OK main@x.example or other@x.example", "alias@x.example", "alias@x.example", true,
	 NULL},
	{"A2 OK [HINT main@x.example] Logged in", "alias@x.example", "alias@x.example", true, NULL},
	{"A2 OK Logged in", "alias@x.example", "alias@x.example", true, NULL},
	{"A2 OK @ @x.example a@ main@", "alias@x.example", "alias@x.example", true, NULL},
	{"", "alias@x.example", "alias@x.example", true, NULL},
};

static void aliases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		char out[ADDRESS_MAX + 1] = "";
		const bool found =
			login_address_main(span_cstr(CASES[i].words), span_cstr(CASES[i].user),
					   span_cstr(CASES[i].email), CASES[i].is_known, out);

		assert_int_equal(found, CASES[i].found != NULL);
		if (found)
			assert_string_equal(out, CASES[i].found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(aliases)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
