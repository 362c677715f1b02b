/* F32: special folders by their usual names in many languages, at the top or below INBOX alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fetcher/mailbox_role.h"

static const struct {
	const char *path;
	int delimiter;
	const char *role;
} cases[] = {
	{"Sent", '/', "sent"},
	{"SENT ITEMS", '/', "sent"},
	{"INBOX.Sent", '.', "sent"},
	{"inbox/Gesendete Elemente", '/', "sent"},
	{"[Gmail]/Papierkorb", '/', "trash"},
	{"Entw&APw-rfe", '/', "drafts"},
	{"Entwürfe", '/', "drafts"},
	{"&kAFP4W4IMH8w4TD8MOs-", '/', "sent"},
	{"&XfJT0ZAB-", '/', "sent"},
	{"&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-", '/', "sent"},
	{"G&APY-nderilmi&AV8 &ANY-&AOc-eler", '/', ""}, /* not well formed */
	{"Spam", -1, "junk"},
	{"INBOX", '/', ""},
	{"INBOX.Sent", '/', ""}, /* another delimiter: the dot belongs to the name */
	{"Projects/Sent", '/', ""},
	{"INBOX/Old/Trash", '/', ""},
	{"Sent 2024", '/', ""},
	{"", '/', ""},
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(
			mailbox_role_by_name(span_cstr(cases[i].path), cases[i].delimiter),
			cases[i].role);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
