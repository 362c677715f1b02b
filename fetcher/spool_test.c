/* The spool never gives bytes twice, gives them again once released, and refuses what does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fetcher/spool.h"

#define COUNT 200

static void test_random(void **state)
{
	struct spool_region regions[COUNT] = {{0, 0}};
	struct spool *spool;
	struct err e;
	size_t refused = 0;

	(void)state;
	srand(7);
	assert_int_equal(spool_open("spool-test", "/tmp", 1 << 16, &spool, &e), ERR_OK);
	for (int i = 0; i < 20000; i++) {
		struct spool_region *r = &regions[rand() % COUNT];

		if (r->bytes) {
			for (size_t k = 0; k < r->bytes; k++)
				assert_int_equal(spool_bytes(spool, r)[k], (uint8_t)(r - regions));
			spool_release(spool, r);
			spool_release(spool, r);
		} else if (spool_take(spool, 1 + (size_t)rand() % 1500, r)) {
			assert_true(r->offset + r->bytes <= spool_capacity(spool));
			memset(spool_bytes(spool, r), (int)(r - regions), r->bytes);
		} else {
			refused++;
		}
	}
	assert_true(refused > 0);
	for (size_t i = 0; i < COUNT; i++)
		spool_release(spool, &regions[i]);
	assert_true(spool_take(spool, spool_capacity(spool), &regions[0]));
	assert_false(spool_take(spool, 1, &regions[1]));
	spool_close(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
