/* Cursors are opaque, bound to path and viewer, and never followed when changed; problems have all their members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/json.h"
#include "gateway/page.h"
#include "gateway/problem.h"

static struct http_request *request(struct app *app, const char *uri, const char *user)
{
	struct http_request *r = http_request_new(app, HTTP_GET, uri);

	r->viewer.company = SPAN_LIT("acme");
	r->viewer.user = span_cstr(user);
	return r;
}

static json_t *answered(struct http_request *r)
{
	return json_loadb((const char *)r->answer.body.p, r->answer.body.n, 0, NULL);
}

static char *cursor_of(struct http_request *r)
{
	json_t *body = answered(r);
	char *cursor = strdup(json_get_text(body, "nextCursor"));

	json_decref(body);
	return cursor;
}

/* What page_read makes of a cursor: true if it is the bytes. */
static bool opens(struct app *app, const char *path, const char *user, const char *cursor)
{
	char uri[1400];
	struct http_request *r;
	struct page page;
	bool ok;

	snprintf(uri, sizeof(uri), "%s?limit=7&cursor=%s", path, cursor);
	r = request(app, uri, user);
	ok = page_read(r, &page);
	if (ok)
		assert_true(page.limit == 7 && span_eq(page.cursor, SPAN_LIT("a\0b")));
	else
		assert_int_equal(r->answer.status, 400);
	http_request_free(&r);
	return ok;
}

static void cursors(void **state)
{
	struct gateway_conf conf = {.request_ms = 1000};
	struct app app = {.conf = &conf, .token_key = {{1, 2, 3}}};
	struct http_request *r = request(&app, "/v1/things", "anna");
	char *cursor;

	(void)state;
	page_answer(r, json_array(), SPAN_LIT("a\0b"));
	cursor = cursor_of(r);
	assert_null(strstr(cursor, "YQBi")); /* the bytes in base64: a cursor is sealed */
	assert_true(opens(&app, "/v1/things", "anna", cursor));
	assert_false(opens(&app, "/v1/others", "anna", cursor));
	assert_false(opens(&app, "/v1/things", "ben", cursor));
	assert_false(opens(&app, "/v1/things", "anna", "AAAA"));
	for (size_t i = 0; cursor[i]; i++) {
		char kept = cursor[i];

		cursor[i] = kept == 'A' ? 'B' : 'A';
		if (i + 1 < strlen(cursor)) /* the last one may hold unused bits */
			assert_false(opens(&app, "/v1/things", "anna", cursor));
		cursor[i] = kept;
	}
	free(cursor);
	http_request_free(&r);
}

static void limits(void **state)
{
	static const char *const BAD[] = {"0", "201", "-1", "x", "", "1e2"};
	struct gateway_conf conf = {.request_ms = 1000};
	struct app app = {.conf = &conf};
	struct page page;
	char uri[64];

	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		struct http_request *r;

		snprintf(uri, sizeof(uri), "/x?limit=%s", BAD[i]);
		r = request(&app, uri, "anna");
		assert_false(page_read(r, &page));
		http_request_free(&r);
	}
}

static void problems(void **state)
{
	static const char *const MEMBERS[] = {"type",	"title",  "status",    "code",
					      "detail", "remedy", "retryAfter"};
	struct http_request *r = http_request_new(NULL, HTTP_GET, "/x");

	(void)state;
	for (enum problem p = 0; p < PROBLEM_COUNT; p++) {
		json_t *body;

		problem_answer(r, p, "about \xff %s", "it");
		problem_extend(r, "field", json_string("a.b"));
		problem_retry_after(r, 5);
		body = answered(r);
		for (size_t i = 0; i < sizeof(MEMBERS) / sizeof(MEMBERS[0]); i++)
			assert_non_null(json_object_get(body, MEMBERS[i]));
		assert_int_equal(json_get_int(body, "status", 0), r->answer.status);
		assert_string_equal(json_get_text(body, "code"), problem_def(p)->code);
		assert_string_equal(json_get_text(body, "field"), "a.b");
		assert_string_equal(r->answer.type, "application/problem+json");
		for (enum problem q = 0; q < p; q++)
			assert_string_not_equal(problem_def(p)->code, problem_def(q)->code);
		json_decref(body);
	}
	assert_false(http_answer_header(r, "X", "a\r\nb"));
	http_request_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(cursors), cmocka_unit_test(limits),
					   cmocka_unit_test(problems)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
