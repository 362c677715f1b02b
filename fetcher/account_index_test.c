/* Accounts are found by company and name, and all of a name whatever their company. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "fetcher/account.h"

#define COMPANIES 3
#define NAMES 5000 /* more than there are buckets */

static struct account *of(struct account *all, unsigned company, unsigned name)
{
	return &all[company * NAMES + name];
}

static struct account *filled(struct account_index *index)
{
	struct account *all = calloc((size_t)COMPANIES * NAMES, sizeof(*all));

	assert_non_null(all);
	account_index_init(index);
	for (unsigned c = 0; c < COMPANIES; c++)
		for (unsigned n = 0; n < NAMES; n++) {
			struct account *a = of(all, c, n);

			snprintf(a->company, sizeof(a->company), "company%u", c);
			snprintf(a->name, sizeof(a->name), "name%u", n);
			account_index_add(index, a);
		}
	return all;
}

static const struct account *find(const struct account_index *index, unsigned company,
				  unsigned name)
{
	char company_text[32], name_text[32];

	snprintf(company_text, sizeof(company_text), "company%u", company);
	snprintf(name_text, sizeof(name_text), "name%u", name);
	return account_index_find(index, span_cstr(company_text), span_cstr(name_text));
}

static void each_is_found(void **state)
{
	struct account_index index;
	struct account *all = filled(&index);

	(void)state;
	for (unsigned c = 0; c < COMPANIES; c++)
		for (unsigned n = 0; n < NAMES; n++)
			assert_ptr_equal(find(&index, c, n), of(all, c, n));
	assert_null(find(&index, COMPANIES, 1));
	assert_null(find(&index, 1, NAMES));
	free(all);
}

static void namesakes_are_all_found(void **state)
{
	struct account_index index;
	struct account *all = filled(&index);
	unsigned seen = 0;

	(void)state;
	for (const struct account *a = account_index_named(&index, SPAN_LIT("name7"), NULL); a;
	     a = account_index_named(&index, SPAN_LIT("name7"), a))
		for (unsigned c = 0; c < COMPANIES; c++)
			if (a == of(all, c, 7))
				seen |= 1u << c;
	assert_int_equal(seen, (1u << COMPANIES) - 1);
	free(all);
}

static void who_was_removed_is_not_found(void **state)
{
	struct account_index index;
	struct account *all = filled(&index);

	(void)state;
	account_index_remove(&index, of(all, 1, 9));
	assert_null(find(&index, 1, 9));
	assert_ptr_equal(find(&index, 0, 9), of(all, 0, 9));
	assert_ptr_equal(find(&index, 2, 9), of(all, 2, 9));
	account_index_remove(&index, of(all, 1, 9)); /* twice is once */
	for (unsigned n = 0; n < NAMES; n++)
		assert_ptr_equal(find(&index, 2, n), of(all, 2, n));
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_found),
		cmocka_unit_test(namesakes_are_all_found),
		cmocka_unit_test(who_was_removed_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
