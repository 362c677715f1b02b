/* SHR-05: a card names an address in any of its participants' lists, whatever its case, and nothing else counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/wire/pack.h"
#include "gateway/reply_card.h"

static void list_put(struct buf *b, const char *key, const char *email)
{
	pack_put_cstr(b, key);
	pack_put_array(b, 1);
	pack_put_array(b, 2);
	pack_put_cstr(b, "Anna");
	pack_put_cstr(b, email);
}

static bool names(const char *key, const char *email)
{
	json_t *own = json_pack("[s,s]", "x@y.example", "anna@sales.example");
	struct buf b;
	bool found;

	buf_init(&b, 1024);
	pack_put_map(&b, 3);
	pack_put_cstr(&b, "s");
	pack_put_cstr(&b, "anna@sales.example");
	list_put(&b, "e", "anna@sales.example");
	list_put(&b, key, email);
	found = reply_card_names(buf_span(&b), own);
	for (size_t n = 0; n < b.n; n++)
		assert_false(reply_card_names(span_sub(buf_span(&b), 0, n), own));
	buf_fini(&b);
	json_decref(own);
	return found;
}

static void participants(void **state)
{
	static const char *const LISTS[] = {"f", "t", "c", "b", "r"};

	(void)state;
	for (size_t i = 0; i < sizeof(LISTS) / sizeof(LISTS[0]); i++) {
		assert_true(names(LISTS[i], "ANNA@Sales.example"));
		assert_false(names(LISTS[i], "anna@sales.example.org"));
	}
	assert_false(names("e", "anna@sales.example"));
	assert_false(names("x", "anna@sales.example"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(participants)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
