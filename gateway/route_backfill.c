/* Older mail on request (SYN-03), and comparing all again: what is asked goes to the account's fetcher as a command. */
#include <time.h>

#include "common/base/clock.h"
#include "common/base/code.h"
#include "common/store/keys.h"
#include "gateway/account_open.h"
#include "gateway/backfill_view.h"
#include "gateway/bus_client.h"
#include "gateway/json.h"
#include "gateway/problem.h"
#include "gateway/routes.h"

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

static struct span box_number(struct http_request *r, const struct store_reply *boxes,
			      struct span folder)
{
	for (size_t i = 0; i + 1 < boxes->count; i += 2) {
		const struct span path = backfill_box_path(r, boxes->items[i + 1].string);

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
	if (!backfill_boxes_load(r, entry, &boxes))
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

static void backfill_get(struct http_request *r)
{
	struct account_entry entry;

	if (account_open(r, false, &entry))
		backfill_answer(r, &entry, 200);
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
			backfill_answer(r, &entry, 202);
	}
}

static void backfill_change(struct http_request *r, const char *op, unsigned status)
{
	const struct span fields[] = {SPAN_LIT("kind"), SPAN_LIT("backfill"), SPAN_LIT("op"),
				      span_cstr(op)};
	struct account_entry entry;
	struct backfill_shown s;

	if (!account_open(r, false, &entry) || !backfill_shown_load(r, &entry, &s))
		return;
	if (s.id.n == 0) {
		problem_not_found(r);
		return;
	}
	if (!backfill_is_at_work(&s) && !span_eq(s.state, SPAN_LIT("paused"))) {
		problem_answer(r, PROBLEM_TOO_LATE, "The backfill is %.*s.", (int)s.state.n,
			       (const char *)s.state.p);
		return;
	}
	if (command_put(r, &entry, fields, sizeof(fields) / sizeof(fields[0])))
		backfill_answer(r, &entry, status);
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
