/* Proves that mail's HTML cannot run, load or submit anything, and that what comes out goes through unchanged (INB-02). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "parser/css.h"
#include "parser/sanitize.h"

struct row {
	const char *in, *out;
};

static const struct row ROWS[] = {
	{"plain & simple", "plain &amp; simple"},
	{"<p>Hi <b>you</b></p>", "<p>Hi <b>you</b></p>"},
	{"<script>alert(1)</script>x", "x"},
	{"<SCRIPT SRC=http://x/a.js></SCRIPT>x", "x"},
	{"<img src=x onerror=alert(1)>", "<img>"},
	{"<img src=\"javascript:alert(1)\">", "<img>"},
	{"<a href=\"javascript:alert(1)\">x</a>", "<a>x</a>"},
	{"<a href=\" JaVaScRiPt:alert(1)\">x</a>", "<a>x</a>"},
	{"<a href=\"java\nscript:alert(1)\">x</a>", "<a>x</a>"},
	{"<a href=\"data:text/html,<script>1</script>\">x</a>", "<a>x</a>"},
	{"<a href=https://ok.example/?a=1&b=2>x</a>",
	 "<a href=\"https://ok.example/?a=1&amp;b=2\" target=\"_blank\" rel=\"noopener noreferrer "
	 "nofollow\">x</a>"},
	{"<svg><script>alert(1)</script></svg>y", "y"},
	{"<svg><use href=\"data:image/svg+xml,x\"/></svg>y", "y"},
	{"<math><mi><style><img src=x onerror=alert(1)></style></mi></math>y", "y"},
	{"<style>@import url(http://x)</style>y", "y"},
	{"<iframe src=https://x></iframe>y", "y"},
	{"<form action=https://x><input name=a><button>Go</button></form>", "Go"},
	{"<object data=x><p>in</p></object>y", "y"},
	{"<meta http-equiv=refresh content=0>y", "y"},
	{"<base href=https://evil.example/>y", "y"},
	{"<div style=\"color: red; background: url(https://t.example/x)\">a</div>",
	 "<div style=\"color: red\">a</div>"},
	{"<div style=\"width: expression(alert(1))\">a</div>", "<div>a</div>"},
	{"<div style=\"position: fixed; top: 0; color: #fff\">a</div>",
	 "<div style=\"color: #fff\">a</div>"},
	{"<div style=\"color: \\72 ed\">a</div>", "<div>a</div>"},
	{"<img src=cid:logo@x alt=Logo>", "<img src=\"cid:logo@x\" alt=\"Logo\">"},
	{"<img src=\"data:image/png;base64,AAAA\">", "<img src=\"data:image/png;base64,AAAA\">"},
	{"<img src=\"data:image/svg+xml;base64,AAAA\">", "<img>"},
	{"<img src=https://t.example/p.gif width=1>", "<img width=\"1\">"},
	{"<blink>x</blink><unknown a=b>y</unknown>", "xy"},
	{"<p title='\"><script>1</script>'>x</p>",
	 "<p title=\"&quot;&gt;&lt;script&gt;1&lt;/script&gt;\">x</p>"},
	{"<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
	 "<p title=\"&lt;/noscript&gt;&lt;img src=x onerror=alert(1)&gt;\"></p>"},
	{"<!--[if mso]><script>1</script><![endif]-->x", "x"},
	{"<template><script>1</script></template>x", "x"},
	{"<blockquote type=cite>old</blockquote>",
	 "<div class=\"mw-quoted\"><blockquote>old</blockquote></div>"},
	{"new<div class=gmail_quote>old <blockquote type=cite>older</blockquote></div>after",
	 "new<div class=\"mw-quoted\"><div>old <blockquote>older</blockquote></div></div>after"},
	{"new<div id=divRplyFwdMsg>From</div><p>old</p>",
	 "new<div class=\"mw-quoted\"><div>From</div><p>old</p></div>"},
	{"<div class=evil id=x name=y>a</div>", "<div>a</div>"},
};

static void sanitize(const char *in, bool remote, struct sanitize *s, struct buf *out)
{
	s->remote = remote;
	s->blocked_count = 0;
	buf_clear(out);
	assert_true(sanitize_html(s, span_cstr(in), out));
}

static void rows_come_out_as_expected(void **state)
{
	(void)state;
	struct sanitize s = {.arena = arena_new(0)};
	struct buf out;
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		sanitize(ROWS[i].in, false, &s, &out);
		if (strcmp(buf_cstr(&out), ROWS[i].out) != 0)
			print_message("in %s\n", ROWS[i].in);
		assert_string_equal(buf_cstr(&out), ROWS[i].out);
	}
	buf_fini(&out);
	arena_free(&s.arena);
}

/* Pieces that make parsers disagree, in all pairs and some triples. */
static void output_goes_through_unchanged(void **state)
{
	(void)state;
	static const char *const pieces[] = {"<p>",
					     "<table><tr>",
					     "<form>",
					     "<a href=https://x.example>",
					     "<b>",
					     "<i>",
					     "</p>",
					     "<pre>\n\n",
					     "<button><div>",
					     "<select><option>",
					     "text",
					     "<svg><p>",
					     "<title>",
					     "<td>",
					     "<li>",
					     "</table>",
					     "<font color=red>",
					     "&lt;b&gt;",
					     "<h1><h2>",
					     "<math><mtext><table>",
					     "<div class=gmail_quote>",
					     "<!--",
					     "-->",
					     "<style>",
					     "</style>",
					     "<plaintext>",
					     "<frameset>",
					     "<caption>",
					     "\xc2\xa0"};
	const size_t count = sizeof(pieces) / sizeof(pieces[0]);
	struct sanitize s = {.arena = arena_new(0)};
	struct buf first, second;
	buf_init(&first, 1 << 20);
	buf_init(&second, 1 << 20);
	for (size_t i = 0; i < count * count * count; i += 3) {
		char html[256];
		snprintf(html, sizeof(html), "%s%s%sx", pieces[i % count],
			 pieces[i / count % count], pieces[i / count / count]);
		sanitize(html, true, &s, &first);
		char *once = arena_cstr(s.arena, buf_span(&first));
		sanitize(once, true, &s, &second);
		assert_string_equal(buf_cstr(&second), once);
		assert_null(strstr(once, "<script"));
		assert_null(strstr(once, "<style"));
		arena_reset(s.arena);
	}
	buf_fini(&first);
	buf_fini(&second);
	arena_free(&s.arena);
}

static void remote_pictures_are_told_or_kept(void **state)
{
	(void)state;
	struct sanitize s = {.arena = arena_new(0)};
	struct buf out;
	const char *html = "<img src=https://a.example/1.gif><img src=https://a.example/1.gif>"
			   "<table background=http://b.example/2.png></table><p "
			   "style='background:url(\"http://c.example/3\")'>";
	buf_init(&out, 1 << 20);
	sanitize(html, false, &s, &out);
	assert_int_equal(s.blocked_count, 3);
	assert_null(strstr(buf_cstr(&out), "http"));
	sanitize(html, true, &s, &out);
	assert_non_null(strstr(buf_cstr(&out), "<img src=\"https://a.example/1.gif\">"));
	assert_null(strstr(buf_cstr(&out), "c.example"));
	buf_fini(&out);
	arena_free(&s.arena);
}

/* A megabyte of open elements takes a tree builder half a minute; here what is too deep loses its tags. */
static void depth_is_limited(void **state)
{
	(void)state;
	struct sanitize s = {.arena = arena_new(0)};
	struct buf html, out;
	buf_init(&html, 8 << 20);
	buf_init(&out, 8 << 20);
	for (int i = 0; i < 200000; i++)
		buf_put_cstr(&html, i % 2 ? "<div>" : "<b>");
	buf_put_cstr(&html, "text");
	sanitize(buf_cstr(&html), false, &s, &out);
	assert_non_null(strstr(buf_cstr(&out), "text"));
	assert_true(out.n < 100000);
	buf_fini(&html);
	buf_fini(&out);
	arena_free(&s.arena);
}

/* Tags that hide from a count of what is open: nothing nests deeper for them, and of attributes only ours are left. */
static void nothing_hides_from_the_limits(void **state)
{
	(void)state;
	static const char *const pieces[] = {"<span><div></span></div>", "<span><p></span></p>",
					     "<h1><h2></h2><span></h1>", "<li><dd>",
					     "<!--><b></b><i>",		 "<p a=1>"};
	struct sanitize s = {.arena = arena_new(0)};
	struct buf html, out;
	buf_init(&html, 8 << 20);
	buf_init(&out, 8 << 20);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		buf_clear(&html);
		for (int k = 0; k < 20000; k++)
			buf_put_cstr(&html, pieces[i]);
		buf_put_cstr(&html, "end");
		sanitize(buf_cstr(&html), false, &s, &out);
		assert_non_null(strstr(buf_cstr(&out), "end"));
	}
	buf_clear(&html);
	buf_put_cstr(&html, "<p ");
	for (int k = 0; k < 200000; k++)
		buf_printf(&html, "a%d=1 ", k);
	buf_put_cstr(&html, "title=t>x");
	sanitize(buf_cstr(&html), false, &s, &out);
	assert_string_equal(buf_cstr(&out), "<p>x</p>");
	buf_fini(&html);
	buf_fini(&out);
	arena_free(&s.arena);
}

static void what_costs_too_much_is_refused(void **state)
{
	(void)state;
	struct sanitize s = {.arena = arena_new(0)};
	struct buf html, out;
	buf_init(&html, 8 << 20);
	buf_init(&out, 8 << 20);
	buf_put_cstr(&html, "<div>"); /* a hundred fonts that every paragraph opens again */
	for (int i = 0; i < 100; i++)
		buf_printf(&html, "<font color=%d>", i);
	buf_put_cstr(&html, "</div>");
	for (int i = 0; i < 300000; i++)
		buf_put_cstr(&html, "<p>x");
	assert_false(sanitize_html(&s, buf_span(&html), &out));
	assert_int_equal(out.n, 0);
	buf_fini(&html);
	buf_fini(&out);
	arena_free(&s.arena);
}

/* 18,000 rows with styles and links: larger than what people send, and far from what is refused. */
static void large_newsletters_pass(void **state)
{
	(void)state;
	struct sanitize s = {.arena = arena_new(0)};
	struct buf html, out;
	buf_init(&html, 8 << 20);
	buf_init(&out, 8 << 20);
	buf_put_cstr(&html, "<table>");
	for (int i = 0; i < 18000; i++)
		buf_printf(
			&html,
			"<tr><td align=left valign=top width=%d "
			"style=\"font-family:Arial;color:#333;"
			"padding:4px\"><a href=\"https://x.example/%d\">Article %d</a></td></tr>",
			i % 600, i, i);
	buf_put_cstr(&html, "</table>");
	assert_true(html.n > 2600000 && html.n < SANITIZE_HTML_BYTES_MAX);
	assert_true(sanitize_html(&s, buf_span(&html), &out));
	assert_non_null(strstr(buf_cstr(&out), "Article 17999</a>"));
	buf_fini(&html);
	buf_fini(&out);
	arena_free(&s.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_out_as_expected),
		cmocka_unit_test(output_goes_through_unchanged),
		cmocka_unit_test(remote_pictures_are_told_or_kept),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(nothing_hides_from_the_limits),
		cmocka_unit_test(what_costs_too_much_is_refused),
		cmocka_unit_test(large_newsletters_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
