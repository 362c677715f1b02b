/* Mailbox names in modified UTF-7 are shown as UTF-8; broken ones stay as they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/base/utf7.h"

static const struct {
	const char *name, *shown;
} CASES[] = {
	{"INBOX", "INBOX"},
	{"", ""},
	{"Entw&APw-rfe", "Entw\xc3\xbcrfe"},
	{"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
	 "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
	{"a&-b", "a&b"},
	{"&2D3eAA-", "\xf0\x9f\x98\x80"},
	{"&", "&"},
	{"a&b", "a&b"},
	{"&2D0-", "&2D0-"},
	{"&!!-", "&!!-"},
	{"&APx-", "&APx-"},
};

static void names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct buf out;

		buf_init(&out, 256);
		utf7_decode(span_cstr(CASES[i].name), &out);
		assert_string_equal(buf_cstr(&out), CASES[i].shown);
		buf_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
