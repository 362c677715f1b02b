/* The spool never gives bytes twice, gives them again once released, refuses what does not fit, and a stamp tells a late reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/base/stamp.h"
#include "fetcher/spool.h"

#define COUNT 200

static void test_random(void **state)
{
	struct spool_region regions[COUNT] = {{0}};
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
	assert_true(spool_take(spool, spool_capacity(spool) - STAMP_BYTES, &regions[0]));
	assert_false(spool_take(spool, 1, &regions[1]));
	spool_close(&spool);
}

static bool holds(const struct spool *spool, const struct spool_region *region)
{
	return stamp_holds(spool_bytes(spool, region) - STAMP_BYTES, region->stamp);
}

/* A region given to another message is known as such from the moment of its release, also where the new one begins in its
 * middle or spans it, and when the new bytes are those that lay there before. */
static void test_stamps(void **state)
{
	struct spool_region one, two, late, across;
	struct spool *spool;
	struct err e;

	(void)state;
	assert_int_equal(spool_open("spool-test", "/tmp", 1 << 16, &spool, &e), ERR_OK);
	assert_true(spool_take(spool, 1000, &one));
	assert_true(spool_take(spool, 1000, &two));
	assert_true(holds(spool, &one) && holds(spool, &two));
	late = one;
	spool_release(spool, &one);
	assert_false(holds(spool, &late));
	assert_true(spool_take(spool, 200, &one));
	assert_int_equal(one.offset, late.offset);
	assert_true(holds(spool, &one) && !holds(spool, &late));
	late = two;
	spool_release(spool, &two);
	assert_true(spool_take(spool, 3000, &across));
	assert_true(across.offset < late.offset && late.offset < across.offset + across.bytes);
	memset(spool_bytes(spool, &across), 0xff, across.bytes);
	assert_true(holds(spool, &across) && holds(spool, &one) && !holds(spool, &late));
	spool_close(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random),
					   cmocka_unit_test(test_stamps)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
