/* Older mail on request (SYN-03), and comparing all again: what is asked goes to the account's fetcher as a command. */
#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/code.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/account_open.h"
#include "gateway/bus_client.h"
#include "gateway/json.h"
#include "gateway/problem.h"
#include "gateway/routes.h"
#include "gateway/utf7.h"

#define DAY_MS INT64_C(86400000)
#define FOLDERS_MAX 1000
#define PATH_MAX_SHOWN 4096
#define NUMBERS_MAX (12 * FOLDERS_MAX)

/* ---- times ---- */

/* So many calendar months before now. */
static int64_t months_ago(int64_t now_ms, int months)
{
	const time_t now = (time_t)(now_ms / 1000);
	struct tm tm;

	if (!gmtime_r(&now, &tm))
		return 0;
	tm.tm_year -= months / 12;
	tm.tm_mon -= months % 12;
	if (tm.tm_mon < 0) {
		tm.tm_mon += 12;
		tm.tm_year--;
	}
	tm.tm_mday = tm.tm_mday > 28 ? 28 : tm.tm_mday;
	return (int64_t)timegm(&tm) * 1000;
}

static bool read_date(struct span text, int64_t *ms_out)
{
	char whole[32];

	if (text.n != 10)
		return clock_parse_rfc3339((const char *)text.p, text.n, ms_out);
	memcpy(whole, text.p, 10);
	memcpy(whole + 10, "T00:00:00Z", 11);
	return clock_parse_rfc3339(whole, 20, ms_out);
}

/* "12m" and the like before now, `all` (0), a date or a time. */
static bool read_time(struct span text, int64_t now_ms, int64_t *ms_out)
{
	uint64_t count;
	uint8_t unit;

	*ms_out = 0;
	if (text.n == 0)
		return false;
	if (span_eq(text, SPAN_LIT("all")))
		return true;
	unit = text.p[text.n - 1];
	if (!span_to_u64(span_sub(text, 0, text.n - 1), 9999, &count))
		return read_date(text, ms_out) && *ms_out >= 0;
	if (unit == 'm' || unit == 'y')
		*ms_out = months_ago(now_ms, (int)count * (unit == 'y' ? 12 : 1));
	else if (unit == 'd' || unit == 'w')
		*ms_out = now_ms - (int64_t)count * (unit == 'w' ? 7 : 1) * DAY_MS;
	else
		return false;
	*ms_out = *ms_out < 0 ? 0 : *ms_out;
	return true;
}

static bool read_window(struct http_request *r, int64_t *since_out, int64_t *until_out)
{
	const struct span until = json_get_span(r->json, "until");
	const int64_t now_ms = clock_wall_ms();

	*until_out = 0;
	if (!read_time(json_get_span(r->json, "since"), now_ms, since_out)) {
		problem_answer(r, PROBLEM_INVALID_FIELD,
			       "`since` must be like 1m, 12m, 2y, 30d, all, or a date.");
		return false;
	}
	if (until.n && (!read_time(until, now_ms, until_out) || *until_out <= *since_out)) {
		problem_answer(r, PROBLEM_INVALID_FIELD,
			       "`until` must be a date or time after `since`.");
		return false;
	}
	if (*since_out > now_ms) {
		problem_answer(r, PROBLEM_INVALID_FIELD, "`since` lies in the future.");
		return false;
	}
	return true;
}

/* ---- folders ---- */

static bool boxes_load(struct http_request *r, const struct account_entry *entry,
		       struct store_reply *boxes_out)
{
	struct err e;

	if (store_do(r->store, r->arena, boxes_out, &e, "HGETALL %b",
		     key_account(r->arena, r->viewer.company, entry->id, KEY_A_MAILBOXES)) ==
	    ERR_OK)
		return true;
	problem_from_err(r, &e);
	return false;
}

/* The path as people see it, in the arena; empty: damaged. */
static struct span box_path(struct http_request *r, struct span packed)
{
	struct pack_reader p = pack_reader_make(packed);
	const bool whole = pack_read_array(&p) > 0;
	const struct span path = pack_read_bytes(&p);
	struct span text;
	struct buf shown;

	if (!whole || p.bad)
		return SPAN_LIT("");
	buf_init(&shown, PATH_MAX_SHOWN);
	utf7_decode(path, &shown);
	text = arena_span(r->arena, buf_span(&shown));
	buf_fini(&shown);
	return text;
}

static struct span box_number(struct http_request *r, const struct store_reply *boxes,
			      struct span folder)
{
	for (size_t i = 0; i + 1 < boxes->count; i += 2) {
		const struct span path = box_path(r, boxes->items[i + 1].string);

		if (span_eq(path, folder) ||
		    (span_ieq(path, SPAN_LIT("INBOX")) && span_ieq(folder, SPAN_LIT("INBOX"))))
			return boxes->items[i].string;
	}
	return SPAN_LIT("");
}

/* "3,7": their numbers; empty: all. */
static bool read_folders(struct http_request *r, const struct account_entry *entry,
			 struct span *numbers_out)
{
	const size_t count = json_array_size(json_object_get(r->json, "folders"));
	struct store_reply boxes;
	struct span *folders;
	struct buf numbers;

	*numbers_out = SPAN_LIT("");
	if (count == 0)
		return true;
	if (!boxes_load(r, entry, &boxes))
		return false;
	json_get_spans(r->arena, r->json, "folders", &folders);
	buf_init(&numbers, NUMBERS_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct span number = box_number(r, &boxes, folders[i]);

		if (number.n == 0) {
			buf_fini(&numbers);
			problem_answer(r, PROBLEM_UNKNOWN_REFERENCE,
				       "The mailbox has no folder `%.*s`.", (int)folders[i].n,
				       (const char *)folders[i].p);
			return false;
		}
		if (i)
			buf_put_byte(&numbers, ',');
		buf_put(&numbers, number.p, number.n);
	}
	*numbers_out = arena_span(r->arena, buf_span(&numbers));
	buf_fini(&numbers);
	return true;
}

/* ---- showing ---- */

struct shown {
	struct span id, state, since, until, people, mailboxes, requested;
	const struct store_reply *progress; /* NULL: nothing is known of it yet */
};

static struct span member(const struct store_reply *pairs, const char *name)
{
	for (size_t i = 0; i + 1 < pairs->count; i += 2)
		if (span_eq(pairs->items[i].string, span_cstr(name)))
			return pairs->items[i + 1].string;
	return SPAN_LIT("");
}

static int64_t number_of(struct span text)
{
	uint64_t value = 0;

	return span_to_u64(text, INT64_MAX, &value) ? (int64_t)value : 0;
}

static void take_request(struct shown *s, const struct store_reply *pairs)
{
	s->since = member(pairs, "since");
	s->until = member(pairs, "until");
	s->people = member(pairs, "people");
	s->mailboxes = member(pairs, "mailboxes");
	s->requested = member(pairs, "requested");
}

static bool is_at_work(const struct shown *s)
{
	return span_eq(s->state, SPAN_LIT("queued")) || span_eq(s->state, SPAN_LIT("counting")) ||
	       span_eq(s->state, SPAN_LIT("running"));
}

/* What was asked and not done yet counts as done: who pauses sees it paused. */
static void take_command(struct shown *s, const struct store_reply *pairs)
{
	const struct span op = member(pairs, "op");

	if (!span_eq(member(pairs, "kind"), SPAN_LIT("backfill")))
		return;
	if (span_eq(op, SPAN_LIT("begin")) && !span_eq(s->id, member(pairs, "backfill"))) {
		s->id = member(pairs, "backfill");
		s->state = SPAN_LIT("queued");
		s->progress = NULL;
		take_request(s, pairs);
	} else if (span_eq(op, SPAN_LIT("pause")) && is_at_work(s)) {
		s->state = SPAN_LIT("paused");
	} else if (span_eq(op, SPAN_LIT("resume")) && span_eq(s->state, SPAN_LIT("paused"))) {
		s->state = SPAN_LIT("running");
	} else if (span_eq(op, SPAN_LIT("cancel")) &&
		   (is_at_work(s) || span_eq(s->state, SPAN_LIT("paused")))) {
		s->state = SPAN_LIT("cancelled");
	}
}

static void take_state(struct shown *s, const struct store_reply *bf)
{
	if (bf->count == 0) {
		s->state = SPAN_LIT("none");
		return;
	}
	s->progress = bf;
	s->id = member(bf, "id");
	s->state = member(bf, "state");
	if (span_eq(s->state, SPAN_LIT("running")) &&
	    !span_eq(member(bf, "counted"), SPAN_LIT("1")))
		s->state = SPAN_LIT("counting");
	take_request(s, bf);
}

static bool shown_load(struct http_request *r, const struct account_entry *entry, struct shown *s)
{
	const struct span company = r->viewer.company;
	const struct store_command commands[2] = {
		store_command(r->arena, "HGETALL %b",
			      key_account(r->arena, company, entry->id, KEY_A_BACKFILL)),
		store_command(r->arena, "XRANGE %b - +",
			      key_account(r->arena, company, entry->id, KEY_A_COMMANDS))};
	struct store_reply *replies = arena_array(r->arena, 2, sizeof(*replies));
	struct err e;

	memset(s, 0, sizeof(*s));
	if (store_pipeline(r->store, commands, 2, r->arena, replies, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	take_state(s, &replies[0]);
	for (size_t i = 0; i < replies[1].count; i++)
		if (replies[1].items[i].count == 2)
			take_command(s, &replies[1].items[i].items[1]);
	return true;
}

static json_t *folders_json(struct http_request *r, const struct store_reply *boxes,
			    struct span numbers)
{
	json_t *list;

	if (numbers.n == 0)
		return json_string("all");
	list = json_array();
	while (numbers.n > 0) {
		const size_t end = span_find_byte(numbers, ',');
		const struct span number = span_sub(numbers, 0, end);

		for (size_t i = 0; i + 1 < boxes->count; i += 2)
			if (span_eq(boxes->items[i].string, number))
				json_array_append_new(
					list,
					json_from_span(box_path(r, boxes->items[i + 1].string)));
		numbers = span_sub(numbers, end + 1, numbers.n);
	}
	return list;
}

static void put_progress(json_t *object, const struct shown *s)
{
	static const struct store_reply nothing;
	const struct store_reply *p = s->progress ? s->progress : &nothing;
	const bool counted = span_eq(member(p, "counted"), SPAN_LIT("1"));
	const int64_t total = number_of(member(p, "total")), done = number_of(member(p, "done"));
	const struct span rate_text = member(p, "rate");
	char text[32] = "";
	double rate;

	memcpy(text, rate_text.p ? (const char *)rate_text.p : "",
	       rate_text.n < 31 ? rate_text.n : 31);
	rate = is_at_work(s) ? strtod(text, NULL) : 0;
	json_object_set_new(object, "total",
			    counted ? json_integer((json_int_t)total) : json_null());
	json_object_set_new(object, "done", json_integer((json_int_t)done));
	json_object_set_new(object, "unknownPeople",
			    json_integer((json_int_t)number_of(member(p, "unknown"))));
	json_object_set_new(object, "refused",
			    json_integer((json_int_t)number_of(member(p, "refused"))));
	json_object_set_new(object, "rate", json_real(rate));
	json_object_set_new(object, "remainingSeconds",
			    counted && rate > 0.01 && total > done
				    ? json_integer((json_int_t)((double)(total - done) / rate) + 1)
				    : json_null());
	json_object_set_new(object, "startedAt", json_from_time(number_of(member(p, "started"))));
	json_object_set_new(object, "finishedAt", json_from_time(number_of(member(p, "finished"))));
}

static json_t *or_null(struct span text)
{
	return text.n ? json_from_span(text) : json_null();
}

static void answer(struct http_request *r, const struct account_entry *entry, unsigned status)
{
	struct store_reply boxes = {.count = 0};
	struct shown s;
	json_t *object;

	if (!shown_load(r, entry, &s) || (s.mailboxes.n && !boxes_load(r, entry, &boxes)))
		return;
	object = json_pack("{s:o s:o s:o s:o s:o s:o}", "id", or_null(s.id), "state",
			   json_from_span(s.state), "since", json_from_time(number_of(s.since)),
			   "until", json_from_time(number_of(s.until)), "people", or_null(s.people),
			   "requestedAt", json_from_time(number_of(s.requested)));
	/* Names of folders are the mailbox's content. */
	if (account_belongs(&r->viewer, entry))
		json_object_set_new(object, "folders", folders_json(r, &boxes, s.mailboxes));
	put_progress(object, &s);
	http_answer_json(r, status, object);
}

static void backfill_get(struct http_request *r)
{
	struct account_entry entry;

	if (account_open(r, false, &entry))
		answer(r, &entry, 200);
}

/* ---- asking ---- */

static bool command_put(struct http_request *r, const struct account_entry *entry,
			const struct span *fields, size_t count)
{
	const struct span tag = key_account_tag(r->arena, r->viewer.company, entry->id);
	struct store_reply reply;
	struct err e;

	if (store_fcall(r->store, "gateway_1_command", &tag, 1, fields, count, r->arena, &reply,
			&e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (reply.count == 0 || span_eq(reply.items[0].string, SPAN_LIT("gone"))) {
		problem_not_found(r);
		return false;
	}
	if (!span_eq(reply.items[0].string, SPAN_LIT("ok"))) {
		problem_answer(r, PROBLEM_OVERLOADED, "Too many requests of this account wait.");
		problem_retry_after(r, 5);
		return false;
	}
	bus_client_ring(r->app->bus, "accounts", r->viewer.company, entry->id);
	return true;
}

static void backfill_post(struct http_request *r)
{
	struct account_entry entry;
	struct span numbers, people = json_get_span(r->json, "people");
	int64_t since_ms, until_ms;
	uint64_t unique;

	if (!account_open(r, false, &entry) || !read_window(r, &since_ms, &until_ms) ||
	    !read_folders(r, &entry, &numbers))
		return;
	random_bytes(&unique, sizeof(unique));
	{
		const struct span fields[] = {
			SPAN_LIT("kind"),
			SPAN_LIT("backfill"),
			SPAN_LIT("op"),
			SPAN_LIT("begin"),
			SPAN_LIT("backfill"),
			span_cstr(arena_printf(r->arena, "%016llx", (unsigned long long)unique)),
			SPAN_LIT("since"),
			span_cstr(arena_printf(r->arena, "%lld", (long long)since_ms)),
			SPAN_LIT("until"),
			span_cstr(arena_printf(r->arena, "%lld", (long long)until_ms)),
			SPAN_LIT("mailboxes"),
			numbers,
			SPAN_LIT("people"),
			people.n ? people : SPAN_LIT("all"),
			SPAN_LIT("requested"),
			span_cstr(arena_printf(r->arena, "%lld", (long long)clock_wall_ms())),
		};

		if (command_put(r, &entry, fields, sizeof(fields) / sizeof(fields[0])))
			answer(r, &entry, 202);
	}
}

static void backfill_change(struct http_request *r, const char *op, unsigned status)
{
	const struct span fields[] = {SPAN_LIT("kind"), SPAN_LIT("backfill"), SPAN_LIT("op"),
				      span_cstr(op)};
	struct account_entry entry;
	struct shown s;

	if (!account_open(r, false, &entry) || !shown_load(r, &entry, &s))
		return;
	if (s.id.n == 0) {
		problem_not_found(r);
		return;
	}
	if (!is_at_work(&s) && !span_eq(s.state, SPAN_LIT("paused"))) {
		problem_answer(r, PROBLEM_TOO_LATE, "The backfill is %.*s.", (int)s.state.n,
			       (const char *)s.state.p);
		return;
	}
	if (command_put(r, &entry, fields, sizeof(fields) / sizeof(fields[0])))
		answer(r, &entry, status);
}

static void backfill_pause(struct http_request *r)
{
	backfill_change(r, "pause", 200);
}

static void backfill_resume(struct http_request *r)
{
	backfill_change(r, "resume", 200);
}

static void backfill_cancel(struct http_request *r)
{
	backfill_change(r, "cancel", 200);
}

static void resync_post(struct http_request *r)
{
	const struct span fields[] = {SPAN_LIT("kind"), SPAN_LIT("resync")};
	struct account_entry entry;

	if (account_open(r, false, &entry) && command_put(r, &entry, fields, 2))
		http_answer_json(r, 202, json_pack("{s:s}", "status", "queued"));
}

/* ---- the table ---- */

static const char *const ALL[] = {"all", NULL};
static const char *const PEOPLE[] = {"all", "known", NULL};
static const char *const STATES[] = {"none",   "queued",    "counting",	 "running",
				     "paused", "completed", "cancelled", NULL};
static const struct json_field FOLDER[] = {
	{.name = "", .type = FIELD_LINE, .min = 1, .max = PATH_MAX_SHOWN}, {.name = NULL}};
static const struct json_field NOTHING[] = {{.name = NULL}};

static const struct json_field REQUEST[] = {
	{.name = "since",
	 .type = FIELD_LINE,
	 .flags = FIELD_REQUIRED,
	 .max = 32,
	 .help = "How far back: 1m, 3m, 6m, 12m, 2y, 30d, all, or a date."},
	{.name = "until", .type = FIELD_LINE, .max = 32, .help = "Not newer than this."},
	{.name = "folders",
	 .type = FIELD_ENUM_OR_LIST,
	 .max = FOLDERS_MAX,
	 .values = ALL,
	 .fields = FOLDER,
	 .help = "Paths of folders that are synced; default: all of them."},
	{.name = "people",
	 .type = FIELD_ENUM,
	 .values = PEOPLE,
	 .help = "known: only mail with an address of a person of the CRM."},
	{.name = NULL},
};

static const struct json_field VIEW[] = {
	{.name = "id", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "state", .type = FIELD_ENUM, .values = STATES},
	{.name = "since", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "until", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "people", .type = FIELD_ENUM, .flags = FIELD_NULL, .values = PEOPLE},
	{.name = "requestedAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "folders",
	 .type = FIELD_ENUM_OR_LIST,
	 .values = ALL,
	 .fields = FOLDER,
	 .help = "Only for whom the mailbox belongs to."},
	{.name = "total",
	 .type = FIELD_INT,
	 .flags = FIELD_NULL,
	 .help = "Messages of the window; null until they are counted."},
	{.name = "done", .type = FIELD_INT, .help = "Of them, those dealt with."},
	{.name = "unknownPeople", .type = FIELD_INT, .help = "Left out by `people`."},
	{.name = "refused", .type = FIELD_INT, .help = "Set aside: the server does not give them."},
	{.name = "rate", .type = FIELD_FREE, .help = "Messages a second, a number."},
	{.name = "remainingSeconds", .type = FIELD_INT, .flags = FIELD_NULL},
	{.name = "startedAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "finishedAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = NULL},
};

#define PATH "/v1/accounts/{id}/backfill"
#define BACKFILL(verb, path, handler, fields, code, text)                                          \
	{                                                                                          \
		.method = verb, .pattern = path, .need = NEED_COMPANY, .scope = SCOPE_ACCOUNTS,    \
		.handle = handler, .body = fields, .status = code, .answer = VIEW, .summary = text \
	}

static const struct route ROUTES[] = {
	{.method = HTTP_POST,
	 .pattern = PATH,
	 .need = NEED_COMPANY,
	 .scope = SCOPE_ACCOUNTS,
	 .flags = ROUTE_IDEMPOTENT,
	 .handle = backfill_post,
	 .body = REQUEST,
	 .status = 202,
	 .answer = VIEW,
	 .summary = "Asks for older mail; takes the place of an earlier request."},
	BACKFILL(HTTP_GET, PATH, backfill_get, NULL, 200,
		 "The last request for older mail and how far it is."),
	BACKFILL(HTTP_DELETE, PATH, backfill_cancel, NULL, 200, "Cancels it; what came stays."),
	BACKFILL(HTTP_POST, PATH "/pause", backfill_pause, NOTHING, 200, "Pauses it."),
	BACKFILL(HTTP_POST, PATH "/resume", backfill_resume, NOTHING, 200,
		 "Goes on where it was paused."),
	BACKFILL(HTTP_POST, PATH "/cancel", backfill_cancel, NOTHING, 200,
		 "Cancels it; what came stays."),
	{.method = HTTP_POST,
	 .pattern = "/v1/accounts/{id}/resync",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_ACCOUNTS,
	 .handle = resync_post,
	 .body = NOTHING,
	 .status = 202,
	 .summary = "Compares all folders with the server and fetches what is missing."},
};

ROUTE_TABLE(route_backfill_table, "accounts", ROUTES);
