/* Proves: RFC 3339 times are written and read exactly, and what is none is refused. */
#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void writes(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00Z"},
		{-1, "1969-12-31T23:59:59Z"},
		{1795526320123, "2026-11-24T13:18:40Z"},
		{INT64_MAX, "9999-12-31T23:59:59Z"},
		{INT64_MIN, "0001-01-01T00:00:00Z"},
	};
	char text[CLOCK_RFC3339_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		clock_rfc3339(cases[i].ms, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void reads(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-11-24T13:18:40Z", 1795526320000},
		{"2026-11-24t14:18:40.123456+01:00", 1795526320123},
		{"2026-11-24T09:48:40.1-03:30", 1795526320100},
		{"2024-02-29T23:59:60z", 1709251200000},
		{"1900-03-01T00:00:00Z", -2203891200000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t ms = 1;

		assert_true(clock_parse_rfc3339(cases[i].text, strlen(cases[i].text), &ms));
		assert_int_equal(ms, cases[i].ms);
	}
}

static void refuses(void **state)
{
	static const char *const cases[] = {
		"",
		"2026-11-24",
		"2026-11-24T13:18:40",
		"2026-11-24 13:18:40Z",
		"2026-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-01-32T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:61Z",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00+0100",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00Zx",
		"+026-01-01T00:00:00Z",
		"0000-01-01T00:00:00Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t ms = 5;

		assert_false(clock_parse_rfc3339(cases[i], strlen(cases[i]), &ms));
		assert_int_equal(ms, 5);
	}
	for (size_t n = 0; n < 20; n++) { /* every cut of a good one */
		int64_t ms;

		assert_false(clock_parse_rfc3339("2026-11-24T13:18:40Z", n, &ms));
	}
}

static void advances(void **state)
{
	int64_t us = clock_mono_us(), ms = clock_mono_ms();

	(void)state;
	assert_true(ms >= us / 1000);
	assert_true(clock_mono_us() >= us);
	assert_true(clock_wall_ms() > 1700000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes),
		cmocka_unit_test(reads),
		cmocka_unit_test(refuses),
		cmocka_unit_test(advances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
