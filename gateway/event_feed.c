#include "gateway/event_feed.h"

#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/page.h"

enum {
	REFERENCE = 11, /* octets: 'm', u32 account number, u48 n */
	SEALED_MAX = 128,
	POSITION = 17,
	FIND_STEP = 1000,
	FIND_STEPS = 200, /* references looked through for one that its time did not lead to */
	CLOCKS_APART_MS = 1000, /* the writer's clock and the server's */
};

static uint64_t read_be(const uint8_t *p, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | p[i];
	return value;
}

static void write_be(uint8_t *p, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
}

static struct span position_context(const struct http_request *r)
{
	return span_cstr(arena_printf(r->arena, "events %.*s %.*s", (int)r->viewer.company.n,
				      (const char *)r->viewer.company.p, (int)r->viewer.user.n,
				      (const char *)r->viewer.user.p));
}

void event_position_format(const struct http_request *r, const struct event_position *position,
			   struct buf *out)
{
	uint8_t clear[POSITION];

	write_be(clear, 8, position->ms);
	write_be(clear + 8, 8, position->sequence);
	clear[16] = (uint8_t)position->next;
	page_seal(&r->app->token_key, position_context(r), span_make(clear, POSITION), out);
}

bool event_position_parse(const struct http_request *r, struct span text,
			  struct event_position *position_out)
{
	struct buf clear;
	bool ok;

	buf_init(&clear, SEALED_MAX);
	ok = text.n <= SEALED_MAX &&
	     page_open(&r->app->token_key, position_context(r), text, &clear) == ERR_OK &&
	     clear.n == POSITION;
	if (ok)
		*position_out = (struct event_position){read_be(clear.p, 8),
							read_be(clear.p + 8, 8), clear.p[16]};
	buf_fini(&clear);
	return ok;
}

static struct span stream_id(struct http_request *r, uint64_t ms, uint64_t sequence)
{
	return span_cstr(arena_printf(r->arena, "%llu-%llu", (unsigned long long)ms,
				      (unsigned long long)sequence));
}

static bool stream_id_read(struct span s, uint64_t *ms_out, uint64_t *sequence_out)
{
	size_t dash = span_find_byte(s, '-');

	return span_to_u64(span_sub(s, 0, dash), UINT64_MAX, ms_out) &&
	       span_to_u64(span_sub(s, dash + 1, s.n), UINT64_MAX, sequence_out);
}

/* The value of the one field of a stream entry, [id, [name, value]]; false if it is something else. */
static bool stream_entry_read(const struct store_reply *entry, uint64_t *ms_out,
			      uint64_t *sequence_out, struct span *value_out)
{
	if (entry->count < 2 || entry->items[1].count < 2 ||
	    !stream_id_read(entry->items[0].string, ms_out, sequence_out))
		return false;
	*value_out = entry->items[1].items[1].string;
	return true;
}

static const struct account_entry *account_of(const struct event_accounts *accounts,
					      uint64_t number)
{
	for (size_t i = 0; i < accounts->count; i++)
		if (accounts->entries[i].number == number)
			return &accounts->entries[i];
	return NULL;
}

/* 'c' ‖ [name, at_ms, data] */
static bool own_read(struct span value, struct event_item *item)
{
	struct pack_reader p = pack_reader_make(span_sub(value, 1, value.n));
	size_t count = pack_read_array(&p);

	if (count < 3)
		return false;
	item->name = pack_read_bytes(&p);
	item->at_ms = pack_read_i64(&p);
	item->data = pack_read_bytes(&p);
	return !p.bad && item->name.n;
}

static bool item_read(const struct event_accounts *accounts, const struct store_reply *entry,
		      struct event_item *item)
{
	struct span value;

	*item = (struct event_item){0};
	if (!stream_entry_read(entry, &item->ms, &item->sequence, &value) || !value.n)
		return false;
	if (value.p[0] == 'c')
		return own_read(value, item);
	if (value.p[0] != 'm' || value.n != REFERENCE)
		return false;
	item->account = account_of(accounts, read_be(value.p + 1, 4));
	item->n = read_be(value.p + 5, 6);
	return item->account != NULL;
}

static struct store_command journal_command(struct http_request *r,
					    const struct account_entry *account, uint64_t n)
{
	struct span id = stream_id(r, n, 0);

	return store_command(r->arena, "XRANGE %b %b %b",
			     key_account(r->arena, r->viewer.company, account->id, KEY_A_JOURNAL),
			     id, id);
}

static bool journal_take(struct http_request *r, const struct store_reply *reply,
			 struct event_item *item)
{
	uint64_t n, zero;
	struct span packed;

	if (reply->count != 1 || !stream_entry_read(&reply->items[0], &n, &zero, &packed) ||
	    journal_read(packed, r->arena, &item->entry) != ERR_OK)
		return false;
	item->at_ms = item->entry.at_ms;
	return true;
}

/* Reads the journal entries of items that refer to one; drops those whose entry is gone. */
static enum err_code journals_read(struct http_request *r, struct event_item *items, size_t *count,
				   struct err *e)
{
	struct store_command *commands = arena_array(r->arena, *count + 1, sizeof(*commands));
	struct store_reply *replies = arena_array(r->arena, *count + 1, sizeof(*replies));
	size_t asked = 0, kept = 0, at = 0;
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < *count; i++)
		if (!items[i].name.n)
			commands[asked++] = journal_command(r, items[i].account, items[i].n);
	if (asked)
		code = store_pipeline(r->store, commands, asked, r->arena, replies, e);
	for (size_t i = 0; code == ERR_OK && i < *count; i++)
		if (items[i].name.n || journal_take(r, &replies[at++], &items[i]))
			items[kept++] = items[i];
	*count = kept;
	return code;
}

/* Without the reference itself if none of its events can be left. */
static struct span range_begin(struct http_request *r, const struct event_position *from)
{
	return span_cstr(
		arena_printf(r->arena, "%s%llu-%llu", from->next >= JOURNAL_EVENTS_MAX ? "(" : "",
			     (unsigned long long)from->ms, (unsigned long long)from->sequence));
}

enum err_code event_feed_read(struct http_request *r, const struct event_accounts *accounts,
			      const struct event_position *from, size_t max,
			      struct event_item *items_out, size_t *count_out,
			      struct event_position *at_out, bool *end_out, struct err *e)
{
	struct store_reply reply;
	enum err_code code = store_do(r->store, r->arena, &reply, e, "XRANGE %b %b + COUNT %d",
				      key_company(r->arena, r->viewer.company, KEY_C_EVENTS),
				      range_begin(r, from), (int64_t)max + 1);

	*at_out = *from;
	*count_out = 0;
	*end_out = true;
	if (code != ERR_OK)
		return code;
	*end_out = reply.count <= max;
	for (size_t i = 0; i < reply.count && i < max; i++) {
		struct span value;

		if (!stream_entry_read(&reply.items[i], &at_out->ms, &at_out->sequence, &value))
			continue;
		at_out->next = UINT8_MAX;
		if (item_read(accounts, &reply.items[i], &items_out[*count_out]))
			(*count_out)++;
	}
	return journals_read(r, items_out, count_out, e);
}

enum err_code event_feed_entry(struct http_request *r, const struct account_entry *account,
			       uint64_t n, struct journal_entry *entry_out, bool *found_out,
			       struct err *e)
{
	struct store_command command = journal_command(r, account, n);
	struct event_item item = {0};
	struct store_reply reply;
	enum err_code code = store_call(r->store, command.args, command.count, r->arena, &reply, e);

	*found_out = code == ERR_OK && journal_take(r, &reply, &item);
	*entry_out = item.entry;
	return code;
}

static bool is_reference(struct span value, const uint8_t wanted[REFERENCE])
{
	return span_eq(value, span_make(wanted, REFERENCE));
}

/* Looks for a reference from a time on, in steps. */
static enum err_code search(struct http_request *r, const uint8_t wanted[REFERENCE],
			    int64_t from_ms, struct event_position *position, bool *found,
			    struct err *e)
{
	struct span key = key_company(r->arena, r->viewer.company, KEY_C_EVENTS);
	struct span from = stream_id(r, from_ms > 0 ? (uint64_t)from_ms : 0, 0);
	struct arena *arena = arena_new(0);
	enum err_code code = ERR_OK;

	for (int step = 0; step < FIND_STEPS && code == ERR_OK && !*found; step++) {
		struct store_reply reply;
		struct span value;

		arena_reset(arena);
		code = store_do(r->store, arena, &reply, e, "XRANGE %b %b + COUNT %d", key, from,
				(int64_t)FIND_STEP);
		for (size_t i = 0; code == ERR_OK && i < reply.count && !*found; i++)
			*found = stream_entry_read(&reply.items[i], &position->ms,
						   &position->sequence, &value) &&
				 is_reference(value, wanted);
		if (code != ERR_OK || reply.count < FIND_STEP)
			break;
		from = stream_id(r, position->ms, position->sequence + 1);
	}
	arena_free(&arena);
	return code;
}

static enum err_code find_in_journal(struct http_request *r, const struct event_accounts *accounts,
				     const struct event_ref *ref, struct event_position *position,
				     bool *found, struct err *e)
{
	const struct account_entry *account = account_of(accounts, ref->number);
	uint8_t wanted[REFERENCE] = {'m'};
	struct journal_entry entry = {0};
	enum err_code code = ERR_OK;
	bool kept = false;

	write_be(wanted + 1, 4, ref->number);
	write_be(wanted + 5, 6, ref->n);
	if (account)
		code = event_feed_entry(r, account, ref->n, &entry, &kept, e);
	if (code == ERR_OK && kept)
		code = search(r, wanted, entry.at_ms - CLOCKS_APART_MS, position, found, e);
	if (code == ERR_OK && !*found)
		code = search(r, wanted, 0, position, found, e);
	return code;
}

enum err_code event_feed_find(struct http_request *r, const struct event_accounts *accounts,
			      const struct event_ref *ref, struct event_position *position_out,
			      bool *found_out, struct err *e)
{
	enum err_code code = ERR_OK;

	*found_out = false;
	if (ref->company) {
		*found_out = true;
		*position_out = (struct event_position){ref->ms, ref->sequence, UINT8_MAX};
		return ERR_OK;
	}
	code = find_in_journal(r, accounts, ref, position_out, found_out, e);
	if (*found_out)
		position_out->next = ref->k + 1;
	else
		*position_out = (struct event_position){0, 0, 0};
	return code;
}
