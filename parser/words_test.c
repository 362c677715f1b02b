/* Proves that header text, addresses, dates, ids, parameters and encodings are read as people meant them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "parser/address_list.h"
#include "parser/charset_iconv.h"
#include "parser/date.h"
#include "parser/encoded_word.h"
#include "parser/look_alike.h"
#include "parser/msg_id.h"
#include "parser/param.h"
#include "parser/transfer.h"
#include "parser/utf8.h"

struct context {
	struct arena *arena;
	struct charset_set *charsets;
	struct decode d;
};

static struct context open_context(void)
{
	struct context c = {.arena = arena_new(0), .charsets = charset_iconv_open()};
	decode_init(&c.d, c.charsets, c.arena);
	return c;
}

static void close_context(struct context *c)
{
	decode_fini(&c->d);
	charset_iconv_close(&c->charsets);
	arena_free(&c->arena);
}

static void assert_text(struct context *c, struct span got, const char *expected)
{
	assert_true(utf8_valid(got));
	assert_string_equal(arena_cstr(c->arena, got), expected);
}

struct pair {
	const char *in, *out;
};

static void header_text_is_decoded(void **state)
{
	(void)state;
	static const struct pair rows[] = {
		{"plain", "plain"},
		{" folded\r\n text ", "folded text"},
		{"=?utf-8?Q?caf=C3=A9?=", "caf\xc3\xa9"},
		{"=?UTF-8?b?w6k=?=", "\xc3\xa9"},
		{"=?iso-8859-1?q?caf=E9_x?= and", "caf\xc3\xa9 x and"},
		{"=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"},
		{"=?utf-8?Q?a?=\r\n =?utf-8?Q?b?=", "ab"},
		{"=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c"},
		{"=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=",
		 "\xc3\xa9"}, /* cut in the middle of a character */
		{"=?utf-8?B?w6?= =?utf-8?B?k=?=", "\xef\xbf\xbd"},
		{"=?utf-8*en?Q?x?=", "x"},
		{"=?nonsense?Q?caf=E9?=", "caf\xc3\xa9"},
		{"=?iso-2022-jp?B?GyRCJDMkcxsoQg==?=", "\xe3\x81\x93\xe3\x82\x93"},
		{"=?koi8-r?B?8NLJ18XU?=", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"},
		{"=?gb2312?B?xOO6ww==?=", "\xe4\xbd\xa0\xe5\xa5\xbd"},
		{"=?utf-8?Q?open", "=?utf-8?Q?open"},
		{"=?utf-8?X?x?=", "=?utf-8?X?x?="},
		{"=?utf-8?Q?a b?=", "a b"},
		{"raw \xc3\xa9", "raw \xc3\xa9"},
		{"raw \xe9", "raw \xc3\xa9"},
		{"\x80uro", "\xe2\x82\xacuro"},
		{"=?utf-8?Q?a=00b=0Ac?=", "abc"}, /* F93 */
		{"", ""},
	};
	struct context c = open_context();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_text(&c, encoded_word_text(&c.d, span_cstr(rows[i].in)), rows[i].out);
	close_context(&c);
}

/* As "name|email;" */
static void addresses_are_read(void **state)
{
	(void)state;
	static const struct pair rows[] = {
		{"a@b.example", "|a@b.example;"},
		{"Anna <a@b.example>", "Anna|a@b.example;"},
		{"\"Doe, John\" <j@x.example>, b@x.example", "Doe, John|j@x.example;|b@x.example;"},
		{"a@b.example (Anna)", "Anna|a@b.example;"},
		{"=?utf-8?Q?Doe,_J?= <j@x.example>", "Doe, J|j@x.example;"},
		{"\"=?utf-8?Q?J=C3=B6?=\" <j@x.example>", "J\xc3\xb6|j@x.example;"},
		{"Group: a@x.example, b@x.example; c@x.example",
		 "|a@x.example;|b@x.example;|c@x.example;"},
		{"undisclosed-recipients:;", ""},
		{"<@route.example:a@b.example>", "|a@b.example;"},
		{"a@b.example; c@d.example", "|a@b.example;|c@d.example;"},
		{"Anna \"the\" A. <a@b.example>", "Anna the A.|a@b.example;"},
		{"a.b. <a@b.example", "a.b.|a@b.example;"},
		{"\"open <a@b.example>", "open|a@b.example;"},
		{"<a@b.example>, <c@d.example>", "|a@b.example;|c@d.example;"},
		{"a @ b.example", "|a@b.example;"},
		{"MAILER-DAEMON", "|MAILER-DAEMON;"},
		{"Mail System", "Mail System|;"},
		{"'Quoted' <q@x.example>", "Quoted|q@x.example;"},
		{"=?utf-8?Q?evil=40bank.example?= <a@b.example>", "evil@bank.example|a@b.example;"},
		{"J\xf6rg <j@x.example>", "J\xc3\xb6rg|j@x.example;"},
		{"mailto:a@b.example", "|a@b.example;"},
		{"\"a\\\"b\" <x@y.example>", "a\"b|x@y.example;"},
		{",, ,a@b.example,,", "|a@b.example;"},
	};
	struct context c = open_context();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address_list list = {0};
		struct buf out;
		buf_init(&out, 4096);
		address_list_parse(&c.d, span_cstr(rows[i].in), &list);
		for (size_t k = 0; k < list.count; k++) {
			buf_put_span(&out, list.items[k].name);
			buf_put_byte(&out, '|');
			buf_put_span(&out, list.items[k].email);
			buf_put_byte(&out, ';');
		}
		assert_string_equal(buf_cstr(&out), rows[i].out);
		buf_fini(&out);
	}
	close_context(&c);
}

/* F91 */
static void f91_address_lists_are_limited(void **state)
{
	(void)state;
	struct context c = open_context();
	struct address_list list = {0};
	struct buf raw;
	buf_init(&raw, 1 << 20);
	for (unsigned i = 0; i < ADDRESS_LIST_MAX + 100; i++)
		buf_put_cstr(&raw, "a@b.example,");
	address_list_parse(&c.d, buf_span(&raw), &list);
	assert_int_equal(list.count, ADDRESS_LIST_MAX);
	buf_fini(&raw);
	close_context(&c);
}

/* F93, F95: NUL and line ends, raw or in encoded words, end nothing and move nothing; the address is that of the brackets. */
static void f93_f95_no_byte_forges_a_sender(void **state)
{
	(void)state;
	static const struct {
		struct span in;
		const char *name, *email;
	} rows[] = {
		{SPAN_LIT("=?utf-8?b?Ym9zc0BiYW5rLmV4YW1wbGUAPA==?= <a@b.example>"),
		 "boss@bank.example<", "a@b.example"},
		{SPAN_LIT("=?utf-8?Q?boss=40bank.example=0A=0Dx?= <a@b.example>"),
		 "boss@bank.examplex", "a@b.example"},
		{SPAN_LIT("\"boss@bank.example\0\" <a@b.example>"), "boss@bank.example",
		 "a@b.example"},
		{SPAN_LIT("\"bo\0ss\" <a@b.example>"), "boss", "a@b.example"},
	};
	struct context c = open_context();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address_list list = {0};
		address_list_parse(&c.d, rows[i].in, &list);
		assert_int_equal(list.count, 1);
		assert_text(&c, list.items[0].name, rows[i].name);
		assert_text(&c, list.items[0].email, rows[i].email);
	}
	close_context(&c);
}

static void f94_look_alikes_are_told(void **state)
{
	(void)state;
	static const struct {
		const char *name, *email;
		bool is;
	} rows[] = {
		{"Anna", "a@b.example", false},
		{"", "", false},
		{"Anna", "MAILER-DAEMON", false},
		{"Anna", "a@p\u0430ypal.example", true}, /* Cyrillic а among Latin */
		{"Anna", "a@\u0430\u0440\u0440\u04cf\u0435.com",
		 true}, /* all Cyrillic, and looks like apple */
		{"Анна", "a@\u043f\u043e\u0447\u0442\u0430.\u0440\u0444", false}, /* почта.рф */
		{"Anna", "a@m\u00fcller.example", false},
		{"Anna", "a@\u4f8b.example", false},
		{"boss@bank.example", "a@b.example", true},
		{"\"boss@bank.example\" via list", "a@b.example", true},
		{"a@b.example", "A@b.example", false},
		{"Anna @ work", "a@b.example", false},
		{"@anna", "a@b.example", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s <%s>\n", rows[i].name, rows[i].email);
		assert_int_equal(look_alike(span_cstr(rows[i].name), span_cstr(rows[i].email)),
				 rows[i].is);
	}
}

/* F97 */
static void f97_broken_charsets_lose_characters_alone(void **state)
{
	(void)state;
	static const struct {
		const char *charset, *in, *out;
	} rows[] = {
		{"utf-8", "a\xff\xc3(b", "a\ufffd\ufffd(b"},
		{"iso-2022-jp", "a\x1b$B\x7f\x7f\x1b(Bb", NULL},
		{"gb2312",
		 "a\xff\xff"
		 "b",
		 NULL},
		{"us-ascii", "a\xe9", "a\u00e9"},
	};
	struct context c = open_context();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out;
		buf_init(&out, 4096);
		charset_decode(c.charsets, charset_find(span_cstr(rows[i].charset)),
			       span_cstr(rows[i].in), &out);
		assert_true(utf8_valid(buf_span(&out)));
		assert_int_equal(out.p[0], 'a');
		if (rows[i].out)
			assert_string_equal(buf_cstr(&out), rows[i].out);
		else
			assert_int_equal(out.p[out.n - 1], 'b');
		buf_fini(&out);
	}
	close_context(&c);
}

static void dates_are_read(void **state)
{
	(void)state;
	static const struct pair rows[] = {
		{"Fri, 1 Mar 2024 10:20:30 +2406", "2024-03-01T10:20:30Z"},
		{"Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T09:55:06-06:00"},
		{"21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06Z"},
		{"Tue, 1 Jul 2003 10:52:37 +0200 (CEST)", "2003-07-01T10:52:37+02:00"},
		{"Thu,13 Feb 1969 23:32 -0330", "1969-02-13T23:32:00-03:30"},
		{"Mon Jan  2 15:04:05 2006", "2006-01-02T15:04:05Z"},
		{"Mon, 2 Jan 2006 15:04:05 EST", "2006-01-02T15:04:05-05:00"},
		{"2006-01-02T15:04:05+01:00", "2006-01-02T15:04:05+01:00"},
		{"2006-01-02 15:04:05", "2006-01-02T15:04:05Z"},
		{"29 Feb 2024 00:00:00 +0000", "2024-02-29T00:00:00Z"},
		{"Fri, 21 Nov 1997 9:5:6 pm +0000", "1997-11-21T21:05:06Z"},
		{"1 January 2020 00:00:00 -0000", "2020-01-01T00:00:00Z"},
		{"Thu, 01 Jan 1970 00:00:00 +0000",
		 "1970-01-01T00:00:00Z"}, /* F106: told as it is */
		{"Thu, 01 Jan 2099 00:00:00 +0000", "2099-01-01T00:00:00Z"},
		{"yesterday", NULL},
		{"", NULL},
		{"32 Foo 2020", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct date date;
		char text[DATE_TEXT_BYTES];
		bool ok = date_parse(span_cstr(rows[i].in), &date);
		assert_int_equal(ok, rows[i].out != NULL);
		if (!ok)
			continue;
		date_format(&date, text);
		assert_string_equal(text, rows[i].out);
	}
}

static void ids_are_read(void **state)
{
	(void)state;
	static const struct pair rows[] = {
		{"<a@b>", "a@b;"},
		{"<a@b> <c@d>", "a@b;c@d;"},
		{"<a@b><c@d>", "a@b;c@d;"},
		{"<a@\r\n b>", "a@b;"},
		{"a@b", "a@b;"},
		{"<>", ""},
		{"Anna's mail of Monday", ""},
		{"\"x\" <a@b> text", "a@b;"},
		{"<a@b", "a@b;"},
	};
	struct context c = open_context();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct id_list list;
		struct buf out;
		buf_init(&out, 4096);
		msg_id_parse(&c.d, span_cstr(rows[i].in), 100, &list);
		for (size_t k = 0; k < list.count; k++) {
			buf_put_span(&out, list.items[k]);
			buf_put_byte(&out, ';');
		}
		assert_string_equal(buf_cstr(&out), rows[i].out);
		buf_fini(&out);
	}
	struct id_list list;
	msg_id_parse(&c.d, SPAN_LIT("<1> <2> <3> <4> <5>"), 3, &list);
	assert_int_equal(list.count, 3);
	assert_text(&c, list.items[0], "1");
	assert_text(&c, list.items[2], "5");
	close_context(&c);
}

static void parameters_are_read(void **state)
{
	(void)state;
	static const struct pair rows[] = {
		{"text/plain; name=a.txt", "a.txt"},
		{"text/plain; name=\"a b.txt\"", "a b.txt"},
		{"text/plain; name=a b.txt", "a b.txt"},
		{"text/plain; charset=utf-8 name=a.txt", "a.txt"},
		{"text/plain;name*=utf-8''caf%C3%A9.txt", "caf\xc3\xa9.txt"},
		{"text/plain; name*0=a; name*1=b", "ab"},
		{"text/plain; name*0*=iso-8859-1'en'%E9; name*1*=%E9; name*2=.txt",
		 "\xc3\xa9\xc3\xa9.txt"},
		{"text/plain; name*1=b; name*0=a", "ab"},
		{"text/plain; name*0*=utf-8''%C3; name*1*=%A9", "\xc3\xa9"},
		{"text/plain; name=\"=?utf-8?Q?=C3=A9.txt?=\"", "\xc3\xa9.txt"},
		{"text/plain; name=x; name*=utf-8''y", "y"},
		{"text/plain; NAME = \"x\"", "x"},
		{"text/plain; name=\"x", "x"},
		{"text/plain (comment); name=x (more)", "x (more)"},
		{"text/plain; name=caf\xe9", "caf\xc3\xa9"},
		{"text/plain", ""},
	};
	struct context c = open_context();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct param_list list;
		param_parse(span_cstr(rows[i].in), &list);
		assert_text(&c, list.value, "text/plain");
		assert_text(&c, param_get(&c.d, &list, "name"), rows[i].out);
	}
	close_context(&c);
}

static void transfers_are_undone(void **state)
{
	(void)state;
	static const struct {
		enum transfer how;
		const char *in, *out;
	} rows[] = {
		{TRANSFER_BASE64, "SGVsbG8=", "Hello"},
		{TRANSFER_BASE64, "SGVs\r\nbG8=\r\n", "Hello"},
		{TRANSFER_BASE64, "SGVsbG8", "Hello"},
		{TRANSFER_BASE64, "SG!Vs bG8=", "Hello"},
		{TRANSFER_BASE64, "SGVsbG8=SGVsbG8=", "HelloHello"},
		{TRANSFER_BASE64, "====", ""},
		{TRANSFER_BASE64, "S", ""},
		{TRANSFER_QUOTED, "a=3Db=\r\nc=\nd", "a=bcd"},
		{TRANSFER_QUOTED, "soft= \t\r\nline", "softline"},
		{TRANSFER_QUOTED, "=zz=4", "=zz=4"},
		{TRANSFER_QUOTED, "end=", "end"},
		{TRANSFER_QUOTED, "=c3=a9", "\xc3\xa9"},
		{TRANSFER_UU, "begin 644 a\n%2&5L;&\\\n`\nend\n", "Hello"},
		{TRANSFER_NONE, "as is", "as is"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out;
		buf_init(&out, 4096);
		transfer_decode(rows[i].how, span_cstr(rows[i].in), &out);
		assert_string_equal(buf_cstr(&out), rows[i].out);
		buf_fini(&out);
	}
}

/* F98: what is damaged is decoded as far as it goes (transfers_are_undone), and said to be. */
static void f98_damage_is_told(void **state)
{
	(void)state;
	static const struct {
		enum transfer how;
		const char *in;
		bool is;
	} rows[] = {
		{TRANSFER_BASE64, "SGVs\r\nbG8=\r\n", false},
		{TRANSFER_BASE64, "", false},
		{TRANSFER_BASE64, "SGVsbG8", true},
		{TRANSFER_BASE64, "SG!VsbG8=", true},
		{TRANSFER_BASE64, "SGVsbG8=SGVsbG8=", true},
		{TRANSFER_BASE64, "====", true},
		{TRANSFER_QUOTED, "a=3Db=\r\nc=\nd= \t\r\ne=", false},
		{TRANSFER_QUOTED, "=zz", true},
		{TRANSFER_QUOTED, "a=4", true},
		{TRANSFER_UU, "begin 644 a\n%2&5L;&\\\n`\nend\n", false},
		{TRANSFER_UU, "begin 644 a\n%2&5L;&\\\n", true},
		{TRANSFER_UU, "x", true},
		{TRANSFER_NONE, "\xff=", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(transfer_is_damaged(rows[i].how, span_cstr(rows[i].in)),
				 rows[i].is);
}

static void every_charset_has_a_converter(void **state)
{
	(void)state;
	struct context c = open_context();
	for (unsigned i = CHARSET_TABLE; i < charset_end(); i++) {
		struct buf out;
		buf_init(&out, 4096);
		charset_decode(c.charsets, i, SPAN_LIT("\xff\xfe\x1b$z\x80 abc\xf0\x28\x8c"), &out);
		assert_true(utf8_valid(buf_span(&out)));
		buf_fini(&out);
	}
	assert_int_equal(charset_find(SPAN_LIT("\"UTF-8\"")), CHARSET_UTF8);
	assert_int_equal(charset_find(SPAN_LIT("ISO_8859-1:1987")), CHARSET_WINDOWS_1252);
	assert_int_equal(charset_find(SPAN_LIT("klingon")), CHARSET_UNKNOWN);
	close_context(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_text_is_decoded),
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(f91_address_lists_are_limited),
		cmocka_unit_test(f93_f95_no_byte_forges_a_sender),
		cmocka_unit_test(f94_look_alikes_are_told),
		cmocka_unit_test(f97_broken_charsets_lose_characters_alone),
		cmocka_unit_test(dates_are_read),
		cmocka_unit_test(ids_are_read),
		cmocka_unit_test(parameters_are_read),
		cmocka_unit_test(transfers_are_undone),
		cmocka_unit_test(f98_damage_is_told),
		cmocka_unit_test(every_charset_has_a_converter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
