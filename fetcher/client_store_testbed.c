/* A store for the fuzzed client: stands in the place of common/store. It says yes to all, and keeps what must fit together:
 * mailboxes and their cursors. */
#include <stdarg.h>

#include "common/wire/pack.h"
#include "fetcher/client_testbed.h"

#define BOXES 32
#define COMMAND_ID "5-0"
#define COMMANDS_MAX 4 /* so often a command is found */

static struct {
	unsigned how;
	unsigned commands;
	struct {
		char number[12];
		struct buf value;
	} boxes[BOXES];
} stored;

void stored_begin(unsigned how)
{
	stored.how = how;
	stored.commands = how & WORLD_COMMAND ? COMMANDS_MAX : 0;
	for (size_t i = 0; i < BOXES; i++) {
		stored.boxes[i].number[0] = '\0';
		buf_init(&stored.boxes[i].value, 16384);
	}
}

void stored_end(void)
{
	for (size_t i = 0; i < BOXES; i++)
		buf_fini(&stored.boxes[i].value);
}

static struct store_reply text(struct span s)
{
	return (struct store_reply){.type = STORE_STRING, .string = s};
}

static struct store_reply integer(int64_t value)
{
	return (struct store_reply){.type = STORE_INT, .integer = value};
}

/* An answer of at most so many items, to be put one by one. */
static struct store_reply list(struct arena *arena, size_t room)
{
	return (struct store_reply){
		.type = STORE_ARRAY,
		.items = arena_array(arena, room + 1, sizeof(struct store_reply))};
}

static void put(struct store_reply *to, struct store_reply item)
{
	to->items[to->count++] = item;
}

static void put_text(struct store_reply *to, const char *s)
{
	put(to, text(span_cstr(s)));
}

struct question {
	const struct span *args;
	size_t count;
	struct arena *arena;
	struct store_reply *reply; /* begins with ok */
};

static size_t number_of(struct span s)
{
	uint64_t value;

	return span_to_u64(s, UINT32_MAX, &value) ? (size_t)value : 0;
}

static void box_put(struct span number, struct span value)
{
	size_t i = 0;

	if (value.n == 0 || number.n >= sizeof(stored.boxes[0].number))
		return;
	while (i < BOXES && stored.boxes[i].number[0] &&
	       !span_eq(number, span_cstr(stored.boxes[i].number)))
		i++;
	if (i == BOXES)
		return;
	memcpy(stored.boxes[i].number, number.p, number.n);
	stored.boxes[i].number[number.n] = '\0';
	buf_clear(&stored.boxes[i].value);
	buf_put_span(&stored.boxes[i].value, value);
}

static void answer_lease(const struct question *q)
{
	static const char *const words[] = {"7", "1", "1", "0"};

	for (size_t i = 0; i < 4; i++)
		put_text(q->reply, words[i]);
	put_text(q->reply, stored.commands ? COMMAND_ID : "");
}

static void answer_open(const struct question *q)
{
	static const char *const words[] = {"user",  "u1",   "email",	 "anna@example.test",
					    "host",  "mail", "port",	 "993",
					    "login", "anna", "security", "tls"};
	struct buf folders;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		put_text(q->reply, words[i]);
	put_text(q->reply, "since");
	put_text(q->reply, stored.how & WORLD_SINCE ? "3d" : "all");
	put_text(q->reply, "initialDone");
	put_text(q->reply, stored.how & WORLD_FIRST_DONE ? "1" : "0");
	if (!(stored.how & WORLD_FOLDERS))
		return;
	buf_init(&folders, 64);
	pack_put_array(&folders, 1);
	pack_put_cstr(&folders, "INBOX");
	put_text(q->reply, "folders");
	put(q->reply, text(arena_span(q->arena, buf_span(&folders))));
	buf_fini(&folders);
}

/* All is new. */
static void answer_enter(const struct question *q)
{
	const size_t count = number_of(q->args[4]);
	struct store_reply ids = list(q->arena, count);

	for (size_t i = 0; i < count && 5 + 6 * i < q->count; i++)
		put(&ids, text(q->args[5 + 6 * i]));
	box_put(q->args[2], q->args[3]);
	put(q->reply, ids);
	put(q->reply, integer((int64_t)ids.count));
}

static void answer_missing(const struct question *q)
{
	struct store_reply uids = list(q->arena, q->count);

	for (size_t i = 3; i < q->count; i++)
		put(&uids, text(q->args[i]));
	put(q->reply, uids);
}

/* The whole ledger was seen, and it is empty. */
static void answer_look(const struct question *q)
{
	put(q->reply, integer(1));
	put(q->reply, list(q->arena, 0));
	put_text(q->reply, stored.commands ? COMMAND_ID : "");
}

/* Of what is due the first is missing. */
static void answer_cover(const struct question *q)
{
	const size_t due = 5 + 2 * number_of(q->args[4]);
	struct store_reply missing = list(q->arena, 1);

	for (size_t i = 0; i < 10; i++)
		put(q->reply, integer(1));
	if (due < q->count)
		put(&missing, integer((int64_t)number_of(q->args[due])));
	put(q->reply, missing);
}

static void answer_zeros(const struct question *q)
{
	for (size_t i = 0; i < 3; i++)
		put_text(q->reply, "0");
}

static void answer_ticket(const struct question *q)
{
	put_text(q->reply, "1");
}

static void answer_nothing(const struct question *q)
{
	put(q->reply, list(q->arena, 0));
	put(q->reply, list(q->arena, 0));
}

enum err_code store_fcall(struct store *store, const char *function, const struct span *keys,
			  size_t key_count, const struct span *args, size_t arg_count,
			  struct arena *arena, struct store_reply *reply_out, struct err *e)
{
	static const struct {
		const char *function;
		void (*answer)(const struct question *q);
	} table[] = {
		{"fetcher_1_lease", answer_lease},   {"fetcher_1_open", answer_open},
		{"fetcher_1_enter", answer_enter},   {"fetcher_1_missing", answer_missing},
		{"fetcher_1_look", answer_look},     {"fetcher_1_cover", answer_cover},
		{"fetcher_1_octets", answer_zeros},  {"fetcher_1_login_ask", answer_ticket},
		{"fetcher_1_found", answer_nothing}, {"fetcher_1_drive", answer_nothing},
	};
	const struct question q = {args, arg_count, arena, reply_out};

	(void)store;
	(void)keys;
	(void)key_count;
	(void)e;
	*reply_out = list(arena, 64);
	put_text(reply_out, "ok");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(function, table[i].function) == 0) {
			table[i].answer(&q);
			return ERR_OK;
		}
	put(reply_out, integer(0));
	put(reply_out, integer(0));
	return ERR_OK;
}

static bool ends_with(struct span s, const char *tail)
{
	const size_t n = strlen(tail);

	return s.n >= n && memcmp(s.p + s.n - n, tail, n) == 0;
}

static void answer_hash(struct span key, struct store_reply *reply)
{
	if (ends_with(key, ":accounts")) {
		put_text(reply, "c1/anna");
		put_text(reply, "1");
	} else if (ends_with(key, ":box")) {
		for (size_t i = 0; i < BOXES && stored.boxes[i].number[0]; i++) {
			put_text(reply, stored.boxes[i].number);
			put(reply, text(buf_span(&stored.boxes[i].value)));
		}
	}
}

/* All folders proved, a search, all read again: what has a connection of its own. */
static void answer_command(struct arena *arena, struct store_reply *reply)
{
	static const char *const kinds[] = {"resync", "cover", "find", "reparse"};
	struct store_reply entry = list(arena, 2), fields = list(arena, 16);

	if (stored.commands == 0)
		return;
	put_text(&fields, "kind");
	put_text(&fields, kinds[--stored.commands]);
	put_text(&fields, "mailbox");
	put_text(&fields, "1");
	put_text(&fields, "request");
	put_text(&fields, "r1");
	put_text(&fields, "from");
	put_text(&fields, "bob@example.test");
	put_text(&entry, COMMAND_ID);
	put(&entry, fields);
	put(reply, entry);
}

enum err_code store_do(struct store *store, struct arena *arena, struct store_reply *reply_out,
		       struct err *e, const char *format, ...)
{
	struct span key;
	va_list args;

	(void)store;
	(void)e;
	va_start(args, format);
	key = va_arg(args, struct span);
	va_end(args);
	*reply_out = list(arena, 2 * BOXES + 2);
	if (strncmp(format, "HGETALL", 7) == 0) {
		answer_hash(key, reply_out);
	} else if (strncmp(format, "XRANGE", 6) == 0) {
		answer_command(arena, reply_out);
	} else if (strncmp(format, "HSCAN", 5) == 0) {
		put_text(reply_out, "0");
		put(reply_out, list(arena, 0));
	} else {
		*reply_out = (struct store_reply){.type = STORE_NIL};
	}
	return ERR_OK;
}

/* The words of a command, as store.h has them. */
struct store_command store_command(struct arena *arena, const char *format, ...)
{
	struct span *args = arena_array(arena, 64, sizeof(*args)), all = span_cstr(format);
	size_t count = 0;
	va_list ap;

	va_start(ap, format);
	while (all.n > 0 && count < 64) {
		const size_t end = span_find_byte(all, ' ');
		const struct span word = span_sub(all, 0, end);

		if (span_eq(word, SPAN_LIT("%b")))
			args[count++] = va_arg(ap, struct span);
		else if (span_eq(word, SPAN_LIT("%s")))
			args[count++] = span_cstr(va_arg(ap, const char *));
		else if (span_eq(word, SPAN_LIT("%d")))
			args[count++] = span_cstr(
				arena_printf(arena, "%lld", (long long)va_arg(ap, int64_t)));
		else
			args[count++] = word;
		all = span_sub(all, end + 1, all.n);
	}
	va_end(ap);
	return (struct store_command){args, count};
}

/* FCALL function 1 key … alone. */
enum err_code store_pipeline(struct store *store, const struct store_command *commands,
			     size_t count, struct arena *arena, struct store_reply *replies_out,
			     struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		const struct store_command *c = &commands[i];

		if (store_fcall(store, arena_cstr(arena, c->args[1]), c->args + 3, 1, c->args + 4,
				c->count - 4, arena, &replies_out[i], e) != ERR_OK)
			return ERR_TEMP;
	}
	return ERR_OK;
}

/* Every second address is known. */
enum err_code store_call(struct store *store, const struct span *args, size_t count,
			 struct arena *arena, struct store_reply *reply_out, struct err *e)
{
	(void)store;
	(void)args;
	(void)e;
	*reply_out = list(arena, count);
	for (size_t i = 2; i < count; i++) {
		struct store_reply nothing = {.type = STORE_NIL};

		put(reply_out, i % 2 ? nothing : text(SPAN_LIT("1")));
	}
	return ERR_OK;
}
