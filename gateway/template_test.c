/* SND-03: fields, defaults and conditions are filled in; what has no value, no name or no sense is named and never goes out;
 * in HTML no value becomes markup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/template.h"
#include "gateway/template_place.h"

static enum template_value get(void *ctx, struct span name, struct span *value_out)
{
	static const struct {
		const char *name, *value;
	} known[] = {{"person.name", "Kim"},
		     {"person.evil", "<img src=x onerror=\"a('&')\">\nx"},
		     {"deal.title", "Tea & Co"},
		     {"dash", "->"},
		     {"bad.link", " JavaScript\n:alert(1)"},
		     {"half.link", "java"},
		     {"rest.link", "script:x"},
		     {"good.link", "https://a.example/?b=c:d"},
		     {"person.empty", ""}};

	(void)ctx;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (span_eq(name, span_cstr(known[i].name))) {
			*value_out = span_cstr(known[i].value);
			return value_out->n ? TEMPLATE_FOUND : TEMPLATE_EMPTY;
		}
	return TEMPLATE_UNKNOWN;
}

static const struct template_fields FIELDS = {NULL, get};

static void fill(const char *text, enum template_mode mode, char out[512],
		 struct template_gaps *gaps)
{
	struct buf b;

	gaps->count = 0;
	buf_init(&b, 511);
	template_fill(span_cstr(text), mode, &FIELDS, &b, gaps);
	assert_true(buf_ok(&b));
	snprintf(out, 512, "%.*s", (int)b.n, b.p ? (const char *)b.p : "");
	buf_fini(&b);
}

static void filled(void **state)
{
	static const struct {
		const char *text, *plain, *html;
	} cases[] = {
		{"", "", ""},
		{"Hi {{person.name}}!", "Hi Kim!", "Hi Kim!"},
		{"{{ person.name }}{{person.name}}", "KimKim", "KimKim"},
		{"{{nobody|you}}", "you", "you"},
		{"{{person.empty | \" dear \"}}", " dear ", " dear "},
		{"{{person.empty|}}.", ".", "."},
		{"{{person.name|you}}", "Kim", "Kim"},
		{"{{person.empty|a & b <i>}}", "a & b <i>", "a & b &lt;i&gt;"},
		{"{{deal.title}}", "Tea & Co", "Tea &amp; Co"},
		{"{{person.evil}}", "<img src=x onerror=\"a('&')\">\nx",
		 "&lt;img src=x onerror=&quot;a(&#39;&amp;&#39;)&quot;&gt;<br>x"},
		{"{{#if deal.title}}A{{else}}B{{/if}}", "A", "A"},
		{"<!--{{dash}}>-->", "<!--->>-->", "<!--&#45;&gt;>-->"},
		{"{{#if person.empty}}A{{else}}B{{/if}}", "B", "B"},
		{"{{#if person.empty}}A{{nobody}}{{/if}}C", "C", "C"},
		{"{{#if deal.title}}1{{#if person.empty}}2{{else}}3{{/if}}{{else}}4{{/if}}5", "135",
		 "135"},
		{"{{#if person.empty}}1{{#if deal.title}}2{{else}}3{{/if}}{{else}}4{{/if}}5", "45",
		 "45"},
		{"a { b }} {{ c", "a { b }} {{ c", "a { b }} {{ c"},
	};
	struct template_gaps gaps;
	char out[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fill(cases[i].text, TEMPLATE_TEXT, out, &gaps);
		assert_string_equal(out, cases[i].plain);
		assert_int_equal(gaps.count, 0);
		fill(cases[i].text, TEMPLATE_HTML, out, &gaps);
		assert_string_equal(out, cases[i].html);
		assert_int_equal(gaps.count, 0);
	}
}

static void what_cannot_be_filled(void **state)
{
	static const struct {
		const char *text, *tag;
		enum template_value why;
	} cases[] = {
		{"Hi {{person.empty}}", "{{person.empty}}", TEMPLATE_EMPTY},
		{"Hi {{person.nane}}", "{{person.nane}}", TEMPLATE_UNKNOWN},
		{"{{#if nobody}}x{{/if}}", "{{#if nobody}}", TEMPLATE_UNKNOWN},
		{"{{}}", "{{}}", TEMPLATE_BAD},
		{"{{{person.name}}}", "{{{person.name}}", TEMPLATE_BAD},
		{"{{person..name}}", "{{person..name}}", TEMPLATE_BAD},
		{"{{.a}}", "{{.a}}", TEMPLATE_BAD},
		{"{{a.}}", "{{a.}}", TEMPLATE_BAD},
		{"{{person name}}", "{{person name}}", TEMPLATE_BAD},
		{"{{#each x}}", "{{#each x}}", TEMPLATE_BAD},
		{"{{else}}", "{{else}}", TEMPLATE_BAD},
		{"{{/if}}", "{{/if}}", TEMPLATE_BAD},
		{"{{#if deal.title}}x", "{{#if deal.title}}", TEMPLATE_BAD},
		{"{{#if deal.title}}{{else}}{{else}}{{/if}}", "{{else}}", TEMPLATE_BAD},
		{"{{#if person.empty}}{{bad tag}}{{/if}}", "{{bad tag}}", TEMPLATE_BAD},
	};
	struct template_gaps gaps;
	char out[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fill(cases[i].text, TEMPLATE_TEXT, out, &gaps);
		assert_int_equal(gaps.count, 1);
		assert_int_equal(gaps.items[0].why, cases[i].why);
		assert_true(span_eq(gaps.items[0].tag, span_cstr(cases[i].tag)));
	}
	fill("{{a}}{{b}}{{a}}{{deal.title}}", TEMPLATE_TEXT, out, &gaps);
	assert_int_equal(gaps.count, 2);
}

static void nested_too_deep(void **state)
{
	struct template_gaps gaps;
	char text[512] = "", out[512];

	(void)state;
	for (int i = 0; i < TEMPLATE_DEPTH_MAX + 1; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "{{#if deal.title}}");
	fill(text, TEMPLATE_TEXT, out, &gaps);
	assert_int_equal(gaps.count, 1); /* the same tag, named once */
}

/* In which places of the HTML a field may stand. */
static void places(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"<p>{{person.name}}</p>", true},
		{"<a href=\"{{person.name}}\">", true},
		{"<a href='x{{person.name}}' b>{{person.name}}", true},
		{"<a href={{person.name}}>", false},
		{"<{{person.name}}>", false},
		{"<a {{person.name}}>", false},
		{"<a href=\"x\"{{person.name}}>", false},
		{"3 < 4 {{person.name}}", true},
		{"it's {{person.name}}", true},
		{"<!-- <a {{person.name}} -->{{person.name}}", true},
		{"<!-- > {{person.name}} --><a{{person.name}}>", false},
		{"<script>{{person.name}}</script>", false},
		{"<style>a{b:{{person.name}}}</style>", false},
		{"<SCRIPT a=\"b\">if (a<b) '</x>'</Script >{{person.name}}", true},
		{"<script>'</scrip>{{person.name}}'</script>", false},
		{"<section>{{person.name}}</section>", true},
		{"{{#if deal.title}}<b>{{else}}<i>{{/if}}x", true},
		{"{{#if deal.title}}<b{{else}}x{{/if}}", false},
		{"{{#if deal.title}}<a href=\"{{/if}}{{person.name}}\">", false},
		{"<a href=\"{{#if deal.title}}x{{/if}}\">", true},
		/* where a link leads is a value's to say only with a scheme that runs nothing */
		{"<a href=\"{{good.link}}\">", true},
		{"<a href=\"{{bad.link}}\">", false},
		{"<a class='x' HREF = '{{bad.link}}'>", false},
		{"<a href=\"{{half.link}}{{rest.link}}\">", false},
		{"<a href=\"https://a.example/{{bad.link}}\">", true},
		{"<a href=\"mailto:{{person.name}}\">", true},
		{"<img src='{{bad.link}}'>", false},
		{"<a title=\"{{bad.link}}\" href=\"x\">", true},
		{"<a href=x title=\"{{bad.link}}\">", true},
		{"<a href=\"x\"title=\"{{bad.link}}\">", true},
		{"<a href=\"x\">{{bad.link}}", true},
	};
	struct template_gaps gaps;
	char out[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fill(cases[i].text, TEMPLATE_HTML, out, &gaps);
		if ((gaps.count == 0) != cases[i].good)
			fail_msg("%s", cases[i].text);
	}
}

static void place_at_every_split(void **state)
{
	const struct span text = SPAN_LIT(
		"a<b c=\"d>e\" f='g'>h<!-- i -- > -->j<style>k</x></style>l<!doctype m>n<<o>");
	struct template_place whole = {0}, parts;

	(void)state;
	template_place_feed(&whole, text);
	assert_true(template_place_text(&whole));
	for (size_t cut = 0; cut <= text.n; cut++) {
		parts = (struct template_place){0};
		template_place_feed(&parts, span_sub(text, 0, cut));
		template_place_feed(&parts, span_sub(text, cut, text.n));
		assert_true(template_place_same(&whole, &parts));
	}
}

/* Each octet is read once: a text of many braces is done in no time, not in hours. */
static void long_texts(void **state)
{
	const size_t n = 1 << 20;
	static const char *const pieces[] = {"{", "{{", "{{#if a}}", "{{a}", "}}", "<!"};
	struct template_gaps gaps;
	struct buf text, out;

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		gaps.count = 0;
		buf_init(&text, n + 16);
		buf_init(&out, n + 16);
		while (text.n < n)
			buf_put_cstr(&text, pieces[i]);
		template_fill(buf_span(&text), TEMPLATE_HTML, &FIELDS, &out, &gaps);
		assert_true(buf_ok(&out));
		buf_fini(&text);
		buf_fini(&out);
	}
}

static void full(void **state)
{
	struct template_gaps gaps = {.count = 0};
	struct buf out;

	(void)state;
	buf_init(&out, 4);
	template_fill(SPAN_LIT("{{deal.title}}"), TEMPLATE_TEXT, &FIELDS, &out, &gaps);
	assert_false(buf_ok(&out));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filled),
		cmocka_unit_test(what_cannot_be_filled),
		cmocka_unit_test(nested_too_deep),
		cmocka_unit_test(places),
		cmocka_unit_test(place_at_every_split),
		cmocka_unit_test(long_texts),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
