#include "gateway/account_view.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/store/keys.h"
#include "gateway/json.h"
#include "gateway/problem.h"

#define COMMANDS 7 /* of one account */
#define CHANGES "5"

static struct span member(const struct store_reply *pairs, const char *name)
{
	for (size_t i = 0; i + 1 < pairs->count; i += 2)
		if (span_eq(pairs->items[i].string, span_cstr(name)))
			return pairs->items[i + 1].string;
	return SPAN_LIT("");
}

static int64_t number(const struct store_reply *pairs, const char *name)
{
	uint64_t value = 0;

	return span_to_u64(member(pairs, name), INT64_MAX, &value) ? (int64_t)value : 0;
}

static void put(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

static json_t *progress(const struct store_reply *st)
{
	int64_t total = number(st, "total"), done = number(st, "done");
	struct span rate = member(st, "rate");
	double per_second = 0;
	char text[32];

	snprintf(text, sizeof(text), "%.*s", (int)(rate.n < 31 ? rate.n : 31),
		 rate.n ? (const char *)rate.p : "");
	per_second = strtod(text, NULL);
	return json_pack(
		"{s:I s:I s:f s:o s:b}", "total", (json_int_t)total, "done", (json_int_t)done,
		"rate", per_second, "remainingSeconds",
		per_second > 0.01 && total > done
			? json_integer((json_int_t)((double)(total - done) / per_second) + 1)
			: json_null(),
		"initialDone", number(st, "initialDone") == 1);
}

static json_t *last_error(const struct store_reply *st)
{
	struct span text = member(st, "error");
	json_t *error = text.n ? json_loadb((const char *)text.p, text.n, 0, NULL) : NULL;
	const json_t *at = json_object_get(error, "at");

	if (json_is_integer(at))
		put(error, "at", json_from_time(json_integer_value(at)));
	return error ? error : json_null();
}

/* What its connections wait for, beside what lastError says. */
static json_t *waiting(const struct store_reply *st)
{
	struct span reason = member(st, "waitFor");

	if (!reason.n)
		return json_null();
	return json_pack("{s:o s:o}", "for", json_from_span(reason), "until",
			 json_from_time(number(st, "waitUntil")));
}

static json_t *state(const struct store_reply *st, bool paused)
{
	struct span name = member(st, "state");

	if (paused)
		return json_string("paused");
	return name.n ? json_from_span(name) : json_string("init");
}

/* A stream entry: its id begins with the time. */
json_t *account_change_json(const struct store_reply *entry)
{
	const struct span id = entry->items[0].string, code = member(&entry->items[1], "code");
	uint64_t at = 0;

	span_to_u64(span_sub(id, 0, span_find_byte(id, '-')), INT64_MAX, &at);
	return json_pack("{s:o s:o s:o}", "at", json_from_time((int64_t)at), "state",
			 json_from_span(member(&entry->items[1], "state")), "code",
			 code.n ? json_from_span(code) : json_null());
}

static json_t *changes(const struct store_reply *stream)
{
	json_t *list = json_array();

	for (size_t i = 0; i < stream->count; i++)
		if (stream->items[i].count == 2)
			json_array_append_new(list, account_change_json(&stream->items[i]));
	return list;
}

/* ACC-09: what the people who get mail see counts, not what was asked for. */
static const char *name_state(const json_t *config, const struct store_reply *acct)
{
	const struct span wanted = json_get_span(config, "senderName");

	if (!wanted.n)
		return "none";
	if (!number(acct, "nameSeenAt") || !span_eq(wanted, member(acct, "nameFor")))
		return "unconfirmed";
	return span_eq(wanted, member(acct, "nameSeen")) ? "set" : "replaced";
}

static void put_name(json_t *object, const struct store_reply *acct)
{
	const bool seen = number(acct, "nameSeenAt") > 0;

	put(object, "senderNameState", json_string(name_state(object, acct)));
	put(object, "senderNameSeen",
	    seen ? json_from_span(member(acct, "nameSeen")) : json_null());
	put(object, "senderNameSeenAt", json_from_time(number(acct, "nameSeenAt")));
}

/* How much mail a mailbox holds is its people's alone (SHR-01): it tells of private mail. */
static void hide_amounts(json_t *object)
{
	static const char *const hidden[][2] = {
		{"counts", "messages"}, {"counts", "screened"}, {"progress", "total"},
		{"progress", "done"},	{"progress", "rate"},	{"progress", "remainingSeconds"}};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		put(json_object_get(object, hidden[i][0]), hidden[i][1], json_null());
}

/* How far it is behind the mail server: nothing while it keeps up, else since all was read last. */
static json_t *lag(const struct store_reply *st, int64_t pending, int64_t now_ms)
{
	const int64_t read_ms = number(st, "lastRead");
	const bool connected = span_eq(member(st, "state"), SPAN_LIT("connected"));

	if (!read_ms)
		return json_null();
	if ((connected && pending == 0) || now_ms < read_ms)
		return json_integer(0);
	return json_integer((json_int_t)((now_ms - read_ms) / 1000));
}

/* replies: acct, st, n, length of the ledger, of what is set aside, last changes of state, logins. */
static json_t *view(const struct account_entry *entry, const struct store_reply *replies,
		    int64_t now_ms)
{
	const struct store_reply *acct = &replies[0], *st = &replies[1], *n = &replies[2];
	const struct store_reply *logins = &replies[6];
	struct span config = member(acct, "config");
	json_t *object = json_loadb((const char *)config.p, config.n, 0, NULL);

	if (!json_is_object(object)) {
		json_decref(object);
		return NULL;
	}
	put(object, "id", json_from_span(entry->id));
	put(object, "userId", json_from_span(entry->user));
	put(object, "email", json_from_span(entry->email));
	put(object, "members", account_members_json(entry));
	put(object, "state", state(st, span_eq(member(acct, "paused"), SPAN_LIT("1"))));
	put(object, "stateSince", json_from_time(number(st, "since")));
	put(object, "progress", progress(st));
	put(object, "counts",
	    json_pack("{s:I s:I s:I s:I}", "messages", (json_int_t)number(n, "committed"),
		      "screened", (json_int_t)number(n, "screened"), "pending",
		      (json_int_t)replies[3].integer, "setAside", (json_int_t)replies[4].integer));
	put(object, "lastError", last_error(st));
	put(object, "waiting", waiting(st));
	put(object, "lastReadAt", json_from_time(number(st, "lastRead")));
	put(object, "nextRetryAt", json_from_time(number(st, "nextRetry")));
	put(object, "lastSentAt", json_from_time(number(logins, "sent")));
	put(object, "smtpStatus",
	    member(logins, "smtp").n ? json_from_span(member(logins, "smtp")) : json_null());
	put_name(object, acct);
	put(object, "changes", changes(&replies[5]));
	put(object, "lag", lag(st, replies[3].integer, now_ms));
	put(object, "createdAt", json_from_time(number(acct, "created")));
	return object;
}

static void commands_add(struct http_request *r, struct span account,
			 struct store_command *commands)
{
	struct span company = r->viewer.company;

	commands[0] = store_command(r->arena, "HGETALL %b",
				    key_account(r->arena, company, account, KEY_A_ACCOUNT));
	commands[1] = store_command(r->arena, "HGETALL %b",
				    key_account(r->arena, company, account, KEY_A_STATE));
	commands[2] = store_command(r->arena, "HGETALL %b",
				    key_account(r->arena, company, account, KEY_A_COUNTS));
	commands[3] = store_command(r->arena, "HLEN %b",
				    key_account(r->arena, company, account, KEY_A_LEDGER));
	commands[4] = store_command(r->arena, "HLEN %b",
				    key_account(r->arena, company, account, KEY_A_ASIDE));
	commands[5] = store_command(r->arena, "XREVRANGE %b + - COUNT " CHANGES,
				    key_account(r->arena, company, account, KEY_A_HISTORY));
	commands[6] = store_command(r->arena, "HGETALL %b",
				    key_account(r->arena, company, account, KEY_A_LOGINS));
}

enum err_code account_view_many(struct http_request *r, const struct account_entry *entries,
				size_t count, json_t **objects_out, struct err *e)
{
	struct store_command *commands =
		arena_array(r->arena, count * COMMANDS + 1, sizeof(*commands));
	struct store_reply *replies = arena_array(r->arena, count * COMMANDS + 1, sizeof(*replies));
	enum err_code code;

	for (size_t i = 0; i < count; i++)
		commands_add(r, entries[i].id, commands + i * COMMANDS);
	if (!count)
		return ERR_OK;
	code = store_pipeline(r->store, commands, count * COMMANDS, r->arena, replies, e);
	for (size_t i = 0; i < count; i++)
		objects_out[i] = code == ERR_OK
					 ? view(&entries[i], replies + i * COMMANDS, r->now_ms)
					 : NULL;
	for (size_t i = 0; i < count; i++)
		if (objects_out[i] && !account_belongs(&r->viewer, &entries[i]))
			hide_amounts(objects_out[i]);
	return code;
}

void account_view_answer(struct http_request *r, const struct account_entry *entry, unsigned status)
{
	json_t *object = NULL;
	struct err e;

	if (account_view_many(r, entry, 1, &object, &e) != ERR_OK)
		problem_from_err(r, &e);
	else if (object)
		http_answer_json(r, status, object);
	else
		problem_not_found(r);
}
