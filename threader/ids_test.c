/* Proves THR-01 and THR-05 on the threader's side, and what must not join (F105): what is an id and what is not, keys, their order, derived ids. */
#include "threader/ids.h"
#include "threader/proposal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_normalize(void **state)
{
	static const struct {
		const char *token, *normal; /* NULL: no id */
	} cases[] = {
		{"a@b.example", "a@b.example"},
		{" <a@b.example> ", "a@b.example"},
		{"<<a@b.example>>", "a@b.example"},
		{"a@\r\n\tb.example", "a@b.example"},
		{"Case@Matters.Example", "Case@Matters.Example"},
		{"\"a b\"@c", "\"ab\"@c"},
		{"a@b@c", "a@b@c"},
		{"a@", "a@"},
		{"yes", NULL},
		{"", NULL},
		{"@", NULL},
		{"< >", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;

		buf_init(&out, 1000);
		assert_int_equal(ids_normalize(span_cstr(cases[i].token), &out),
				 cases[i].normal != NULL);
		assert_string_equal(buf_cstr(&out), cases[i].normal ? cases[i].normal : "");
		buf_fini(&out);
	}
}

static void test_next(void **state)
{
	static const struct {
		const char *field, *tokens; /* each with a '|' behind it */
	} cases[] = {
		{" <a@b> <c@d>", "a@b|c@d|"},
		{"<a@b><c@d>", "a@b|c@d|"},
		{"Your message of (<x@y>) \"Mon\" <a@b>", "a@b|"},
		{"(nested (<x@y>) <z@y>) <a@b>", "a@b|"},
		{"(esc \\) <x@y>) <a@b>", "a@b|"},
		{"(never closed <a@b> <c@d>", "a@b|c@d|"},
		{"a@b", ""},
		{"<a@b", ""},
		{"", ""},
		{"<>", "|"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span field = span_cstr(cases[i].field), token;
		struct buf out;

		buf_init(&out, 1000);
		while (ids_next(&field, &token)) {
			buf_put_span(&out, token);
			buf_put_byte(&out, '|');
		}
		assert_string_equal(buf_cstr(&out), cases[i].tokens);
		buf_fini(&out);
	}
}

static struct wire_list list_of(struct span *items, size_t count)
{
	return (struct wire_list){.items = items, .count = count};
}

static void assert_key(const struct wire_proposal *p, size_t i, const char *id)
{
	uint8_t key[IDS_KEY_BYTES];

	ids_key(span_cstr(id), key);
	assert_memory_equal(p->keys.items[i].p, key, sizeof(key));
}

static void test_proposal(void **state)
{
	struct span own[] = {SPAN_LIT("own@x"), SPAN_LIT("second@x")};
	struct span answered[] = {SPAN_LIT("yes"), SPAN_LIT("b@x")};
	struct span references[] = {SPAN_LIT("a@x"), SPAN_LIT("b@x"), SPAN_LIT("own@x")};
	struct arena *arena = arena_new(0);
	struct wire_facts facts = {.message_id = list_of(own, 2),
				   .in_reply_to = list_of(answered, 2),
				   .references = list_of(references, 3),
				   .subject = SPAN_LIT("hello"),
				   .size = 7};
	struct wire_proposal p;

	(void)state;
	proposal_make(&facts, arena, &p);
	assert_int_equal(p.keys.count, 4);
	assert_key(&p, 0, "own@x");
	assert_key(&p, 1, "second@x");
	assert_key(&p, 2, "b@x");
	assert_key(&p, 3, "a@x");
	assert_int_equal(p.derived, 0);
	assert_int_equal(p.size, 7);
	assert_true(span_eq(p.subject, SPAN_LIT("hello")));
	arena_free(&arena);
}

static void test_derived(void **state)
{
	uint8_t hash[32] = {0xff, 0, 0xff};
	struct span junk[] = {SPAN_LIT("no-at-sign")};
	struct arena *arena = arena_new(0);
	struct wire_facts facts = {.message_id = list_of(junk, 1),
				   .content_hash = span_make(hash, 32)};
	struct wire_proposal p, twin;

	(void)state;
	proposal_make(&facts, arena, &p);
	proposal_make(&facts, arena, &twin);
	assert_int_equal(p.derived, 1);
	assert_int_equal(p.keys.count, 1);
	assert_key(&p, 0, "zw0fy000000000000000000000@derived.mailweave");
	assert_true(span_eq(p.keys.items[0], twin.keys.items[0]));
	hash[0] = 0;
	proposal_make(&facts, arena, &twin);
	assert_false(span_eq(p.keys.items[0], twin.keys.items[0]));
	arena_free(&arena);
}

/* Without a hash the message's own id stands in: two such messages are never one thread by that. */
static void test_derived_without_hash(void **state)
{
	uint8_t none[32] = {0};
	struct span junk[] = {SPAN_LIT("no-at-sign")};
	struct arena *arena = arena_new(0);
	struct wire_facts one = {.message_id = list_of(junk, 1),
				 .id = SPAN_LIT("aaaaaaaaaa"),
				 .content_hash = span_make(none, 32)};
	struct wire_facts other = one;
	struct wire_proposal p, q;

	(void)state;
	other.id = SPAN_LIT("bbbbbbbbbb");
	proposal_make(&one, arena, &p);
	proposal_make(&other, arena, &q);
	assert_int_equal(p.keys.count, 1);
	assert_false(span_eq(p.keys.items[0], q.keys.items[0]));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normalize),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_proposal),
		cmocka_unit_test(test_derived),
		cmocka_unit_test(test_derived_without_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
