/* Proves: LNK-01 one normal form for each mail address; BLK-01 what an entry of a block list matches. */
#include "common/base/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void normal_forms(void **state)
{
	static const struct {
		const char *raw, *normal;
	} cases[] = {
		{"Anna@Example.COM", "anna@example.com"},
		{" <anna@example.com>\r\n", "anna@example.com"},
		{"<  anna@example.com >", "anna@example.com"},
		{"<<anna@example.com>>", "anna@example.com"},
		{"anna@m\xc3\xbc.example\xe3\x80\x82.", "anna@xn--m-eha.example"},
		{"a@b@example.com", "a@b@example.com"},
		{"\"a b\"@example.com", "\"a b\"@example.com"},
		{"anna+tag@example.com.", "anna+tag@example.com"},
		{"anna@M\xc3\xbcnchen.example", "anna@xn--mnchen-3ya.example"},
		{"anna@XN--MNCHEN-3YA.example", "anna@xn--mnchen-3ya.example"},
		{"anna@fa\xc3\x9f.example", "anna@xn--fa-hia.example"},
		{"anna@\xe4\xbe\x8b\xe3\x80\x82\xe4\xbe\x8b", "anna@xn--fsq.xn--fsq"},
		{"J\xc3\x9cRGEN@x.example", "j\xc3\xbcrgen@x.example"},
		{"\xce\xa3\xce\xaf\xcf\x82@x.example", "\xcf\x83\xce\xaf\xcf\x83@x.example"},
		{"\xd0\x98\xd0\xb2\xd0\xb0\xd0\x81@x.example",
		 "\xd0\xb8\xd0\xb2\xd0\xb0\xd1\x91@x.example"},
		{"\xc5\x81\xc5\xbb@x.example", "\xc5\x82\xc5\xbc@x.example"},
		{"\xe6\x97\xa5@x.example", "\xe6\x97\xa5@x.example"},
		{"\xf0\x9f\x98\x80@x.example", "\xf0\x9f\x98\x80@x.example"},
	};
	char out[ADDRESS_MAX + 1], again[ADDRESS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(address_normalize(span_cstr(cases[i].raw), out));
		assert_string_equal(out, cases[i].normal);
		assert_true(address_normalize(span_cstr(out), again));
		assert_string_equal(again, out);
	}
}

static void no_addresses(void **state)
{
	static const char *const cases[] = {
		"",
		"anna",
		"@example.com",
		"anna@",
		"anna@ ",
		"<>",
		"@",
		"a\x01@x.com",
		"a@x\x7f.com",
		"a\nb@x.com",
		"a\xc2\x85@x",
		"a\xff@x.com",
		"a@\xff.com",
		"a@b c.com",
		"a@\xc3\xbc\xef\xbc\xa0x.com",
		"a@<b",
		"a@..",
		"\xc0\xaf@x.com",
		"\xed\xa0\x80@x.com",
		"\xf4\x90\x80\x80@x.com",
		"\xe2\x82",
		"a\xe2@x.com",
	};
	char out[ADDRESS_MAX + 1] = "kept";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_false(address_normalize(span_cstr(cases[i]), out));
		assert_string_equal(out, "kept");
	}
	assert_false(address_normalize(span_make("a\0b@x.com", 9), out));
	assert_false(address_normalize(span_make("a@x\0.com", 8), out));
}

static void lengths(void **state)
{
	char raw[5000], out[ADDRESS_MAX + 1];

	(void)state;
	memset(raw, 'a', sizeof(raw));
	raw[60] = '@';
	assert_true(address_normalize(span_make(raw, ADDRESS_MAX), out));
	assert_int_equal(strlen(out), ADDRESS_MAX);
	assert_false(address_normalize(span_make(raw, ADDRESS_MAX + 1), out));
	assert_false(address_normalize(span_make(raw, sizeof(raw)), out));
	raw[61] = '\xc3';
	raw[62] = '\xbc';
	assert_false(address_normalize(span_make(raw, sizeof(raw)), out));
}

static void block_lists(void **state)
{
	static const struct {
		const char *entry, *address;
		bool match;
	} cases[] = {
		{"a@b.example", "a@b.example", true},
		{" <A@B.Example>", "a@b.example", true},
		{"a@b.example", "aa@b.example", false},
		{"@b.example", "a@b.example", true},
		{"@B.Example", "a@b.example", true},
		{"@b.example", "a@c.b.example", false},
		{"@b.example", "a@bb.example", false},
		{"@*.b.example", "a@c.b.example", true},
		{"@*.b.example", "a@d.c.b.example", true},
		{"@*.b.example", "a@b.example", false},
		{"@*.b.example", "a@xb.example", false},
		{"@m\xc3\xbcnchen.example", "a@xn--mnchen-3ya.example", true},
		{"@*.M\xc3\x9cnchen.example", "a@x.xn--mnchen-3ya.example", true},
		{"@*.example", "a@.example", false},
		{"", "a@b.example", false},
		{"@", "a@b.example", false},
		{"@*.", "a@b.example", false},
		{"@*", "a@b.example", false},
		{"b.example", "a@b.example", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			address_blocked_by(span_cstr(cases[i].entry), span_cstr(cases[i].address)),
			cases[i].match);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normal_forms),
		cmocka_unit_test(no_addresses),
		cmocka_unit_test(lengths),
		cmocka_unit_test(block_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
