/* Proves: spans compare, cut, trim and count without reading outside of their bytes. */
#include "common/base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void compares(void **state)
{
	(void)state;
	assert_true(span_eq(span_cstr(NULL), SPAN_LIT("")));
	assert_true(span_ieq(SPAN_LIT("FeTcH[]"), SPAN_LIT("fetch[]")));
	assert_false(span_ieq(SPAN_LIT("a"), SPAN_LIT("ab")));
	assert_false(span_ieq(SPAN_LIT("@"), SPAN_LIT("`"))); /* 0x40 and 0x60: no letters */
	assert_true(span_istarts(SPAN_LIT("Re: x"), SPAN_LIT("RE:")));
	assert_false(span_istarts(SPAN_LIT("Re"), SPAN_LIT("Re:")));
}

static void orders(void **state)
{
	(void)state;
	assert_int_equal(span_compare(SPAN_LIT("ab"), SPAN_LIT("ab")), 0);
	assert_true(span_compare(SPAN_LIT("ab"), SPAN_LIT("abc")) < 0);
	assert_true(span_compare(SPAN_LIT("b"), SPAN_LIT("abc")) > 0);
	assert_true(span_compare(SPAN_LIT("\xff"), SPAN_LIT("a")) > 0);
	assert_true(span_compare(span_cstr(NULL), SPAN_LIT("a")) < 0);
	assert_int_equal(span_compare(span_cstr(NULL), SPAN_LIT("")), 0);
}

static void cuts(void **state)
{
	struct span s = SPAN_LIT("abcdef");

	(void)state;
	assert_true(span_eq(span_sub(s, 2, 3), SPAN_LIT("cde")));
	assert_true(span_eq(span_sub(s, 2, SIZE_MAX), SPAN_LIT("cdef")));
	assert_int_equal(span_sub(s, 7, 1).n, 0);
	assert_int_equal(span_sub(span_cstr(NULL), 1, 1).n, 0);
	assert_true(span_eq(span_trim(SPAN_LIT(" \r\n\ta b\t ")), SPAN_LIT("a b")));
	assert_int_equal(span_trim(SPAN_LIT(" \n")).n, 0);
	assert_int_equal(span_find_byte(s, 'c'), 2);
	assert_int_equal(span_find_byte(s, 'x'), 6);
	assert_int_equal(span_find_byte(span_cstr(NULL), 'x'), 0);
}

static void counts(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_true(span_to_u64(SPAN_LIT("18446744073709551615"), UINT64_MAX, &value));
	assert_true(value == UINT64_MAX);
	assert_true(span_to_u64(SPAN_LIT("007"), 7, &value));
	assert_int_equal(value, 7);
	assert_false(span_to_u64(SPAN_LIT("18446744073709551616"), UINT64_MAX, &value));
	assert_false(span_to_u64(SPAN_LIT("99999999999999999999"), UINT64_MAX, &value));
	assert_false(span_to_u64(SPAN_LIT("8"), 7, &value));
	assert_false(span_to_u64(SPAN_LIT(""), 7, &value));
	assert_false(span_to_u64(SPAN_LIT("+1"), 7, &value));
	assert_false(span_to_u64(SPAN_LIT("1 "), 7, &value));
	assert_int_equal(value, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares),
		cmocka_unit_test(orders),
		cmocka_unit_test(cuts),
		cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
