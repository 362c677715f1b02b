/*
 * Proves F100 and F101 by the kinds of attack that public lists know: whatever goes in, what comes out holds elements and attributes
 * of the allow-list alone, no address that runs anything, nothing that loads by itself, and goes through unchanged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "parser/html_element.h"
#include "parser/html_token.h"
#include "parser/sanitize.h"
#include "parser/sanitize_table.h"

#define RUN "javascript:alert(1)"

static const char *const ATTACKS[] = {
	/* elements that run or load */
	"<script>alert(1)</script>",
	"<script src=//x.example/a.js></script>",
	"<script/x>alert(1)</script>",
	"<scr<script>ipt>alert(1)</scr</script>ipt>",
	"<script\n>alert(1)</script\n>",
	"<<script>alert(1);//<</script>",
	"<script>a='<script>';</script><img src=x onerror=alert(1)>",
	"<iframe src=" RUN "></iframe>",
	"<iframe srcdoc='<script>alert(1)</script>'></iframe>",
	"<embed src=" RUN ">",
	"<object data=" RUN "></object>",
	"<applet code=a></applet>",
	"<base href='" RUN "//'>",
	"<link rel=stylesheet href=//x.example/a.css>",
	"<link rel=import href=//x.example>",
	"<meta http-equiv=refresh content='0;url=" RUN "'>",
	"<frameset><frame src=" RUN "></frameset>",
	"<bgsound src=" RUN ">",
	"<layer src=//x.example></layer>",
	"<isindex type=image src=1 onerror=alert(1)>",
	"<xml id=x><i><b>&lt;img src=1 onerror=alert(1)&gt;</b></i></xml>",
	"<portal src=//x.example></portal>",
	"<dialog open onclose=alert(1)>x</dialog>",
	/* handlers */
	"<img src=x onerror=alert(1)>",
	"<img src=x oNeRrOr=alert(1)>",
	"<img/src=x/onerror=alert(1)>",
	"<body onload=alert(1)>",
	"<p onmouseover=alert(1)>x</p>",
	"<div onpointerenter='alert(1)'>x</div>",
	"<details open ontoggle=alert(1)>x</details>",
	"<input autofocus onfocus=alert(1)>",
	"<marquee onstart=alert(1)>x</marquee>",
	"<video><source onerror=alert(1)></video>",
	"<audio src=x onerror=alert(1)>",
	"<b style='x' onclick\n=\nalert(1)>x</b>",
	"<img src='x'\"onerror=alert(1)>",
	"<a href=x onclick=alert(1)//>x</a>",
	"<img \"\"\"><img src=x onerror=alert(1)>\">",
	"<p a=\"x\"onclick=alert(1)>x</p>",
	/* addresses that run */
	"<a href=" RUN ">x</a>",
	"<a href='JaVaScRiPt:alert(1)'>x</a>",
	"<a href=' \t javascript:alert(1)'>x</a>",
	"<a href='java\tscript:alert(1)'>x</a>",
	"<a href='java&#10;script:alert(1)'>x</a>",
	"<a href='&#106;avascript:alert(1)'>x</a>",
	"<a href='&#x6A&#x61vascript:alert(1)'>x</a>",
	"<a href='&#0000106avascript:alert(1)'>x</a>",
	"<a href='\x01javascript:alert(1)'>x</a>",
	"<a href='javascript&colon;alert(1)'>x</a>",
	"<a href='java&Tab;script&NewLine;:alert(1)'>x</a>",
	"<a href=vbscript:x>x</a>",
	"<a href=livescript:x>x</a>",
	"<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
	"<a href='view-source:" RUN "'>x</a>",
	"<a href='feed:" RUN "'>x</a>",
	"<a href='file:///etc/passwd'>x</a>",
	"<a href='blob:x'>x</a>",
	"<a href='jar:x'>x</a>",
	"<a href=//x.example>x</a>",
	"<a xlink:href=" RUN ">x</a>",
	"<a href=https://a.example ping=//x.example>x</a>",
	"<a href='ms-word:ofe|u|https://x.example/a'>x</a>",
	"<img src=" RUN ">",
	"<img dynsrc=" RUN ">",
	"<img lowsrc=" RUN ">",
	"<table background=" RUN "><td background=" RUN ">x",
	"<form action=" RUN "><input type=submit></form>",
	"<button formaction=" RUN ">x</button>",
	"<isindex action=" RUN ">",
	"<blockquote cite=" RUN ">x</blockquote>",
	"<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
	"<img src='data:text/html,<script>alert(1)</script>'>",
	"<area href=" RUN "><map name=x></map><img usemap=#x>",
	/* foreign content and what parsers disagree about */
	"<svg onload=alert(1)>",
	"<svg><script>alert(1)</script></svg>",
	"<svg><use href='data:image/svg+xml,x#x'/></svg>",
	"<svg><a xlink:href=" RUN "><text>x</text></a></svg>",
	"<svg><animate attributeName=href values=" RUN "></svg>",
	"<svg><foreignObject><script>alert(1)</script></foreignObject></svg>",
	"<svg><style><img src=x onerror=alert(1)></style></svg>",
	"<svg></p><style><a id='</style><img src=x onerror=alert(1)>'>",
	"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 "
	"onerror=alert(1)&gt;'>",
	"<math href=" RUN ">x</math>",
	"<math><annotation-xml "
	"encoding='text/html'><script>alert(1)</script></annotation-xml></math>",
	"<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
	"<noembed><img title='</noembed><img src=x onerror=alert(1)>'>",
	"<xmp><img title='</xmp><img src=x onerror=alert(1)>'>",
	"<textarea><img title='</textarea><img src=x onerror=alert(1)>'>",
	"<title><img title='</title><img src=x onerror=alert(1)>'>",
	"<template><img src=x onerror=alert(1)></template>",
	"<select><template><img src=x onerror=alert(1)>",
	"<table><style><img src=x onerror=alert(1)></style></table>",
	"<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=alert(1)>",
	"<plaintext><img src=x onerror=alert(1)>",
	"<!--><img src=x onerror=alert(1)>-->",
	"<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
	"<!-- --!><img src=x onerror=alert(1)>",
	"<![CDATA[><img src=x onerror=alert(1)>]]>",
	"<?xml ?><img src=x onerror=alert(1)>",
	"</p/><img src=x onerror=alert(1)>",
	"<p title='`'><img src=x onerror=alert(1)//`>",
	"<a title=\"<img src=x onerror=alert(1)>\">x</a>",
	"<p id=cookie name=body>x</p>",
	"&lt;script&gt;alert(1)&lt;/script&gt;",
	"+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
	"\xef\xbb\xbf<script>alert(1)</script>",
	"<\x00script>alert(1)</script>",
	"<custom-element onclick=alert(1)>x</custom-element>",
	"<img src=x:alert(1) onerror=eval(src)>",
	/* F101: CSS, and what loads by itself */
	"<style>@import '//x.example';</style>",
	"<style>p{background:url(" RUN ")}</style>",
	"<p style='background:url(" RUN ")'>x</p>",
	"<p style='width:expression(alert(1))'>x</p>",
	"<p style='width:exp/**/ression(alert(1))'>x</p>",
	"<p style='w\\69 dth:e\\78pression(alert(1))'>x</p>",
	"<p style='-moz-binding:url(//x.example)'>x</p>",
	"<p style='behavior:url(//x.example)'>x</p>",
	"<p style='color:red;background-image:\\75 rl(//x.example)'>x</p>",
	"<p style='background:image-set(\"//x.example\" 1x)'>x</p>",
	"<p style='list-style:url(//x.example)'>x</p>",
	"<p style='cursor:url(//x.example),auto'>x</p>",
	"<p style='content:url(//x.example)'>x</p>",
	"<p style='--x:url(//x.example);color:var(--x)'>x</p>",
	"<p style='position:fixed;top:0;left:0;width:9999px;height:9999px'>x</p>",
	"<p style=\"font-family:'x';background:url('//x.example')\">x</p>",
	"<p style='color:red}body{background:url(//x.example)'>x</p>",
	"<img srcset='//x.example/a 1x'>",
	"<img src=cid:a srcset='https://x.example/a 2x' sizes=1px>",
	"<picture><source srcset=//x.example/a></picture>",
	"<link rel=prefetch href=//x.example>",
	"<link rel=dns-prefetch href=//x.example>",
	"<link rel=preload as=image href=//x.example>",
	"<video poster=//x.example/a></video>",
	"<audio src=//x.example autoplay></audio>",
	"<body background=//x.example/a>",
	"<td background='https://x.example/a'>x</td>",
	"<img src=https://x.example/a>",
	"<input type=image src=//x.example/a>",
	"<track src=//x.example/a>",
	"<img src='//x.example/a'>",
	"<image src=//x.example/a>",
};

static bool starts_with_any(struct span s, const char *const *words)
{
	for (; *words; words++) {
		if (span_istarts(s, span_cstr(*words)))
			return true;
	}
	return false;
}

static void assert_address(const char *name, struct span value)
{
	static const char *const links[] = {"http://", "https://", "mailto:", "tel:", NULL};
	static const char *const pictures[] = {
		"cid:", "data:image/png", "data:image/gif", "data:image/jpeg", "data:image/webp",
		NULL};
	assert_true(starts_with_any(value, strcmp(name, "href") == 0 ? links : pictures));
}

static void assert_attribute(struct html_attribute a)
{
	static const char *const danger[] = {"url", "expression", "import", "binding",	 "behavior",
					     "\\",  "fixed",	  "var(",   "image-set", NULL};
	char name[32] = "";
	struct span value = a.value.n >= 2 ? span_sub(a.value, 1, a.value.n - 2) : a.value;
	assert_true(a.name.n < sizeof(name));
	memcpy(name, a.name.p, a.name.n);
	if (strcmp(name, "href") == 0 || strcmp(name, "src") == 0 ||
	    strcmp(name, "background") == 0) {
		assert_address(name, value);
		return;
	}
	if (strcmp(name, "style") == 0) {
		for (const char *const *d = danger; *d; d++)
			assert_null(memmem(value.p, value.n, *d, strlen(*d)));
		return;
	}
	if (strcmp(name, "class") == 0) {
		assert_true(span_eq(value, SPAN_LIT("mw-quoted")));
		return;
	}
	assert_true(strcmp(name, "target") == 0 || strcmp(name, "rel") == 0 ||
		    sanitize_table_attribute(name));
}

static void assert_harmless(struct span html)
{
	struct html_token token;
	for (size_t at = 0; html_token_next(html, &at, &token);) {
		assert_int_not_equal(token.kind, HTML_OTHER);
		if (token.kind == HTML_TEXT)
			continue;
		enum sanitize_element kind = sanitize_table_element(html_element_tag(token.name));
		assert_true(kind == SANITIZE_KEEP || kind == SANITIZE_KEEP_VOID);
		struct html_attribute a;
		for (size_t k = 0; html_attribute_next(token.attributes, &k, &a);)
			assert_attribute(a);
	}
}

static void clean(struct arena *arena, struct span in, struct buf *out)
{
	struct sanitize s = {.arena = arena};
	buf_clear(out);
	assert_true(sanitize_html(&s, in, out));
}

/* Each alone, and each behind what changes the parser's state. */
static void f100_f101_no_attack_comes_through(void **state)
{
	(void)state;
	static const char *const before[] = {"",	 "<table>",  "<p title='",
					     "<select>", "<div><b>", "<!-- -->",
					     "<pre>\n",	 "<svg><p>", "<math><mi>"};
	struct arena *arena = arena_new(0);
	struct buf in, once, twice;
	buf_init(&in, 1 << 16);
	buf_init(&once, 1 << 16);
	buf_init(&twice, 1 << 16);
	for (size_t i = 0; i < sizeof(ATTACKS) / sizeof(ATTACKS[0]); i++) {
		for (size_t k = 0; k < sizeof(before) / sizeof(before[0]); k++) {
			buf_clear(&in);
			buf_put_cstr(&in, before[k]);
			buf_put_cstr(&in, ATTACKS[i]);
			clean(arena, buf_span(&in), &once);
			print_message("%s\n   %s\n", buf_cstr(&in), buf_cstr(&once));
			assert_harmless(buf_span(&once));
			clean(arena, buf_span(&once), &twice);
			assert_string_equal(buf_cstr(&twice), buf_cstr(&once));
			arena_reset(arena);
		}
	}
	buf_fini(&in);
	buf_fini(&once);
	buf_fini(&twice);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(f100_f101_no_attack_comes_through)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
