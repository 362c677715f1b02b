/* thread_state.c and common/store/thread_state.lua say the same of a thread, whatever linker and user wrote: random
 * records through a real redis-server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/store/store_testbed.h"
#include "common/wire/pack.h"
#include "gateway/thread_state.h"

#include "thread_state_lua.h"

#define TAG "{a:c1/anna}"

static const char head[] = "#!lua name=twin_1\n";
/* What counts, as a list of texts: sharing, link, person, archived, inbox, and the views a thread is on. */
static const char tail[] =
	"\nredis.register_function('twin_1_state', function(keys, args)\n"
	"	local t = thread_unpack('id', args[1], args[2] ~= '' and args[2] or nil)\n"
	"	local link, person, views = thread_link(t), thread_person(t), thread_views(t)\n"
	"	local on = {}\n"
	"	for _, view in ipairs(THREAD_VIEWS) do\n"
	"		on[#on + 1] = views[view] and view or '-'\n"
	"	end\n"
	"	return {thread_sharing(t), link and table.concat({link[1], link[2], link[3],\n"
	"		string.format('%.0f', link[4]), string.format('%.0f', link[5])}, '|') or "
	"'nil',\n"
	"		person and table.concat({person[1], person[2], string.format('%.0f', "
	"person[3])}, '|')\n"
	"		or 'nil', thread_archived(t) and '1' or '0', thread_in_inbox(t) and '1' or "
	"'0',\n"
	"		table.concat(on, ' ')}\n"
	"end)\n";

enum { ROUNDS = 6000, BATCH = 500, NUMBERS = 6 };

static uint64_t draw(uint64_t under)
{
	return (uint64_t)rand() % under;
}

static const char *pick(const char *a, const char *b)
{
	return draw(2) ? a : b;
}

static void put_link(struct buf *b)
{
	static const char *const kinds[] = {"d", "l", "p", ""};
	const char *kind = kinds[draw(4)];

	if (!draw(3)) {
		pack_put_nil(b);
		return;
	}
	pack_put_array(b, 5);
	pack_put_cstr(b, kind);
	pack_put_cstr(b, *kind ? pick("1", "2") : "");
	pack_put_cstr(b, *kind ? pick("a", "m") : "m");
	pack_put_i64(b, (int64_t)(1790000000000 + draw(1000)));
	pack_put_u64(b, draw(NUMBERS));
}

static void put_person(struct buf *b)
{
	if (!draw(3)) {
		pack_put_nil(b);
		return;
	}
	pack_put_array(b, 3);
	pack_put_cstr(b, pick("p1", ""));
	pack_put_cstr(b, pick("a", "m"));
	pack_put_u64(b, draw(NUMBERS));
}

/* Small numbers, so that ties are as frequent as either order. */
static void put_thread(struct buf *b)
{
	size_t people = draw(3);

	pack_put_array(b, 14);
	pack_put_u64(b, 1);
	pack_put_u64(b, 1);
	pack_put_i64(b, 1790000000000);
	pack_put_u64(b, 1 + draw(9));
	pack_put_u64(b, draw(8));
	pack_put_cstr(b, "subject");
	pack_put_cstr(b, pick("s", "p"));
	pack_put_u64(b, draw(NUMBERS));
	put_link(b);
	if (draw(2))
		pack_put_nil(b);
	else
		pack_put_cstr(b, "no_person");
	put_person(b);
	pack_put_array(b, people);
	for (size_t i = 0; i < people; i++)
		pack_put_cstr(b, pick("p1", "p2"));
	pack_put_cstr(b, "0123456789");
	pack_put_u64(b, draw(NUMBERS));
}

static void put_flag(struct buf *b, const char *name)
{
	pack_put_cstr(b, name);
	pack_put_array(b, 2);
	pack_put_u64(b, draw(2));
	pack_put_u64(b, draw(NUMBERS));
}

static void put_manual_link(struct buf *b)
{
	const char *kind = pick("d", "");

	pack_put_cstr(b, "lk");
	pack_put_array(b, 4);
	pack_put_cstr(b, kind);
	pack_put_cstr(b, *kind ? "3" : "");
	pack_put_i64(b, (int64_t)(1790000000000 + draw(1000)));
	pack_put_u64(b, draw(NUMBERS));
}

static void put_user(struct buf *b)
{
	unsigned has = (unsigned)draw(32);

	if (!has)
		return;
	pack_put_map(b, (size_t)__builtin_popcount(has));
	if (has & 1) {
		pack_put_cstr(b, "sh");
		pack_put_array(b, 2);
		pack_put_cstr(b, pick("s", "p"));
		pack_put_u64(b, draw(NUMBERS));
	}
	if (has & 2)
		put_flag(b, "ar");
	if (has & 4)
		put_flag(b, "rd");
	if (has & 8)
		put_manual_link(b);
	if (has & 16) {
		pack_put_cstr(b, "pe");
		pack_put_array(b, 2);
		pack_put_cstr(b, pick("p9", ""));
		pack_put_u64(b, draw(NUMBERS));
	}
}

static const char *text_of_link(struct arena *arena, const struct thread_link *l)
{
	if (!l->decided)
		return "nil";
	return arena_printf(arena, "%.*s|%.*s|%s|%lld|%llu", (int)l->kind.n,
			    (const char *)l->kind.p, (int)l->id.n, (const char *)l->id.p,
			    l->manual ? "m" : "a", (long long)l->at_ms, (unsigned long long)l->n);
}

static const char *text_of_person(struct arena *arena, const struct thread_person *p)
{
	if (!p->decided)
		return "nil";
	return arena_printf(arena, "%.*s|%s|%llu", (int)p->id.n, (const char *)p->id.p,
			    p->manual ? "m" : "a", (unsigned long long)p->n);
}

static const char *text_of_views(struct arena *arena, const struct thread_state *s)
{
	return arena_printf(arena, "all %s %s %s", s->in_inbox ? "inbox" : "-",
			    s->bits & 2 ? "sent" : "-", s->archived ? "archive" : "-");
}

static void check(struct arena *arena, struct span record, struct span user,
		  const struct store_reply *lua)
{
	struct thread_state s;
	const char *ours[6];

	assert_int_equal(lua->type, STORE_ARRAY);
	assert_int_equal(lua->count, 6);
	assert_int_equal(thread_state_read(record, user, arena, &s), ERR_OK);
	ours[0] = s.shared ? "s" : "p";
	ours[1] = text_of_link(arena, &s.link);
	ours[2] = text_of_person(arena, &s.person);
	ours[3] = s.archived ? "1" : "0";
	ours[4] = s.in_inbox ? "1" : "0";
	ours[5] = text_of_views(arena, &s);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(ours[i], arena_cstr(arena, lua->items[i].string));
}

static void load(struct store *store, struct buf *source)
{
	struct err e;

	buf_init(source, 1 << 20);
	buf_put_cstr(source, head);
	buf_put_cstr(source, thread_state_lua);
	buf_put_cstr(source, tail);
	if (store_load_library(store, buf_span(source), &e) != ERR_OK)
		fail_msg("%s", e.text);
}

static void batch(struct store *store, struct arena *arena)
{
	struct span records[BATCH], users[BATCH];
	struct store_command commands[BATCH];
	struct store_reply replies[BATCH];
	struct buf b;
	struct err e;

	buf_init(&b, 4096);
	for (size_t i = 0; i < BATCH; i++) {
		buf_clear(&b);
		put_thread(&b);
		records[i] = arena_span(arena, buf_span(&b));
		buf_clear(&b);
		put_user(&b);
		users[i] = arena_span(arena, buf_span(&b));
		commands[i] = store_command(arena, "FCALL twin_1_state 1 %s %b %b", TAG, records[i],
					    users[i]);
	}
	buf_fini(&b);
	if (store_pipeline(store, commands, BATCH, arena, replies, &e) != ERR_OK)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < BATCH; i++)
		check(arena, records[i], users[i], &replies[i]);
}

static void test_twins_agree(void **state)
{
	struct store_options options = {0};
	struct arena *arena = arena_new(0);
	struct testbed bed = {0};
	struct store *store;
	struct buf source;

	(void)state;
	if (!testbed_has_redis())
		skip();
	testbed_start(&bed);
	options.address = bed.address;
	store = store_new(&options);
	load(store, &source);
	srand(11);
	for (int i = 0; i < ROUNDS / BATCH; i++) {
		batch(store, arena);
		arena_reset(arena);
	}
	store_free(&store);
	buf_fini(&source);
	testbed_stop(&bed);
	arena_free(&arena);
}

/* What is not a record is refused, byte by byte. */
static void test_damage(void **state)
{
	struct arena *arena = arena_new(0);
	struct thread_state s;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	srand(5);
	put_thread(&b);
	for (size_t n = 0; n < b.n; n++) {
		uint8_t *copy = malloc(n + 1);

		memcpy(copy, b.p, n);
		assert_int_equal(thread_state_read(span_make(copy, n), SPAN_LIT(""), arena, &s),
				 ERR_PERM);
		free(copy);
	}
	assert_int_equal(thread_state_read(buf_span(&b), SPAN_LIT("\xc1"), arena, &s), ERR_PERM);
	buf_fini(&b);
	arena_free(&arena);
}

/* A message is read by its keyword, or by the word of the user at a later number (SYN-06). */
static void test_read(void **state)
{
	struct thread_state none = {0}, read = {.read_set = true, .read = true, .read_n = 5},
			    unread = {.read_set = true, .read_n = 5};

	(void)state;
	assert_true(thread_state_message_read(&none, 1, true, true, 0));
	assert_false(thread_state_message_read(&none, 1, true, false, 0));
	assert_true(thread_state_message_read(&read, 5, true, false, 4));
	assert_false(thread_state_message_read(&read, 6, true, false, 0));
	assert_false(thread_state_message_read(&unread, 5, true, true, 4));
	assert_true(thread_state_message_read(&unread, 5, false, true, 0));
	assert_true(thread_state_message_read(&unread, 6, true, true, 0));
	assert_false(thread_state_message_read(&read, 5, true, false, 6));
	assert_true(thread_state_message_read(&unread, 5, true, true, 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twins_agree),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
