/* Lines come out whole wherever the body was cut; long ones are skipped and told; a full upload is woken once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "gateway/upload.h"

static void count(void *ctx)
{
	++*(int *)ctx;
}

static void every_split(void **state)
{
	static const char TEXT[] = "one\r\n\ntwo\nthree";
	static const char *const LINES[] = {"one", "", "two", "three"};

	(void)state;
	for (size_t cut = 0; cut < sizeof(TEXT); cut++) {
		struct http_upload *u = upload_new(count, NULL, &(int){0});
		size_t rest = sizeof(TEXT) - 1 - cut;
		struct upload_line line;

		assert_int_equal(upload_put(u, TEXT, cut), cut);
		assert_int_equal(upload_put(u, TEXT + cut, rest), rest);
		upload_end(u, true);
		for (size_t i = 0; i < 4; i++) {
			assert_true(upload_next_line(u, clock_mono_ms() + 1000, &line));
			assert_true(span_eq(line.text, span_cstr(LINES[i])) && !line.too_long);
		}
		assert_false(upload_next_line(u, clock_mono_ms() + 1000, &line));
		assert_true(upload_whole(u));
		upload_free(&u);
	}
}

static void long_lines_are_told(void **state)
{
	size_t n = UPLOAD_LINE_MAX + 1000;
	char *text = malloc(n + 7);
	struct http_upload *u = upload_new(count, NULL, &(int){0});
	struct upload_line line;

	(void)state;
	memset(text, 'x', n);
	memcpy(text + n, "\nnext\n", 6);
	assert_int_equal(upload_put(u, text, n + 6), n + 6);
	upload_end(u, true);
	assert_true(upload_next_line(u, clock_mono_ms() + 1000, &line) && line.too_long);
	assert_true(upload_next_line(u, clock_mono_ms() + 1000, &line) && !line.too_long);
	assert_true(span_eq(line.text, SPAN_LIT("next")));
	assert_false(upload_next_line(u, clock_mono_ms() + 1000, &line));
	upload_free(&u);
	free(text);
}

static void a_full_one_is_woken_once(void **state)
{
	char *text = calloc(1, UPLOAD_ROOM + 1);
	int woken = 0;
	struct http_upload *u = upload_new(count, NULL, &woken);
	struct upload_line line;

	(void)state;
	memset(text, '\n', UPLOAD_ROOM + 1);
	assert_int_equal(upload_put(u, text, UPLOAD_ROOM + 1), UPLOAD_ROOM);
	assert_int_equal(upload_put(u, text, 1), 0);
	assert_int_equal(woken, 0);
	assert_true(upload_next_line(u, clock_mono_ms() + 1000, &line));
	assert_int_equal(woken, 1);
	assert_true(upload_next_line(u, clock_mono_ms() + 1000, &line));
	assert_int_equal(woken, 1);
	upload_ignore(u);
	assert_int_equal(upload_put(u, text, UPLOAD_ROOM + 1), UPLOAD_ROOM + 1);
	upload_free(&u);
	free(text);
}

static void a_cut_body_is_not_whole(void **state)
{
	struct http_upload *u = upload_new(count, NULL, &(int){0});
	struct upload_line line;

	(void)state;
	upload_put(u, "half", 4);
	assert_true(upload_next_line(u, clock_mono_ms() + 20, &line));
	upload_end(u, false);
	assert_false(upload_whole(u));
	upload_free(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_split),
					   cmocka_unit_test(long_lines_are_told),
					   cmocka_unit_test(a_full_one_is_woken_once),
					   cmocka_unit_test(a_cut_body_is_not_whole)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
