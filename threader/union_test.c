/* Proves THR-01 and THR-03 of the union in memory: it does not depend on order, and the group seen first gives its name. */
#include "threader/union.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define NODES 3000u

static void key_of(uint32_t i, uint8_t key[IDS_KEY_BYTES])
{
	uint64_t h = (i + 1) * 0x9e3779b97f4a7c15u;

	memcpy(key, &h, IDS_KEY_BYTES);
}

static void test_groups(void **state)
{
	struct union_set *set = union_new();
	uint8_t key[IDS_KEY_BYTES];

	(void)state;
	for (uint32_t i = 0; i < NODES; i++) {
		key_of(i, key);
		assert_int_equal(union_node(set, key), i);
	}
	/* From the far end, so that names must move: i and i + 7 are one group. */
	for (uint32_t i = NODES - 7; i-- > 0;)
		union_join(set, i + 7, i);
	for (uint32_t i = 0; i < NODES; i++) {
		key_of(i, key);
		assert_int_equal(union_node(set, key), i);
		assert_int_equal(union_find(set, i), i % 7);
	}
	union_join(set, 6, 0);
	assert_int_equal(union_find(set, NODES / 7 * 7 - 1), 0);
	union_free(&set);
	assert_null(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_groups)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
