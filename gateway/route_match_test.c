/* The table finds the route that a path names, the more literal one first, and tells 404 from 405. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/route.h"

static const struct route ROUTES[] = {
	{.method = HTTP_GET, .pattern = "/v1/things"},
	{.method = HTTP_GET, .pattern = "/v1/things/{id}"},
	{.method = HTTP_PUT, .pattern = "/v1/things/{id}"},
	{.method = HTTP_POST, .pattern = "/v1/things/verify"},
	{.method = HTTP_GET, .pattern = "/v1/things/verify"},
	{.method = HTTP_GET, .pattern = "/v1/{a}/x/{b}"},
	{.method = HTTP_GET, .pattern = "/v1/things/{id}/parts/{part}"},
};
static ROUTE_TABLE(table, "test", ROUTES);
static const struct route_table *const TABLES[] = {&table, NULL};

static const struct {
	enum http_method method;
	const char *path, *pattern; /* NULL: none */
	enum route_match_result result;
	unsigned allow;
	const char *first, *second;
} CASES[] = {
	{HTTP_GET, "/v1/things", "/v1/things", ROUTE_FOUND, 1, NULL, NULL},
	{HTTP_GET, "/v1/things/a", "/v1/things/{id}", ROUTE_FOUND, 5, "a", NULL},
	{HTTP_PUT, "/v1/things/a", "/v1/things/{id}", ROUTE_FOUND, 5, "a", NULL},
	{HTTP_GET, "/v1/things/verify", "/v1/things/verify", ROUTE_FOUND, 7, NULL, NULL},
	{HTTP_PUT, "/v1/things/verify", "/v1/things/{id}", ROUTE_FOUND, 7, "verify", NULL},
	{HTTP_GET, "/v1/things/x/y", "/v1/{a}/x/{b}", ROUTE_FOUND, 1, "things", "y"},
	{HTTP_GET, "/v1/things/x/parts/1.2", "/v1/things/{id}/parts/{part}", ROUTE_FOUND, 1, "x",
	 "1.2"},
	{HTTP_GET, "/v1/q/x/a%2Fb%C3%BC", "/v1/{a}/x/{b}", ROUTE_FOUND, 1, "q", "a/b\xc3\xbc"},
	{HTTP_DELETE, "/v1/things", NULL, ROUTE_NO_METHOD, 1, NULL, NULL},
	{HTTP_METHODS, "/v1/things", NULL, ROUTE_NO_METHOD, 1, NULL, NULL},
	{HTTP_GET, "/v1/things/", NULL, ROUTE_NO_PATH, 0, NULL, NULL},
	{HTTP_GET, "/v1/thingsx", NULL, ROUTE_NO_PATH, 0, NULL, NULL},
	{HTTP_GET, "/v1", NULL, ROUTE_NO_PATH, 0, NULL, NULL},
	{HTTP_GET, "", NULL, ROUTE_NO_PATH, 0, NULL, NULL},
	{HTTP_GET, "v1/things", NULL, ROUTE_NO_PATH, 0, NULL, NULL},
	{HTTP_GET, "/v1/things/%", NULL, ROUTE_NO_PATH, 0, NULL, NULL},
	{HTTP_GET, "/v1/things/%2", NULL, ROUTE_NO_PATH, 0, NULL, NULL},
	{HTTP_GET, "/v1/things/%00", NULL, ROUTE_NO_PATH, 0, NULL, NULL},
	{HTTP_GET, "/v1/things/a/b/c", NULL, ROUTE_NO_PATH, 0, NULL, NULL},
};

static void matches(void **state)
{
	struct arena *arena = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct span ids[HTTP_IDS_MAX];
		const struct route *route;
		unsigned allow;

		assert_int_equal(route_match(TABLES, CASES[i].path, CASES[i].method, arena, &route,
					     ids, &allow),
				 CASES[i].result);
		assert_int_equal(allow, CASES[i].allow);
		if (CASES[i].result != ROUTE_FOUND) {
			assert_null(route);
			continue;
		}
		assert_string_equal(route->pattern, CASES[i].pattern);
		assert_int_equal(route->method, CASES[i].method);
		if (CASES[i].first)
			assert_true(span_eq(ids[0], span_cstr(CASES[i].first)));
		if (CASES[i].second)
			assert_true(span_eq(ids[1], span_cstr(CASES[i].second)));
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(matches)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
