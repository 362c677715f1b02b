/* An event's id is the same whenever it is made, leads back to the event, says nothing, and is nobody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/event_id.h"

static const struct secret_key key = {{1, 2, 3}}, other_key = {{1, 2, 4}};

static const struct event_ref refs[] = {
	{.number = 1, .n = 1, .k = 0},
	{.number = 1, .n = 1, .k = 1},
	{.number = 1, .n = 2, .k = 0},
	{.number = 2, .n = 1, .k = 0},
	{.number = INT32_MAX, .n = (UINT64_C(1) << 48) - 1, .k = 255},
	{.company = true, .ms = 1790000000000, .sequence = 0},
	{.company = true, .ms = 1790000000000, .sequence = 7},
	{.company = true, .ms = (UINT64_C(1) << 48) - 1, .sequence = INT32_MAX},
};

enum { REFS = sizeof(refs) / sizeof(*refs) };

static void test_ids_lead_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < REFS; i++) {
		char id[EVENT_ID_CHARS + 1], again[EVENT_ID_CHARS + 1];
		struct event_ref back;

		event_id_format(&key, SPAN_LIT("acme"), &refs[i], id);
		event_id_format(&key, SPAN_LIT("acme"), &refs[i], again);
		assert_string_equal(id, again);
		assert_int_equal(strlen(id), EVENT_ID_CHARS);
		assert_true(event_id_parse(&key, SPAN_LIT("acme"), span_cstr(id), &back));
		assert_int_equal(back.company, refs[i].company);
		assert_int_equal(back.number, refs[i].number);
		assert_int_equal(back.n, refs[i].n);
		assert_int_equal(back.k, refs[i].k);
		assert_int_equal(back.ms, refs[i].ms);
		assert_int_equal(back.sequence, refs[i].sequence);
	}
}

/* Neighbours share no more than chance: a gap cannot be seen. */
static void test_ids_say_nothing(void **state)
{
	char ids[REFS][EVENT_ID_CHARS + 1];

	(void)state;
	for (size_t i = 0; i < REFS; i++)
		event_id_format(&key, SPAN_LIT("acme"), &refs[i], ids[i]);
	for (size_t i = 0; i < REFS; i++)
		for (size_t k = 0; k < i; k++) {
			size_t same = 0;

			for (size_t c = 0; c < EVENT_ID_CHARS; c++)
				same += ids[i][c] == ids[k][c];
			assert_true(same < EVENT_ID_CHARS / 2);
		}
}

static void refused(const struct secret_key *with, struct span company, const char *text)
{
	struct event_ref back;

	assert_false(event_id_parse(with, company, span_cstr(text), &back));
}

static void test_others_are_refused(void **state)
{
	char id[EVENT_ID_CHARS + 2] = "";

	(void)state;
	event_id_format(&key, SPAN_LIT("acme"), &refs[0], id);
	refused(&other_key, SPAN_LIT("acme"), id);
	refused(&key, SPAN_LIT("acme2"), id);
	refused(&key, SPAN_LIT(""), id);
	refused(&key, SPAN_LIT("acme"), "");
	refused(&key, SPAN_LIT("acme"), "00000000000000000000000000");
	refused(&key, SPAN_LIT("acme"), "not an id of an event !!!!");
	id[EVENT_ID_CHARS] = '0';
	refused(&key, SPAN_LIT("acme"), id);
	for (size_t i = 0; i < EVENT_ID_CHARS; i++) {
		char changed[EVENT_ID_CHARS + 1];

		memcpy(changed, id, EVENT_ID_CHARS);
		changed[EVENT_ID_CHARS] = '\0';
		changed[i] = changed[i] == '7' ? '5' : '7';
		refused(&key, SPAN_LIT("acme"), changed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_lead_back),
		cmocka_unit_test(test_ids_say_nothing),
		cmocka_unit_test(test_others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
