/* Proves: a buffer never holds more than its maximum, and says once, at the end, that it would have had to. */
#include "common/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void grows_to_its_maximum(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (unsigned i = 0; i < 1000; i++)
		buf_put_byte(&b, (uint8_t)('a' + i % 26));
	assert_true(buf_ok(&b));
	assert_int_equal(b.n, 1000);
	assert_true(b.cap <= 1000);
	assert_int_equal(strlen(buf_cstr(&b)), 1000);
	buf_put_byte(&b, 'x');
	assert_false(buf_ok(&b));
	assert_int_equal(b.n, 1000);
	buf_fini(&b);
	assert_null(b.p);
}

static void overflow_sticks_until_clear(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	buf_put_cstr(&b, "abc");
	buf_put_cstr(&b, "de");
	buf_put_cstr(&b, "f"); /* would fit, but a gap must not go unseen */
	assert_false(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "abc");
	assert_null(buf_reserve(&b, 0));
	buf_clear(&b);
	buf_printf(&b, "%d%s", 12, "34");
	assert_true(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "1234");
	buf_printf(&b, "%c", '5');
	assert_false(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "1234");
	buf_fini(&b);
}

static void consumes_from_the_front(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_put_span(&b, SPAN_LIT("hello world"));
	buf_consume(&b, 6);
	assert_true(span_eq(buf_span(&b), SPAN_LIT("world")));
	buf_consume(&b, 99);
	assert_int_equal(b.n, 0);
	assert_string_equal(buf_cstr(&b), "");
	buf_wipe(&b);
	assert_null(b.p);
	assert_true(b.max == SIZE_MAX);
}

static void reserves(void **state)
{
	struct buf b;
	uint8_t *p;

	(void)state;
	buf_init(&b, 300);
	p = buf_reserve(&b, 300);
	assert_non_null(p);
	memset(p, 'z', 300);
	b.n = 300;
	assert_non_null(buf_reserve(&b, 0));
	assert_null(buf_reserve(&b, 1));
	buf_wipe(&b);
	buf_init(&b, 0);
	assert_non_null(buf_reserve(&b, 0));
	assert_string_equal(buf_cstr(&b), "");
	buf_fini(&b);
}

static void puts_code_points(void **state)
{
	const uint32_t points[] = {0,	   0x7f,   0x80,    0x7ff,    0x800,   0xd7ff,
				   0xd800, 0xffff, 0x10000, 0x10ffff, 0x110000};
	struct buf b;

	(void)state;
	buf_init(&b, 32);
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
		buf_put_utf8(&b, points[i]);
	assert_true(span_eq(buf_span(&b),
			    SPAN_LIT("\0\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xef\xbf\xbd"
				     "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"
				     "\xef\xbf\xbd")));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_to_its_maximum),
		cmocka_unit_test(overflow_sticks_until_clear),
		cmocka_unit_test(consumes_from_the_front),
		cmocka_unit_test(reserves),
		cmocka_unit_test(puts_code_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
