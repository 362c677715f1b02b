/* Each kind of journal entry is read as docs/data-model.md has it and stands for the events the API names; SHR-06: who
 * hears of them; whatever else the bytes are, they are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/wire/pack.h"
#include "gateway/journal.h"

static const uint8_t thread_id[ID_BYTES] = "thread-aaa", message_id[ID_BYTES] = "message-bb",
		     other_id[ID_BYTES] = "absorbed-c";

struct packed {
	struct buf b;
	struct arena *arena;
	struct journal_entry entry;
};

static void open_entry(struct packed *p, const char *type, size_t elements)
{
	p->arena = arena_new(0);
	buf_init(&p->b, 1 << 16);
	pack_put_array(&p->b, elements);
	pack_put_cstr(&p->b, type);
	pack_put_i64(&p->b, 1790000000123);
}

static void put_id(struct packed *p, const uint8_t id[ID_BYTES])
{
	pack_put_str(&p->b, span_make(id, ID_BYTES));
}

/* S of a thread. */
static void put_summary(struct packed *p)
{
	pack_put_array(&p->b, 7);
	put_id(p, thread_id);
	pack_put_cstr(&p->b, "u1");
	pack_put_u64(&p->b, 1);
	pack_put_i64(&p->b, 1790000000000);
	pack_put_cstr(&p->b, "d");
	pack_put_cstr(&p->b, "8841");
	pack_put_array(&p->b, 1);
	pack_put_cstr(&p->b, "person-1");
}

static void close_entry(struct packed *p)
{
	buf_fini(&p->b);
	arena_free(&p->arena);
}

static enum err_code read_entry(struct packed *p)
{
	return journal_read(buf_span(&p->b), p->arena, &p->entry);
}

struct expected {
	const char *name;
	bool owner, company, message;
};

static void check_events(const struct journal_entry *entry, const struct expected *expected)
{
	struct journal_event events[JOURNAL_EVENTS_MAX];
	size_t count = journal_events(entry, events), i = 0;

	for (; expected[i].name; i++) {
		assert_true(i < count);
		assert_string_equal(events[i].name, expected[i].name);
		assert_int_equal(events[i].audience,
				 expected[i].owner ? JOURNAL_FOR_OWNER : JOURNAL_FOR_THREAD);
		assert_int_equal(events[i].company, expected[i].company);
		assert_int_equal(events[i].has_message, expected[i].message);
	}
	assert_int_equal(count, i);
}

static void commit(struct packed *p, uint64_t bits)
{
	open_entry(p, "m", 6);
	put_id(p, message_id);
	put_id(p, thread_id);
	pack_put_u64(&p->b, bits);
	put_summary(p);
	assert_int_equal(read_entry(p), ERR_OK);
}

static void test_commit(void **state)
{
	static const struct expected plain[] = {{"message.created", false, true, true},
						{"thread.updated", false, true, false},
						{0}},
				     all[] = {{"message.created", false, true, true},
					      {"thread.updated", false, true, false},
					      {"thread.linked", false, true, false},
					      {"thread.link_skipped", true, false, false},
					      {"thread.replied", false, true, true},
					      {"message.auto_replied", false, true, true},
					      {"message.bounced", false, true, true},
					      {0}};
	struct packed p;

	(void)state;
	commit(&p, JOURNAL_NEW_THREAD);
	assert_int_equal(p.entry.type, JOURNAL_COMMIT);
	assert_int_equal(p.entry.at_ms, 1790000000123);
	assert_memory_equal(p.entry.thread.b, thread_id, ID_BYTES);
	assert_memory_equal(p.entry.message.b, message_id, ID_BYTES);
	check_events(&p.entry, plain);
	close_entry(&p);
	commit(&p, 127);
	check_events(&p.entry, all);
	close_entry(&p);
}

static void test_merge(void **state)
{
	static const struct expected merged[] = {{"thread.merged", false, true, false}, {0}};

	(void)state;
	for (int dropped = 0; dropped < 2; dropped++) {
		struct packed p;

		open_entry(&p, "g", 6);
		put_id(&p, thread_id);
		put_id(&p, other_id);
		put_summary(&p);
		if (dropped) {
			pack_put_array(&p.b, 3);
			pack_put_cstr(&p.b, "d");
			pack_put_cstr(&p.b, "7");
			pack_put_cstr(&p.b, "a");
		} else {
			pack_put_nil(&p.b);
		}
		assert_int_equal(read_entry(&p), ERR_OK);
		assert_memory_equal(p.entry.absorbed.b, other_id, ID_BYTES);
		assert_true(span_eq(p.entry.dropped_id, dropped ? SPAN_LIT("7") : SPAN_LIT("")));
		check_events(&p.entry, merged);
		close_entry(&p);
	}
}

static void user_entry(const char *what, const struct expected *expected)
{
	struct packed p;

	open_entry(&p, "u", 6);
	put_id(&p, thread_id);
	pack_put_cstr(&p.b, what);
	put_summary(&p);
	pack_put_cstr(&p.b, "anna");
	assert_int_equal(read_entry(&p), ERR_OK);
	assert_true(span_eq(p.entry.user, SPAN_LIT("anna")));
	check_events(&p.entry, expected);
	close_entry(&p);
}

static void test_user(void **state)
{
	static const struct expected shared[] = {{"thread.shared", false, true, false},
						 {"thread.updated", false, true, false},
						 {0}},
				     unlinked[] = {{"thread.unlinked", false, true, false},
						   {"thread.updated", false, true, false},
						   {0}},
				     own[] = {{"thread.updated", true, false, false}, {0}},
				     person[] = {{"thread.updated", false, true, false}, {0}};

	(void)state;
	user_entry("shared", shared);
	user_entry("unlinked", unlinked);
	user_entry("archived", own);
	user_entry("unarchived", own);
	user_entry("read", own);
	user_entry("unread", own);
	user_entry("person", person);
}

static void test_deleted(void **state)
{
	static const struct expected two[] = {{"message.deleted", true, true, true},
					      {"message.deleted", true, true, true},
					      {"thread.updated", true, true, false},
					      {0}};
	struct journal_event events[JOURNAL_EVENTS_MAX];

	(void)state;
	for (size_t count = 2; count <= 256; count += 254) {
		struct packed p;

		open_entry(&p, "d", count == 2 ? 7 : 6); /* an older version's has no more */
		put_id(&p, thread_id);
		pack_put_array(&p.b, count);
		for (size_t i = 0; i < count; i++)
			put_id(&p, message_id);
		pack_put_array(&p.b, 0);
		pack_put_cstr(&p.b, "anna");
		if (count == 2)
			pack_put_u64(&p.b, 1);
		assert_int_equal(read_entry(&p), ERR_OK);
		assert_int_equal(p.entry.shared, count == 2);
		assert_int_equal(p.entry.deleted_count, count);
		if (count == 2)
			check_events(&p.entry, two);
		else
			assert_int_equal(journal_events(&p.entry, events), JOURNAL_EVENTS_MAX);
		close_entry(&p);
	}
}

static void test_others(void **state)
{
	static const struct expected updated[] = {{"message.updated", true, true, true}, {0}},
				     aside[] = {{"message.set_aside", true, true, true}, {0}},
				     paused[] = {{"account.paused", true, true, false}, {0}},
				     sent[] = {{"submission.sent", true, true, false}, {0}},
				     none[] = {{0}};
	struct packed p;

	(void)state;
	open_entry(&p, "f", 4);
	put_id(&p, message_id);
	put_id(&p, thread_id);
	assert_int_equal(read_entry(&p), ERR_OK);
	check_events(&p.entry, updated);
	close_entry(&p);
	open_entry(&p, "x", 4);
	put_id(&p, message_id);
	pack_put_cstr(&p.b, "crash");
	assert_int_equal(read_entry(&p), ERR_OK);
	check_events(&p.entry, aside);
	close_entry(&p);
	open_entry(&p, "a", 4);
	pack_put_cstr(&p.b, "paused");
	pack_put_cstr(&p.b, "");
	assert_int_equal(read_entry(&p), ERR_OK);
	check_events(&p.entry, paused);
	close_entry(&p);
	open_entry(&p, "o", 5);
	pack_put_cstr(&p.b, "submission-1");
	pack_put_cstr(&p.b, "sent");
	pack_put_nil(&p.b);
	assert_int_equal(read_entry(&p), ERR_OK);
	assert_false(p.entry.has_thread);
	check_events(&p.entry, sent);
	close_entry(&p);
	open_entry(&p, "Q", 3); /* of a later version (OPS-06) */
	pack_put_u64(&p.b, 1);
	assert_int_equal(read_entry(&p), ERR_OK);
	check_events(&p.entry, none);
	close_entry(&p);
}

/* The way of a message (OPS-03), and whatever later versions put behind it (OPS-06). */
static void test_appended_elements(void **state)
{
	(void)state;
	for (size_t elements = 7; elements <= 11; elements++) {
		struct packed p;

		open_entry(&p, "m", elements);
		put_id(&p, message_id);
		put_id(&p, thread_id);
		pack_put_u64(&p.b, 0);
		put_summary(&p);
		pack_put_array(&p.b, 5);
		for (uint64_t i = 1; i <= 5; i++)
			pack_put_u64(&p.b, i);
		if (elements > 7)
			pack_put_array(&p.b, 0);
		if (elements > 8)
			pack_put_i64(&p.b, -1);
		for (size_t i = 9; i < elements; i++)
			pack_put_cstr(&p.b, "more");
		assert_int_equal(read_entry(&p), ERR_OK);
		assert_true(p.entry.has_way);
		assert_int_equal(p.entry.pushed_ago_ms, 1);
		assert_int_equal(p.entry.drives, 4);
		assert_int_equal(p.entry.answered_ms, -1);
		assert_int_equal(p.entry.back.what.n, 0);
		close_entry(&p);
	}
}

/* SND-13: what came back, to whom; SND-11: how soon it was answered. */
static void test_back(void **state)
{
	struct journal_event events[JOURNAL_EVENTS_MAX];
	struct packed p;

	(void)state;
	open_entry(&p, "m", 9);
	put_id(&p, message_id);
	put_id(&p, thread_id);
	pack_put_u64(&p.b, 0);
	put_summary(&p);
	pack_put_array(&p.b, 0);
	pack_put_array(&p.b, 5);
	pack_put_cstr(&p.b, "unsubscribed");
	pack_put_cstr(&p.b, "sub1");
	put_id(&p, other_id);
	pack_put_array(&p.b, 1);
	pack_put_array(&p.b, 3);
	pack_put_cstr(&p.b, "no@one.example");
	pack_put_cstr(&p.b, "5.1.1");
	pack_put_u64(&p.b, 9);
	pack_put_cstr(&p.b, "more");
	pack_put_i64(&p.b, 61000);
	assert_int_equal(read_entry(&p), ERR_OK);
	assert_int_equal(p.entry.answered_ms, 61000);
	assert_true(span_eq(p.entry.back.submission, SPAN_LIT("sub1")));
	assert_true(p.entry.back.has_sent);
	assert_int_equal(p.entry.back.count, 1);
	assert_true(span_eq(p.entry.back.list[0][0], SPAN_LIT("no@one.example")));
	assert_true(span_eq(p.entry.back.list[0][1], SPAN_LIT("5.1.1")));
	assert_int_equal(journal_events(&p.entry, events), 3);
	assert_string_equal(events[2].name, "message.unsubscribed");
	close_entry(&p);
}

/* TRK-05: a hit is an event of the thread; without a thread or message it is one all the same. */
static void test_hit(void **state)
{
	struct journal_event events[JOURNAL_EVENTS_MAX];

	(void)state;
	for (int with = 0; with < 2; with++) {
		struct packed p;

		open_entry(&p, "h", 11);
		pack_put_cstr(&p.b, "sub1");
		pack_put_str(&p.b, span_make(thread_id, with ? ID_BYTES : 0));
		pack_put_cstr(&p.b, "clicked");
		pack_put_cstr(&p.b, "scanner");
		pack_put_cstr(&p.b, "kim@one.example");
		pack_put_str(&p.b, span_make(message_id, with ? ID_BYTES : 0));
		pack_put_cstr(&p.b, "https://one.example/");
		pack_put_cstr(&p.b, "curl");
		pack_put_cstr(&p.b, "why");
		assert_int_equal(read_entry(&p), ERR_OK);
		assert_int_equal(p.entry.has_thread, with);
		assert_true(span_eq(p.entry.class, SPAN_LIT("scanner")));
		assert_true(span_eq(p.entry.evidence, SPAN_LIT("why")));
		assert_int_equal(journal_events(&p.entry, events), 1);
		assert_string_equal(events[0].name, "message.clicked");
		assert_int_equal(events[0].has_message, with);
		close_entry(&p);
	}
}

/* Every prefix is refused; changed bytes never do worse than that. */
static void test_damage(void **state)
{
	struct packed p;

	(void)state;
	commit(&p, 127);
	for (size_t n = 0; n < p.b.n; n++) {
		uint8_t *copy = malloc(n + 1);

		memcpy(copy, p.b.p, n);
		assert_int_equal(journal_read(span_make(copy, n), p.arena, &p.entry), ERR_PERM);
		free(copy);
	}
	srand(7);
	for (int i = 0; i < 20000; i++) {
		struct journal_event events[JOURNAL_EVENTS_MAX];
		uint8_t *copy = malloc(p.b.n);

		memcpy(copy, p.b.p, p.b.n);
		for (int k = 0; k < 3; k++)
			copy[(size_t)rand() % p.b.n] = (uint8_t)rand();
		if (journal_read(span_make(copy, p.b.n), p.arena, &p.entry) == ERR_OK)
			assert_true(journal_events(&p.entry, events) <= JOURNAL_EVENTS_MAX);
		free(copy);
	}
	close_entry(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commit), cmocka_unit_test(test_merge),
		cmocka_unit_test(test_user),   cmocka_unit_test(test_deleted),
		cmocka_unit_test(test_others), cmocka_unit_test(test_appended_elements),
		cmocka_unit_test(test_back),   cmocka_unit_test(test_hit),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
