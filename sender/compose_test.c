/* SND-02, SND-04, SND-09: what is composed, header by header; and what is refused. (Whole messages are read by another
 * parser in tests/flow/test_sender.py.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sender/body_encode.h"
#include "sender/header_write.h"

static const uint8_t seed[16];

static struct compose_message simple(const struct compose_address *to)
{
	return (struct compose_message){
		.from = {SPAN_LIT("Anna"), SPAN_LIT("anna@us.example")},
		.to = {to, 1},
		.subject = SPAN_LIT("Hello"),
		.text = SPAN_LIT("Hi\n"),
		.message_id = SPAN_LIT("id@us.example"),
		.date_ms = 1795530505774,
		.boundary_seed = seed,
	};
}

static const struct compose_address bo = {SPAN_LIT("Bo"), SPAN_LIT("bo@x.example")};

static void a_simple_message_byte_for_byte(void **state)
{
	struct compose_message m = simple(&bo);
	struct buf out;

	(void)state;
	m.in_reply_to = SPAN_LIT("was@x.example");
	m.references = &m.in_reply_to;
	m.reference_count = 1;
	buf_init(&out, 4096);
	assert_int_equal(compose(&m, &out, NULL), ERR_OK);
	assert_string_equal(buf_cstr(&out), "Date: Tue, 24 Nov 2026 14:28:25 +0000\r\n"
					    "From: Anna <anna@us.example>\r\n"
					    "To: Bo <bo@x.example>\r\n"
					    "Subject: Hello\r\n"
					    "Message-ID: <id@us.example>\r\n"
					    "X-Sent-Message-ID: <id@us.example>\r\n"
					    "In-Reply-To: <was@x.example>\r\n"
					    "References: <was@x.example>\r\n"
					    "MIME-Version: 1.0\r\n"
					    "Content-Type: text/plain; charset=utf-8\r\n"
					    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
					    "Hi\r\n");
	buf_fini(&out);
}

static enum err_code refused(const struct compose_message *m, const char *name)
{
	struct err e = {0};
	struct buf out;
	enum err_code code;

	buf_init(&out, 1 << 16);
	code = compose(m, &out, &e);
	assert_string_equal(e.name, name);
	buf_fini(&out);
	return code;
}

/* SND-09, SND-04 */
static void what_is_refused(void **state)
{
	static const char *const breaks[] = {"a\rb", "a\nb", "\r\nBcc: x@y.example"};
	static const char *const addresses[] = {"",
						"bo",
						"bo@",
						"@x.example",
						"a b@x.example",
						"a@b@x.example",
						"<a@x.example",
						"a,b@x.example",
						"a\"@x.example",
						"a|b@x.example"};
	struct compose_message m;

	(void)state;
	for (size_t i = 0; i < sizeof(breaks) / sizeof(*breaks); i++) {
		struct compose_address to = bo;
		struct span value = span_cstr(breaks[i]);
		struct compose_attachment a = {.name = value};

		m = simple(&to);
		m.subject = value;
		assert_int_equal(refused(&m, "header_injection"), ERR_PERM);
		m = simple(&to);
		m.from.name = value;
		assert_int_equal(refused(&m, "header_injection"), ERR_PERM);
		m = simple(&to);
		m.in_reply_to = value;
		assert_int_equal(refused(&m, "header_injection"), ERR_PERM);
		m = simple(&to);
		m.attachments = &a;
		m.attachment_count = 1;
		assert_int_equal(refused(&m, "header_injection"), ERR_PERM);
		to.name = value;
		m = simple(&bo);
		m.reply_to = (struct compose_addresses){&to, 1};
		assert_int_equal(refused(&m, "header_injection"), ERR_PERM);
	}
	m = simple(&bo);
	m.subject = span_make("a\0b", 3);
	assert_int_equal(refused(&m, "header_injection"), ERR_PERM);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		struct compose_address to = {.email = span_cstr(addresses[i])};

		m = simple(&to);
		assert_int_equal(refused(&m, "invalid_recipient"), ERR_PERM);
	}
	m = simple(&bo);
	m.to.count = 0;
	assert_int_equal(refused(&m, "no_recipient"), ERR_PERM);
	m = simple(&bo);
	m.text.n = 0;
	assert_int_equal(refused(&m, "empty_message"), ERR_PERM);
}

static void quoted_printable(void **state)
{
	static const char *const pairs[][2] = {
		{"a=b", "a=3Db\r\n"},
		{"ends \nx\t\r\ny\rz", "ends=20\r\nx=09\r\ny\r\nz\r\n"},
		{"gr\xc3\xbc\xc3\x9f", "gr=C3=BC=C3=9F\r\n"},
		{"", ""},
	};
	char line[200];
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		buf_clear(&out);
		body_quoted_printable(&out, span_cstr(pairs[i][0]));
		assert_string_equal(buf_cstr(&out), pairs[i][1]);
	}
	memset(line, 'x', sizeof(line));
	buf_clear(&out);
	body_quoted_printable(&out, span_make(line, sizeof(line)));
	for (size_t i = 0, n = 0; i < out.n; i++) {
		n = out.p[i] == '\n' ? 0 : n + 1;
		assert_true(n <= 77); /* with CR */
	}
	buf_fini(&out);
}

static void text_of_html(void **state)
{
	static const char *const pairs[][2] = {
		{"<p>One</p><p>Two &amp; three</p>", "One\n\nTwo & three\n\n"},
		{"a<br>b<script>alert(1)</script>", "a\nb\n"},
		{"<style>p{}</style><ul><li>x<li>y</ul>", "- x\n- y\n\n"},
		{"1 &lt; 2 &#8364; &#x20ac; &nix; a<b",
		 "1 < 2 \xe2\x82\xac \xe2\x82\xac &nix; a\n"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		buf_clear(&out);
		body_text_from_html(&out, span_cstr(pairs[i][0]));
		assert_string_equal(buf_cstr(&out), pairs[i][1]);
	}
	buf_fini(&out);
}

static void headers_fold(void **state)
{
	char text[600];
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 9 == 8 ? ' ' : 'w';
	text[sizeof(text) - 1] = 'w';
	buf_init(&out, 8192);
	header_write_text(&out, "Subject", span_make(text, sizeof(text)));
	header_write_text(&out, "Subject",
			  SPAN_LIT("Gr\xc3\xbc\xc3\x9f"
				   "e =?x?= "));
	for (size_t i = 0, n = 0; i < out.n; i++) {
		assert_true(out.p[i] < 0x80);
		n = out.p[i] == '\n' ? 0 : n + 1;
		assert_true(n <= 79);
	}
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_simple_message_byte_for_byte),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(quoted_printable),
		cmocka_unit_test(text_of_html),
		cmocka_unit_test(headers_fold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
