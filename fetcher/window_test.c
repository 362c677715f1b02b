/* The window admits no more than it may, an empty one admits anything; what is driven again, and when (DESIGN, SYN-10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fetcher/window.h"

static const int owner, other;

static struct spool *open_spool(void)
{
	struct spool *spool;
	struct err e;

	assert_int_equal(spool_open("window-test", "/tmp", 1 << 20, &spool, &e), ERR_OK);
	return spool;
}

static struct id id_of(uint8_t n)
{
	return (struct id){{n, 7}};
}

static void test_limits(void **state)
{
	struct spool *spool = open_spool();
	struct window w;
	struct flight *first, *second;

	(void)state;
	window_init(&w, spool, 2, 1000);
	first = window_admit(&w, &owner, WIRE_LANE_BULK, 5000);
	assert_non_null(first); /* empty: any message */
	assert_null(window_admit(&w, &owner, WIRE_LANE_BULK, 1));
	second = window_admit(&w, &owner, WIRE_LANE_LIVE, 1); /* lanes do not share */
	assert_non_null(second);
	window_leave(&w, &first);
	assert_null(first);
	assert_true(w.freed);
	assert_non_null(window_admit(&w, &owner, WIRE_LANE_BULK, 400));
	assert_null(window_admit(&w, &owner, WIRE_LANE_BULK, 601));
	assert_non_null(window_admit(&w, &owner, WIRE_LANE_BULK, 600));
	assert_null(window_admit(&w, &owner, WIRE_LANE_BULK, 0)); /* two messages are the limit */
	assert_null(window_admit(&w, &owner, WIRE_LANE_BULK, 2 << 20));
	window_fini(&w);
	assert_int_equal(w.count[0] + w.count[1], 0);
	assert_int_equal(w.bytes[0] + w.bytes[1], 0);
	spool_close(&spool);
}

static void test_find(void **state)
{
	struct spool *spool = open_spool();
	const struct id one = id_of(1), two = id_of(2);
	struct window w;
	struct flight *f;

	(void)state;
	window_init(&w, spool, 9, 1000);
	f = window_admit(&w, &owner, WIRE_LANE_BULK, 1);
	window_name(&w, f, &one);
	assert_ptr_equal(window_find(&w, &owner, &one), f);
	assert_null(window_find(&w, &other, &one)); /* the same message in another account */
	assert_null(window_find(&w, &owner, &two));
	window_leave_all(&w, &other);
	assert_non_null(window_find(&w, &owner, &one));
	window_leave_all(&w, &owner);
	assert_null(window_find(&w, &owner, &one));
	window_fini(&w);
	spool_close(&spool);
}

static struct flight *pushed(struct window *w, unsigned lane, int64_t now_ms, int64_t pipeline_ms)
{
	struct flight *f = window_force(w, &owner, lane, 1);

	window_pushed(w, f, now_ms, pipeline_ms);
	return f;
}

/* (a): an instance downstream left after the push; 250 ms later. */
static void test_left(void **state)
{
	struct spool *spool = open_spool();
	struct window w;
	struct flight *f;

	(void)state;
	window_init(&w, spool, 9, 1000);
	f = pushed(&w, WIRE_LANE_LIVE, 1000, 0);
	assert_false(window_overdue(f, 1300, 0, 0));
	assert_false(window_overdue(f, 1300, 0, 999)); /* it left before */
	assert_false(window_overdue(f, 1300, 0, 1100));
	assert_true(window_overdue(f, 1350, 0, 1100));
	f->state = FLIGHT_DRIVING;
	assert_false(window_overdue(f, 1350, 0, 1100));
	window_fini(&w);
	spool_close(&spool);
}

/* (b): later messages of its lane were committed 2 s ago. */
static void test_passed(void **state)
{
	struct spool *spool = open_spool();
	struct window w;
	struct flight *early, *live, *late;

	(void)state;
	window_init(&w, spool, 9, 1000);
	early = pushed(&w, WIRE_LANE_BULK, 1000, 0);
	live = pushed(&w, WIRE_LANE_LIVE, 1000, 0);
	late = pushed(&w, WIRE_LANE_BULK, 1100, 0);
	window_committed(&w, &late, 2000);
	assert_false(window_overdue(early, 3999, 0, 0));
	assert_true(window_overdue(early, 4000, 0, 0));
	assert_false(window_overdue(live, 4000, 0, 0));
	window_pushed(&w, early, 4000, 0); /* again: counts anew */
	assert_false(window_overdue(early, 6001, 0, 0));
	window_fini(&w);
	spool_close(&spool);
}

/* (c): a time-out by the pipeline's clock, 30 s, doubling to 10 min. */
static void test_timeout(void **state)
{
	struct spool *spool = open_spool();
	struct window w;
	struct flight *f;

	(void)state;
	window_init(&w, spool, 9, 1000);
	f = pushed(&w, WIRE_LANE_BULK, 1000, 500);
	assert_false(window_overdue(f, 9000000, 500, 0)); /* the clock stands */
	assert_false(window_overdue(f, 9000000, 30499, 0));
	assert_true(window_overdue(f, 9000000, 30500, 0));
	f->drives = 1;
	assert_false(window_overdue(f, 9000000, 60499, 0));
	assert_true(window_overdue(f, 9000000, 60500, 0));
	f->drives = 60;
	assert_false(window_overdue(f, 9000000, 600499, 0));
	assert_true(window_overdue(f, 9000000, 600500, 0));
	window_fini(&w);
	spool_close(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),	cmocka_unit_test(test_find),
		cmocka_unit_test(test_left),	cmocka_unit_test(test_passed),
		cmocka_unit_test(test_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
