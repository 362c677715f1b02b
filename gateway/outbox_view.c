#include "gateway/outbox_view.h"

#include <stdlib.h>

#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/account.h"
#include "gateway/json.h"
#include "gateway/outbox_back.h"
#include "gateway/problem.h"

/* One entry: where it is, its values as stored, and when mail to many may go on. */
struct row {
	struct span account, submission;
	int64_t created_ms;
	struct span entry, state, back, bulk_at, bulk_why;
};

/* What stands in an entry. */
struct facts {
	int64_t created_ms, send_at_ms, undo_until_ms;
	bool bulk;
};

static bool facts_read(struct span entry, struct facts *facts)
{
	struct pack_reader p = pack_reader_make(entry);
	size_t n = pack_read_array(&p);

	*facts = (struct facts){.bulk = false};
	pack_skip_n(&p, 3);
	facts->created_ms = pack_read_i64(&p);
	facts->send_at_ms = pack_read_i64(&p);
	if (n >= 13) {
		pack_skip_n(&p, 3);
		facts->bulk = pack_read_u64(&p) == 1;
		pack_skip_n(&p, 3);
		facts->undo_until_ms = pack_read_i64(&p);
	}
	return n >= 5 && !p.bad;
}

static json_t *reason_json(struct span waits)
{
	return json_string(span_eq(waits, SPAN_LIT("day")) ? "daily_limit" : "rate_limit");
}

/* What the sender wrote, with what is ours alone left out. */
static void state_merge(json_t *object, struct span state)
{
	static const char *const SHOWN[] = {"status", "attempts", "serverReply", "filing",
					    "recipients"};
	json_t *stored = state.n ? json_loadb((const char *)state.p, state.n, 0, NULL) : NULL;
	const json_t *next = json_object_get(stored, "nextAttemptAt");

	if (!json_is_array(json_object_get(stored, "recipients")))
		json_object_del(stored, "recipients"); /* Lua's empty list */
	for (size_t i = 0; i < sizeof(SHOWN) / sizeof(SHOWN[0]); i++)
		if (json_object_get(stored, SHOWN[i]))
			json_object_set(object, SHOWN[i], json_object_get(stored, SHOWN[i]));
	if (json_is_integer(next))
		json_object_set_new(object, "nextAttemptAt",
				    json_from_time(json_integer_value(next)));
	if (json_get_text(stored, "waits"))
		json_object_set_new(object, "delayReason",
				    reason_json(json_get_span(stored, "waits")));
	json_decref(stored);
}

/* A copy of mail to many that is due and not gone waits for the account's next slot. */
static void bulk_merge(struct http_request *r, json_t *object, const struct row *row,
		       const struct facts *facts)
{
	struct span status = json_get_span(object, "status");
	uint64_t at;

	if (facts->bulk && facts->send_at_ms <= r->now_ms && facts->undo_until_ms <= r->now_ms &&
	    span_eq(status, SPAN_LIT("queued")) && span_to_u64(row->bulk_at, INT64_MAX, &at) &&
	    (int64_t)at > r->now_ms) {
		json_object_set_new(object, "nextAttemptAt", json_from_time((int64_t)at));
		json_object_set_new(object, "delayReason", reason_json(row->bulk_why));
	}
}

static const char *public_id(struct http_request *r, const struct row *row)
{
	return arena_printf(r->arena, "%.*s~%.*s", (int)row->account.n,
			    (const char *)row->account.p, (int)row->submission.n,
			    (const char *)row->submission.p);
}

/* NULL if the stored one is damaged. */
static json_t *row_json(struct http_request *r, const struct row *row)
{
	struct facts facts;
	int64_t undo_until;
	json_t *object;

	if (!facts_read(row->entry, &facts))
		return NULL;
	undo_until = facts.undo_until_ms > r->now_ms ? facts.undo_until_ms : 0;
	object = json_pack("{s:s s:o s:s s:i s:n s:n s:n s:n s:[] s:b s:o s:o s:o}", "id",
			   public_id(r, row), "accountId", json_from_span(row->account), "status",
			   facts.send_at_ms > r->now_ms ? "scheduled" : "queued", "attempts", 0,
			   "nextAttemptAt", "delayReason", "serverReply", "filing", "recipients",
			   "bulk", (int)facts.bulk, "createdAt", json_from_time(facts.created_ms),
			   "sendAt",
			   facts.send_at_ms > facts.created_ms ? json_from_time(facts.send_at_ms)
							       : json_null(),
			   "undoUntil", json_from_time(undo_until));
	state_merge(object, row->state);
	bulk_merge(r, object, row, &facts);
	outbox_back_put(r, row->account, row->back, object);
	if (span_eq(json_get_span(object, "status"), SPAN_LIT("cancelled")))
		json_object_set_new(object, "undoUntil", json_null());
	return object;
}

json_t *outbox_view_json(struct http_request *r, struct span account, struct span submission,
			 struct span entry, struct span state)
{
	const struct row row = {
		.account = account, .submission = submission, .entry = entry, .state = state};

	return row_json(r, &row);
}

enum { COMMANDS = 4 };

static bool rows_load(struct http_request *r, struct row *rows, size_t count)
{
	struct store_command *commands =
		arena_array(r->arena, count * COMMANDS + 1, sizeof(*commands));
	struct store_reply *replies = arena_array(r->arena, count * COMMANDS + 1, sizeof(*replies));
	struct span company = r->viewer.company;
	struct err e;

	for (size_t i = 0; i < count; i++) {
		struct store_command *c = &commands[i * COMMANDS];

		c[0] = store_command(r->arena, "HGET %b %b",
				     key_account(r->arena, company, rows[i].account, KEY_A_OUTBOX),
				     rows[i].submission);
		c[1] = store_command(
			r->arena, "HGET %b %b",
			key_account(r->arena, company, rows[i].account, KEY_A_OUTSTATE),
			rows[i].submission);
		c[2] = store_command(r->arena, "HMGET %b bulk why",
				     key_account(r->arena, company, rows[i].account, KEY_A_PACE));
		c[3] = store_command(r->arena, "HGET %b %b",
				     key_account(r->arena, company, rows[i].account, KEY_A_OUTBACK),
				     rows[i].submission);
	}
	if (count &&
	    store_pipeline(r->store, commands, count * COMMANDS, r->arena, replies, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		const struct store_reply *v = &replies[i * COMMANDS];

		rows[i].entry = v[0].type == STORE_STRING ? v[0].string : SPAN_LIT("");
		rows[i].state = v[1].type == STORE_STRING ? v[1].string : SPAN_LIT("");
		rows[i].bulk_at = v[2].count == 2 ? v[2].items[0].string : SPAN_LIT("");
		rows[i].bulk_why = v[2].count == 2 ? v[2].items[1].string : SPAN_LIT("");
		rows[i].back = v[3].type == STORE_STRING ? v[3].string : SPAN_LIT("");
	}
	return true;
}

void outbox_view_get(struct http_request *r, struct span account, struct span submission)
{
	struct row row = {.account = account, .submission = submission};
	json_t *object;

	if (!rows_load(r, &row, 1))
		return;
	object = row_json(r, &row);
	if (object)
		http_answer_json(r, 200, object);
	else
		problem_not_found(r);
}

/* ---- the list ---- */

/* Newest first, and of the same moment by account and then as ZREVRANGE has them: what is read of an account is so the
 * beginning of its part of the list. */
static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	int by_account = span_compare(left->account, right->account);

	if (left->created_ms != right->created_ms)
		return left->created_ms < right->created_ms ? 1 : -1;
	return by_account ? by_account : span_compare(right->submission, left->submission);
}

/* `<created ms>/<account>~<submission>` of the last one shown. */
static struct span cursor_make(struct http_request *r, const struct row *row)
{
	return span_cstr(
		arena_printf(r->arena, "%lld/%s", (long long)row->created_ms, public_id(r, row)));
}

static struct row cursor_read(struct span cursor)
{
	size_t slash = span_find_byte(cursor, '/');
	struct span id = span_sub(cursor, slash + 1, cursor.n);
	size_t tilde = span_find_byte(id, '~');
	struct row row = {.account = span_sub(id, 0, tilde),
			  .submission = span_sub(id, tilde + 1, id.n)};
	uint64_t created = 0;

	span_to_u64(span_sub(cursor, 0, slash), INT64_MAX, &created);
	row.created_ms = (int64_t)created;
	return row;
}

struct listing {
	struct row *rows;
	size_t count, room;
};

/* ids and scores in turn; only what comes after `after`. */
static void listing_add(struct http_request *r, struct listing *list, struct span account,
			const struct store_reply *found, const struct row *after)
{
	for (size_t i = 0; i + 1 < found->count; i += 2) {
		struct row row = {.account = account, .submission = found->items[i].string};
		uint64_t created = 0;

		span_to_u64(found->items[i + 1].string, INT64_MAX, &created);
		row.created_ms = (int64_t)created;
		if (after->account.n && compare_rows(&row, after) <= 0)
			continue;
		if (list->count == list->room) {
			struct row *more = arena_array(r->arena, 2 * list->room, sizeof(*more));

			memcpy(more, list->rows, list->count * sizeof(*more));
			list->rows = more;
			list->room *= 2;
		}
		list->rows[list->count++] = row;
	}
}

/* The next ones of an account: what was made in the same moment as the last one shown, and a page of what is older. */
static bool account_read(struct http_request *r, struct listing *list, struct span account,
			 const struct row *after, size_t limit)
{
	struct span key = key_account(r->arena, r->viewer.company, account, KEY_A_OUTLIST);
	struct span at =
		after->account.n
			? span_cstr(arena_printf(r->arena, "%lld", (long long)after->created_ms))
			: SPAN_LIT("inf");
	struct store_command commands[2];
	struct store_reply replies[2];
	struct err e;

	commands[0] = store_command(r->arena, "ZRANGEBYSCORE %b %b %b WITHSCORES", key, at, at);
	commands[1] = store_command(
		r->arena, "ZREVRANGEBYSCORE %b %b -inf WITHSCORES LIMIT 0 %b", key,
		span_cstr(arena_printf(r->arena, "(%.*s", (int)at.n, (const char *)at.p)),
		span_cstr(arena_printf(r->arena, "%zu", limit + 1)));
	if (store_pipeline(r->store, commands, 2, r->arena, replies, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	listing_add(r, list, account, &replies[0], after);
	listing_add(r, list, account, &replies[1], after);
	return true;
}

static void listing_answer(struct http_request *r, struct listing *list, size_t limit)
{
	size_t count = list->count < limit ? list->count : limit;
	json_t *data = json_array();

	if (list->count > 1)
		qsort(list->rows, list->count, sizeof(*list->rows), compare_rows);
	if (!rows_load(r, list->rows, count)) {
		json_decref(data);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		json_t *object = row_json(r, &list->rows[i]);

		if (object)
			json_array_append_new(data, object);
	}
	page_answer(r, data,
		    list->count > count ? cursor_make(r, &list->rows[count - 1]) : SPAN_LIT(""));
}

void outbox_view_list(struct http_request *r, const struct page *page)
{
	struct row after = cursor_read(page->cursor);
	struct listing list = {.room = 256};
	struct account_entry *accounts;
	size_t count;

	if (!account_entry_list(r, &accounts, &count))
		return;
	list.rows = arena_array(r->arena, list.room, sizeof(*list.rows));
	for (size_t i = 0; i < count; i++)
		if (!accounts[i].removed && account_belongs(&r->viewer, &accounts[i]) &&
		    !account_read(r, &list, accounts[i].id, &after, page->limit))
			return;
	listing_answer(r, &list, page->limit);
}
