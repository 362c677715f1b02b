/* Proves: allocations of an arena are zeroed, aligned and apart, small or large, also after a reset. */
#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdalign.h>

static void fills(struct arena *arena)
{
	uint8_t *blocks[200];

	for (size_t i = 0; i < 200; i++) {
		size_t n = i % 7 == 0 ? 3000 + i : 1 + i;

		blocks[i] = arena_alloc(arena, n);
		assert_int_equal((uintptr_t)blocks[i] % alignof(max_align_t), 0);
		for (size_t j = 0; j < n; j++)
			assert_int_equal(blocks[i][j], 0);
		memset(blocks[i], (int)(i + 1), n);
	}
	for (size_t i = 0; i < 200; i++) {
		size_t n = i % 7 == 0 ? 3000 + i : 1 + i;

		for (size_t j = 0; j < n; j++)
			assert_int_equal(blocks[i][j], (uint8_t)(i + 1));
	}
}

static void allocations_are_apart(void **state)
{
	struct arena *arena = arena_new(4096);

	(void)state;
	for (int round = 0; round < 3; round++) {
		fills(arena);
		assert_true(arena_used(arena) > 200);
		arena_reset(arena);
		assert_int_equal(arena_used(arena), 0);
	}
	arena_free(&arena);
	assert_null(arena);
	arena_free(&arena);
}

static void copies(void **state)
{
	struct arena *arena = arena_new(0);
	struct span s = arena_span(arena, SPAN_LIT("abc"));

	(void)state;
	assert_true(span_eq(s, SPAN_LIT("abc")));
	assert_int_equal(arena_span(arena, span_cstr(NULL)).n, 0);
	assert_string_equal(arena_cstr(arena, span_sub(s, 0, 2)), "ab");
	assert_string_equal(arena_printf(arena, "%s-%d", "x", 5), "x-5");
	assert_memory_equal(arena_copy(arena, "1234", 4), "1234", 4);
	assert_non_null(arena_array(arena, 0, 8));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allocations_are_apart),
		cmocka_unit_test(copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
