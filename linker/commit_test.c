/* Proves that a record stays within its 850 bytes whatever comes, by leaving people out and saying so; that subjects are cut
 * between characters; that a message's way goes with its commit (OPS-03); and that an answer of the wrong shape is
 * refused. */
#include "linker/commit.h"

#include "common/wire/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define PEOPLE 60

struct parts {
	size_t people;
	struct span subject, head, decision, card;
	int64_t pushed_ms, proposed_ms;
	uint64_t parse_us, drive;
};

static struct parts read_argument(struct span argument)
{
	struct pack_reader r = pack_reader_make(argument);
	struct parts p;

	assert_int_equal(pack_read_array(&r), 25);
	pack_skip_n(&r, 6);
	p.people = pack_read_array(&r);
	pack_skip_n(&r, p.people + 5);
	p.subject = pack_read_bytes(&r);
	pack_skip_n(&r, 2);
	p.head = pack_read_bytes(&r);
	p.decision = pack_read_bytes(&r);
	p.card = pack_read_bytes(&r);
	p.pushed_ms = pack_read_i64(&r);
	p.proposed_ms = pack_read_i64(&r);
	p.parse_us = pack_read_u64(&r);
	p.drive = pack_read_u64(&r);
	pack_skip_n(&r, 3);
	assert_true(pack_done(&r));
	return p;
}

static void assert_record(size_t people, size_t card_bytes, bool cut)
{
	static struct decide_person persons[PEOPLE];
	static char ids[PEOPLE][65];
	struct decide_person *list[PEOPLE];
	static uint8_t card[700];
	struct arena *arena = arena_new(0);
	struct decide_item item = {'d', SPAN_LIT("7"), 0};
	struct decide_result decision = {.people = list,
					 .people_count = people,
					 .reason = DECIDE_MULTIPLE_OPEN_ITEMS,
					 .open = {&item, &item},
					 .open_count = 2};
	struct wire_proposal facts = {.id = SPAN_LIT("0123456789"),
				      .blob = SPAN_LIT("0123456789012345678901234567890123456789"),
				      .received_ms = INT64_C(1790000000000),
				      .traits = 1,
				      .card = span_make(card, card_bytes)};

	for (size_t i = 0; i < PEOPLE; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%060zu", i);
		persons[i].id = span_cstr(ids[i]);
		list[i] = &persons[i];
	}
	struct parts p = read_argument(commit_argument(arena, &facts, &decision));
	struct pack_reader head = pack_reader_make(p.head);

	assert_int_equal(p.people, people);
	assert_true(2 + 11 + 9 + p.head.n + p.decision.n + p.card.n <= 850);
	pack_skip_n(&head, 4);
	assert_int_equal(pack_read_u64(&head), 2 + (cut ? 128 : 0));
	size_t kept = pack_read_array(&head);

	assert_int_equal(kept == people, !cut);
	pack_skip_n(&head, kept);
	assert_true(pack_done(&head));
	arena_free(&arena);
}

static void test_record_is_bounded(void **state)
{
	(void)state;
	assert_record(2, 300, false);
	assert_record(PEOPLE, 300, true);
	assert_record(PEOPLE, 600, true);
	assert_record(0, 600, false);
}

static void test_subject(void **state)
{
	struct arena *arena = arena_new(0);
	struct decide_result decision = {.reason = DECIDE_NO_PERSON};
	char subject[200];

	(void)state;
	memset(subject, 'a', 119);
	memcpy(subject + 119, "\xc3\xa9\xc3\xa9", 5);
	struct wire_proposal facts = {.subject = span_cstr(subject)};
	struct parts p = read_argument(commit_argument(arena, &facts, &decision));

	assert_int_equal(p.subject.n, 119);
	arena_free(&arena);
}

static void test_way(void **state)
{
	struct arena *arena = arena_new(0);
	struct decide_result decision = {.reason = DECIDE_NO_PERSON};
	struct wire_proposal facts = {.pushed_us = INT64_C(1790000000000999),
				      .proposed_us = INT64_C(1790000000003000),
				      .parse_us = 1700,
				      .drive = 2};
	struct parts p = read_argument(commit_argument(arena, &facts, &decision));

	(void)state;
	assert_int_equal(p.pushed_ms, INT64_C(1790000000000));
	assert_int_equal(p.proposed_ms, INT64_C(1790000000003));
	assert_int_equal(p.parse_us, 1700);
	assert_int_equal(p.drive, 2);
	arena_free(&arena);
}

static void test_answers(void **state)
{
	struct arena *arena = arena_new(0);
	struct store_reply statuses[2] = {{.type = STORE_STRING, .string = SPAN_LIT("known")},
					  {.type = STORE_STRING, .string = SPAN_LIT("committed")}};
	struct store_reply entry = {.type = STORE_STRING, .string = SPAN_LIT("x")};
	struct store_reply items[5] = {{.type = STORE_STRING, .string = SPAN_LIT("ok")},
				       {.type = STORE_ARRAY, .items = statuses, .count = 2},
				       {.type = STORE_INT, .integer = 5},
				       {.type = STORE_ARRAY, .items = &entry, .count = 1},
				       {.type = STORE_INT, .integer = 0}};
	struct store_reply reply = {.type = STORE_ARRAY, .items = items, .count = 5};
	struct commit_answer answer;

	(void)state;
	assert_true(commit_read(&reply, 2, arena, &answer));
	assert_int_equal(answer.status[0], COMMIT_KNOWN);
	assert_int_equal(answer.status[1], COMMIT_COMMITTED);
	assert_int_equal(answer.first_n, 5);
	assert_int_equal(answer.entry_count, 1);
	assert_false(commit_read(&reply, 1, arena, &answer));
	reply.count = 4;
	assert_false(commit_read(&reply, 2, arena, &answer));
	items[0].string = SPAN_LIT("gone");
	reply.count = 1;
	assert_true(commit_read(&reply, 2, arena, &answer));
	assert_true(answer.gone);
	reply = (struct store_reply){.type = STORE_ERROR, .string = SPAN_LIT("ERR")};
	assert_false(commit_read(&reply, 2, arena, &answer));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_is_bounded),
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_way),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
