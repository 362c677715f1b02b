/* Proves that accounts spread evenly over processes, that each has exactly one, and that only the accounts of a process
 * that leaves move. */
#include "common/stage/sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define ACCOUNTS 6000
#define PROCESSES 3

static int best(int account, int count)
{
	char name[32], instance[32];
	uint64_t top = 0;
	int found = -1;

	snprintf(name, sizeof(name), "company/%d", account);
	for (int i = 0; i < count; i++) {
		snprintf(instance, sizeof(instance), "linker-%d", i + 1);
		uint64_t weight = sweep_weight(span_cstr(instance), span_cstr(name));

		if (found < 0 || weight > top) {
			top = weight;
			found = i;
		}
	}
	return found;
}

static void test_shares(void **state)
{
	int shares[PROCESSES] = {0};

	(void)state;
	for (int a = 0; a < ACCOUNTS; a++) {
		int three = best(a, PROCESSES), two = best(a, PROCESSES - 1);

		shares[three]++;
		if (three != PROCESSES - 1)
			assert_int_equal(three, two);
	}
	for (int i = 0; i < PROCESSES; i++)
		assert_in_range(shares[i], ACCOUNTS / PROCESSES * 9 / 10,
				ACCOUNTS / PROCESSES * 11 / 10);
}

static void test_split(void **state)
{
	struct sweep_account account;

	(void)state;
	assert_true(sweep_split(SPAN_LIT("c1/anna"), &account));
	assert_true(span_eq(account.company, SPAN_LIT("c1")));
	assert_true(span_eq(account.account, SPAN_LIT("anna")));
	assert_false(sweep_split(SPAN_LIT("c1"), &account));
	assert_false(sweep_split(SPAN_LIT("c1/"), &account));
	assert_false(sweep_split(SPAN_LIT("/anna"), &account));
	assert_false(sweep_split(SPAN_LIT("c1/an/na"), &account));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_shares),
					   cmocka_unit_test(test_split)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
