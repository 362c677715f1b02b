/* How the pipeline is, and how far one message is in it (OPS-03). */
#include "common/base/clock.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/event_feed.h"
#include "gateway/json.h"
#include "gateway/mail_message.h"
#include "gateway/operator.h"
#include "gateway/pipeline_view.h"
#include "gateway/problem.h"
#include "gateway/routes.h"

static bool may_overlook(struct http_request *r)
{
	return r->viewer.kind == VIEWER_ROOT || auth_allows(r, NEED_MANAGER, 0);
}

static bool company_accounts(struct http_request *r, struct pipeline_account **out,
			     size_t *count_out)
{
	struct account_entry *entries;

	if (!operator_company(r) || !account_entry_list(r, &entries, count_out))
		return false;
	*out = arena_array(r->arena, *count_out + 1, sizeof(**out));
	for (size_t i = 0; i < *count_out; i++)
		(*out)[i] = (struct pipeline_account){r->viewer.company, entries[i].id};
	return true;
}

/* All of the deployment; fields are `<company>/<account>`. */
static bool all_accounts(struct http_request *r, struct pipeline_account **out, size_t *count_out)
{
	struct store_reply reply;
	struct err e;

	if (store_do(r->store, r->arena, &reply, &e, "HKEYS %b",
		     key_global(r->arena, KEY_G_ACCOUNTS)) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	*out = arena_array(r->arena, reply.count + 1, sizeof(**out));
	for (size_t i = 0; i < reply.count; i++) {
		struct span field = reply.items[i].string;
		size_t slash = span_find_byte(field, '/');

		(*out)[i] = (struct pipeline_account){span_sub(field, 0, slash),
						      span_sub(field, slash + 1, field.n)};
	}
	*count_out = reply.count;
	return true;
}

static void get_pipeline(struct http_request *r)
{
	bool root = r->viewer.kind == VIEWER_ROOT, all = root && !http_query(r, "company");
	struct pipeline_account *accounts;
	json_t *sums, *stages;
	size_t count;
	struct err e;

	if (!may_overlook(r) ||
	    !(all ? all_accounts(r, &accounts, &count) : company_accounts(r, &accounts, &count)))
		return;
	stages = pipeline_view_stages(r, root, &e);
	sums = stages ? pipeline_view_sums(r, accounts, count, &e) : NULL;
	if (!sums) {
		json_decref(stages);
		problem_from_err(r, &e);
		return;
	}
	json_object_set_new(sums, "stages", stages);
	http_answer_json(r, 200, sums);
}

/* What Redis says of a message: its ledger entry, what is aside, its record, its tombstone; how far the account is. */
enum { IN_LEDGER, IN_ASIDE, IN_RECORDS, IN_TOMBS, IN_APPLIED, PLACES };

struct trace {
	struct account_entry account;
	struct id id;
	struct store_reply replies[PLACES];
	json_t *steps;
	json_t *answer;
};

static enum err_code trace_load(struct http_request *r, struct trace *t, struct err *e)
{
	static const char *const keys[] = {KEY_A_LEDGER, KEY_A_ASIDE, KEY_A_MESSAGES, KEY_A_TOMBS};
	struct span id = span_make(t->id.b, ID_BYTES);
	struct store_command commands[PLACES];

	for (size_t i = 0; i < IN_APPLIED; i++)
		commands[i] = store_command(r->arena, "HGET %b %b",
					    mail_key(r, &t->account, keys[i]), id);
	commands[IN_APPLIED] = store_command(
		r->arena, "HGET %b %b", key_company(r->arena, r->viewer.company, KEY_C_APPLIED),
		t->account.id);
	return store_pipeline(r->store, commands, PLACES, r->arena, t->replies, e);
}

static bool is_there(const struct trace *t, unsigned place)
{
	return t->replies[place].type == STORE_STRING;
}

/* RFC 3339 with milliseconds: what a second is for mail is an age for a pipeline. */
static json_t *exact_time(int64_t at_ms)
{
	char text[CLOCK_RFC3339_BYTES];

	if (at_ms <= 0)
		return json_null();
	clock_rfc3339(at_ms, text);
	return json_sprintf("%.19s.%03dZ", text, (int)(at_ms % 1000));
}

static json_t *step(struct trace *t, const char *name, int64_t at_ms)
{
	json_t *object = json_pack("{s:s s:o}", "step", name, "at", exact_time(at_ms));

	json_array_append_new(t->steps, object);
	return object;
}

static void put_number(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void put_state(struct trace *t, const char *state)
{
	json_object_set_new(t->answer, "state", json_string(state));
}

/* [lane, received_ms, size, blob, place bits, drives, attempts, entered_ms, …] */
static void trace_ledger(struct trace *t)
{
	struct pack_reader p = pack_reader_make(t->replies[IN_LEDGER].string);
	uint64_t lane, drives, attempts;
	json_t *object;
	size_t count = pack_read_array(&p);

	lane = pack_read_u64(&p);
	step(t, "received", pack_read_i64(&p));
	pack_skip_n(&p, 3);
	drives = pack_read_u64(&p);
	attempts = pack_read_u64(&p);
	object = step(t, "entered", count > 7 ? pack_read_i64(&p) : 0);
	json_object_set_new(object, "lane", json_string(lane ? "bulk" : "live"));
	put_number(object, "drives", drives);
	put_number(object, "failures", attempts);
	put_state(t, "pending");
}

/* [reason, detail, attempts, received_ms, size, blob, place bits, at] */
static void trace_aside(struct trace *t)
{
	struct pack_reader p = pack_reader_make(t->replies[IN_ASIDE].string);
	struct span reason;
	uint64_t attempts;
	json_t *object;

	pack_read_array(&p);
	reason = pack_read_bytes(&p);
	pack_skip(&p);
	attempts = pack_read_u64(&p);
	step(t, "received", pack_read_i64(&p));
	pack_skip_n(&p, 3);
	object = step(t, "set_aside", pack_read_i64(&p));
	json_object_set_new(object, "reason", json_from_span(reason));
	put_number(object, "failures", attempts);
	put_state(t, "set_aside");
}

static void put_events(struct http_request *r, struct trace *t, const struct journal_entry *entry,
		       uint64_t n)
{
	struct journal_event events[JOURNAL_EVENTS_MAX];
	size_t count = journal_events(entry, events);
	json_t *list = json_array();

	for (unsigned k = 0; k < count; k++) {
		struct event_ref ref = {.number = (uint32_t)t->account.number, .n = n, .k = k};
		char id[EVENT_ID_CHARS + 1];

		event_id_format(&r->app->token_key, r->viewer.company, &ref, id);
		json_array_append_new(list,
				      json_pack("{s:s s:s}", "id", id, "type", events[k].name));
	}
	json_object_set_new(t->answer, "events", list);
}

/* The stages before the commit, as the linker heard of them. */
static void put_way(struct trace *t, const struct journal_entry *entry)
{
	json_t *object = step(t, "pushed", entry->at_ms - (int64_t)entry->pushed_ago_ms);

	put_number(object, "drives", entry->drives);
	object = step(t, "parsed", entry->at_ms - (int64_t)entry->proposed_ago_ms);
	put_number(object, "microseconds", entry->parse_us);
	step(t, "proposed", entry->at_ms - (int64_t)entry->proposed_ago_ms);
}

/* The journal entry n: when it was written, its events, and when the company's side had it. */
static enum err_code trace_entry(struct http_request *r, struct trace *t, const char *name,
				 uint64_t n, struct err *e)
{
	struct event_accounts accounts = {&t->account, 1};
	struct event_ref ref = {.number = (uint32_t)t->account.number, .n = n};
	struct event_position position;
	struct journal_entry entry;
	uint64_t applied = 0;
	enum err_code code;
	bool found;

	code = event_feed_entry(r, &t->account, n, &entry, &found, e);
	if (code != ERR_OK)
		return code;
	if (found && entry.has_way)
		put_way(t, &entry);
	step(t, name, found ? entry.at_ms : 0);
	if (found)
		put_events(r, t, &entry, n);
	if (is_there(t, IN_APPLIED))
		(void)span_to_u64(t->replies[IN_APPLIED].string, UINT64_MAX / 2, &applied);
	if (applied < n)
		return ERR_OK;
	code = event_feed_find(r, &accounts, &ref, &position, &found, e);
	if (code == ERR_OK) {
		step(t, "applied", found ? (int64_t)position.ms : 0);
		put_state(t, strcmp(name, "committed") == 0 ? "applied" : name);
	}
	return code;
}

static enum err_code trace_record(struct http_request *r, struct trace *t, struct err *e)
{
	struct mail_record record;
	struct mail_thread thread;
	struct mail_ref ref = {.account = &t->account};
	enum err_code code;

	if (mail_record_read(&t->id, t->replies[IN_RECORDS].string, &record) != ERR_OK)
		return err_set(e, ERR_PERM, ERR_ITEM, "bad_record", "the record is damaged");
	ref.id = record.home;
	code = mail_threads_load(r, &ref, 1, &thread, e); /* for the id that counts today */
	if (code != ERR_OK)
		return code;
	json_object_set_new(t->answer, "threadId",
			    json_string(mail_public_id(r, &t->account, &thread.id)));
	if (account_belongs(&r->viewer, &t->account))
		put_number(t->answer, "seq", record.n);
	put_number(t->answer, "size", record.size);
	step(t, "received", record.received_ms);
	put_state(t, "committed");
	return trace_entry(r, t, "committed", record.n, e);
}

static bool deletes(const struct journal_entry *entry, const struct id *id)
{
	for (size_t i = 0; i < entry->deleted_count; i++)
		if (id_eq(&entry->deleted[i], id))
			return true;
	return false;
}

/* Of a message that was given up while aside the number is not that of an entry of its own. */
static enum err_code trace_tomb(struct http_request *r, struct trace *t, struct err *e)
{
	struct journal_entry entry;
	enum err_code code;
	uint64_t n = 0;
	bool found;

	put_state(t, "deleted");
	if (!span_to_u64(t->replies[IN_TOMBS].string, UINT64_MAX / 2, &n))
		return ERR_OK;
	code = event_feed_entry(r, &t->account, n, &entry, &found, e);
	if (code == ERR_OK && found && deletes(&entry, &t->id))
		return trace_entry(r, t, "deleted", n, e);
	step(t, "deleted", 0);
	return code;
}

/* A screened message leaves nothing (BLK-03), so it is as unknown as one that never was. */
static bool trace_fill(struct http_request *r, struct trace *t)
{
	enum err_code code = ERR_OK;
	struct err e;

	if (is_there(t, IN_RECORDS)) {
		code = trace_record(r, t, &e);
	} else if (is_there(t, IN_LEDGER)) {
		trace_ledger(t);
	} else if (is_there(t, IN_ASIDE)) {
		trace_aside(t);
	} else if (is_there(t, IN_TOMBS)) {
		code = trace_tomb(r, t, &e);
	} else {
		problem_not_found(r);
		return false;
	}
	if (code == ERR_OK)
		return true;
	problem_from_err(r, &e);
	return false;
}

static void get_trace(struct http_request *r)
{
	struct trace t = {0};
	struct err e;

	if (!operator_message(r, &t.account, &t.id))
		return;
	if (trace_load(r, &t, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return;
	}
	t.steps = json_array();
	t.answer = json_pack("{s:s s:o s:O}", "messageId", mail_public_id(r, &t.account, &t.id),
			     "accountId", json_from_span(t.account.id), "steps", t.steps);
	if (trace_fill(r, &t))
		http_answer_json(r, 200, json_incref(t.answer));
	json_decref(t.answer);
	json_decref(t.steps);
}

static const struct route routes[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/pipeline",
	 .need = NEED_TOKEN,
	 .scope = SCOPE_OPERATE,
	 .handle = get_pipeline,
	 .query = operator_query,
	 .status = 200,
	 .summary = "The stages with their processes, and what waits, failed or is not yet told."},
	{.method = HTTP_GET,
	 .pattern = "/v1/pipeline/trace/{message}",
	 .need = NEED_TOKEN,
	 .scope = SCOPE_OPERATE,
	 .handle = get_trace,
	 .query = operator_query,
	 .status = 200,
	 .summary = "The way of one message through the stages, with times."},
};

ROUTE_TABLE(route_pipeline_table, "operate", routes);
