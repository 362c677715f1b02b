/* Proves SYN-10, SYN-03: whatever messages of a batch a server refuses, exactly those are passed over, the others are all
 * had once, and each refused one costs a logarithm of questions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fetcher/backfill_batch.h"

#define ROOM 512

struct server {
	bool bad[ROOM];
	unsigned had[ROOM], refused[ROOM];
	unsigned questions;
};

static bool ask(struct server *s, const struct backfill_batch *b)
{
	s->questions++;
	for (size_t i = b->at; i < b->at + b->step; i++)
		if (s->bad[i])
			return false;
	for (size_t i = b->at; i < b->at + b->step; i++)
		s->had[i]++;
	return true;
}

static void fetch(struct server *s, size_t at, size_t count)
{
	struct backfill_batch b;
	enum backfill_step step = BACKFILL_ASK;

	backfill_batch_init(&b, at, count);
	while (step != BACKFILL_DONE) {
		assert_true(b.at >= at && b.step > 0 && b.at + b.step <= at + count);
		assert_true(s->questions < 20 * ROOM);
		step = backfill_batch_answered(&b, ask(s, &b));
		if (step == BACKFILL_REFUSED) {
			s->refused[b.at]++;
			step = backfill_batch_pass(&b);
		}
	}
}

static void expect(const struct server *s, size_t at, size_t count)
{
	for (size_t i = 0; i < ROOM; i++) {
		const bool inside = i >= at && i < at + count;

		assert_int_equal(s->had[i], inside && !s->bad[i]);
		assert_int_equal(s->refused[i], inside && s->bad[i]);
	}
}

static void test_one_anywhere(void **state)
{
	(void)state;
	for (size_t bad = 0; bad < 300; bad++) {
		struct server s = {.questions = 0};

		s.bad[17 + bad] = true;
		fetch(&s, 17, 300);
		expect(&s, 17, 300);
		assert_true(s.questions <= 30);
	}
}

static void test_every_pattern_of_eight(void **state)
{
	(void)state;
	for (unsigned pattern = 0; pattern < 256; pattern++) {
		struct server s = {.questions = 0};

		for (size_t i = 0; i < 8; i++)
			s.bad[i] = pattern >> i & 1u;
		fetch(&s, 0, 8);
		expect(&s, 0, 8);
	}
}

static void test_nothing_refused_is_one_question(void **state)
{
	struct server s = {.questions = 0};

	(void)state;
	fetch(&s, 0, ROOM);
	expect(&s, 0, ROOM);
	assert_int_equal(s.questions, 1);
}

static void test_all_refused(void **state)
{
	struct server s = {.questions = 0};

	(void)state;
	memset(s.bad, true, sizeof(s.bad));
	fetch(&s, 0, 100);
	expect(&s, 0, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_anywhere),
		cmocka_unit_test(test_every_pattern_of_eight),
		cmocka_unit_test(test_nothing_refused_is_one_question),
		cmocka_unit_test(test_all_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
