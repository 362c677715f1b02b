/* TRK-01, TRK-02, TRK-03: links lead through the tracking address and back to what stood there, a pixel is added, all else
 * stays as it is; whatever the HTML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sender/track.h"

#define BASE "https://t.example"

static const struct secret_key key = {"0123456789abcdef0123456789abcde"};

static void run(const char *html, bool opens, bool clicks, struct buf *out)
{
	const struct track track = {&key,
				    SPAN_LIT(BASE),
				    SPAN_LIT("c1"),
				    SPAN_LIT("anna"),
				    SPAN_LIT("sub"),
				    SPAN_LIT("kim@one.example"),
				    opens,
				    clicks};

	buf_init(out, 1 << 20);
	track_html(&track, span_cstr(html), out);
}

/* Tokens back into what they say: `[c:URL]`, `[o]`. */
static void resolve(const struct buf *in, struct buf *out)
{
	struct arena *arena = arena_new(0);
	const char *p = buf_cstr((struct buf *)(uintptr_t)in), *next;
	size_t n = strlen(BASE "/t/x/");

	buf_init(out, 1 << 20);
	while ((next = strstr(p, BASE "/t/"))) {
		size_t m = strspn(next + n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					    "0123456789-_");
		enum track_kind kind = (enum track_kind)next[n - 2];
		struct track_token token;

		assert_true(track_token_read(&key, kind, span_make(next + n, m), arena, &token));
		assert_true(span_eq(token.recipient, SPAN_LIT("kim@one.example")));
		buf_put(out, p, (size_t)(next - p));
		buf_printf(out, "[%c%.*s]", (char)kind, (int)token.url.n,
			   token.url.n ? (const char *)token.url.p : "");
		p = next + n + m;
	}
	buf_put_cstr(out, p);
	arena_free(&arena);
}

static void check(const char *html, bool opens, const char *expected)
{
	struct buf out, clear;

	run(html, opens, true, &out);
	resolve(&out, &clear);
	assert_string_equal(buf_cstr(&clear), expected);
	buf_fini(&out);
	buf_fini(&clear);
}

static void test_links(void **state)
{
	static const char *const rows[][2] = {
		{"<a href=\"https://a.example/?x=1&amp;y=2#z\">A</a>",
		 "<a href=\"[chttps://a.example/?x=1&y=2#z]\">A</a>"},
		{"<A class=x HREF = 'http://a.example' id=y>A</A>",
		 "<A class=x HREF = '[chttp://a.example]' id=y>A</A>"},
		{"<a href=http://a.example/b>A</a>", "<a href=\"[chttp://a.example/b]\">A</a>"},
		{"<area href=\" https://a.example&#x2f;b \">",
		 "<area href=\"[chttps://a.example/b]\">"},
		{"<a title='>' href='https://a.example'>A</a>",
		 "<a title='>' href='[chttps://a.example]'>A</a>"},
		/* what is no such link stays */
		{"<a href=\"mailto:a@b\">", "<a href=\"mailto:a@b\">"},
		{"<a href=\"#top\"><a name=x><a href><a href=>",
		 "<a href=\"#top\"><a name=x><a href><a href=>"},
		{"<a href=\"https:///x\"><a href=\"https://\">",
		 "<a href=\"https:///x\"><a href=\"https://\">"},
		{"<a href=\"https://a b\"><a href='https://a\"b'>",
		 "<a href=\"https://a b\"><a href='https://a\"b'>"},
		{"<a href=\"https://g\xc3\xbc.example\">",
		 "<a href=\"https://g\xc3\xbc.example\">"},
		{"<link href=\"https://a.example\"><img src=\"https://a.example\">",
		 "<link href=\"https://a.example\"><img src=\"https://a.example\">"},
		{"<!-- <a href='https://a.example'> --><style><a href='https://a.example'></style>",
		 "<!-- <a href='https://a.example'> --><style><a "
		 "href='https://a.example'></style>"},
		{"https://a.example <b>x", "https://a.example <b>x"},
		{"<a href='https://a.example>", "<a href='https://a.example>"},
		{"1 < 2 <a href='https://a.example'>", "1 < 2 <a href='[chttps://a.example]'>"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check(rows[i][0], false, rows[i][1]);
}

#define PIXEL "<img src=\"[o].gif\" width=\"1\" height=\"1\" alt=\"\">"

static void test_pixel(void **state)
{
	static const char *const rows[][2] = {
		{"<p>Hi", "<p>Hi" PIXEL},
		{"<html><body>Hi</body></html>", "<html><body>Hi" PIXEL "</body></html>"},
		{"<body>a</body>b</BODY >c", "<body>a</body>b" PIXEL "</BODY >c"},
		{"<script>'</body>'</script>x", "<script>'</body>'</script>x" PIXEL},
		{"<a href='https://a.example'>A</a></body>",
		 "<a href='[chttps://a.example]'>A</a>" PIXEL "</body>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check(rows[i][0], true, rows[i][1]);
}

/* A link that leads through base stays: an answer to a tracked message is not tracked twice. */
static void test_twice(void **state)
{
	struct buf once, twice;

	(void)state;
	run("<a href='https://a.example'>A</a>", false, true, &once);
	run(buf_cstr(&once), false, true, &twice);
	assert_string_equal(buf_cstr(&once), buf_cstr(&twice));
	buf_fini(&once);
	buf_fini(&twice);
}

/* Every prefix, and every byte changed: with nothing asked for, the same comes out. */
static void test_bytes(void **state)
{
	char html[] = "<p a='b\"c' d=e/><a href=\"https://a.example\">&amp;&#38;</a><!-- x "
		      "--><style>y</style>";

	(void)state;
	for (size_t i = 0; html[i]; i++)
		for (int c = 0; c < 2; c++) {
			char before = html[i];
			struct buf out;

			html[i] = "<\""[c];
			run(html, false, false, &out);
			assert_string_equal(buf_cstr(&out), html);
			buf_fini(&out);
			run(html + i, true, true, &out);
			assert_true(out.n > sizeof(html) - 1 - i);
			buf_fini(&out);
			html[i] = before;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_pixel),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
