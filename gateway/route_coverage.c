/* Proof that nothing of a folder is missing (SYN-10): what the server has, what is stored, and why not the rest. */
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/account_open.h"
#include "gateway/find.h"
#include "gateway/find_ask.h"
#include "gateway/json.h"
#include "gateway/problem.h"
#include "gateway/routes.h"

/* The `cov` value (docs/data-model.md); spans point into it. */
struct coverage {
	struct span command;
	uint64_t state, validity, remote, stored, outside, screened, set_aside, too_large;
	uint64_t deleted_here, pending, missing, fetched, removed;
	int64_t verified_ms;
	struct pack_reader named;
	size_t named_count;
};

static const char *const STATES[] = {"verified", "not_synced", "syncing",
				     "refused",	 "unverified", NULL};
enum { UNVERIFIED = 4 };

static bool coverage_read(struct span packed, struct coverage *c)
{
	struct pack_reader p = pack_reader_make(packed);
	const size_t count = pack_read_array(&p);

	*c = (struct coverage){.command = pack_read_bytes(&p)};
	c->state = pack_read_u64(&p);
	pack_skip(&p); /* when it began */
	c->verified_ms = pack_read_i64(&p);
	c->validity = pack_read_u64(&p);
	c->remote = pack_read_u64(&p);
	c->stored = pack_read_u64(&p);
	c->outside = pack_read_u64(&p);
	c->screened = pack_read_u64(&p);
	c->set_aside = pack_read_u64(&p);
	c->too_large = pack_read_u64(&p);
	c->deleted_here = pack_read_u64(&p);
	c->pending = pack_read_u64(&p);
	c->missing = pack_read_u64(&p);
	c->named_count = pack_read_array(&p);
	c->named = p;
	pack_skip_n(&p, c->named_count);
	c->fetched = pack_read_u64(&p);
	c->removed = pack_read_u64(&p);
	pack_skip_n(&p, count > 17 ? count - 17 : 0);
	return count >= 17 && pack_done(&p) && c->state < UNVERIFIED;
}

static json_t *named_json(const struct coverage *c)
{
	struct pack_reader p = c->named;
	json_t *list = json_array();

	for (size_t i = 0; i < c->named_count; i++) {
		const uint64_t uid = pack_read_u64(&p);

		json_array_append_new(list, json_pack("{s:I s:I}", "uid", (json_int_t)uid,
						      "uidValidity", (json_int_t)c->validity));
	}
	return list;
}

static json_t *coverage_json(struct span folder, const struct coverage *c, bool fresh)
{
	json_t *skipped = json_pack("{s:I s:I s:I s:I s:I s:I}", "outsideWindow",
				    (json_int_t)c->outside, "screened", (json_int_t)c->screened,
				    "setAside", (json_int_t)c->set_aside, "tooLarge",
				    (json_int_t)c->too_large, "deletedHere",
				    (json_int_t)c->deleted_here, "pending", (json_int_t)c->pending);

	return json_pack("{s:o s:s s:I s:I s:o s:o s:I s:I s:I s:o s:b}", "folderId",
			 json_from_span(folder), "state", STATES[c->state], "remote",
			 (json_int_t)c->remote, "stored", (json_int_t)c->stored, "skipped", skipped,
			 "missing", named_json(c), "missingCount", (json_int_t)c->missing,
			 "fetched", (json_int_t)c->fetched, "removed", (json_int_t)c->removed,
			 "verifiedAt", json_from_time(c->verified_ms), "fresh", fresh);
}

/* What is known of the folder now. False: a problem is answered; 404 if there is no such folder. */
static bool coverage_load(struct http_request *r, const struct account_entry *account,
			  struct coverage *c_out)
{
	struct span company = r->viewer.company, folder = r->ids[1];
	struct store_reply replies[2];
	struct store_command commands[2] = {
		store_command(r->arena, "HEXISTS %b %b",
			      key_account(r->arena, company, account->id, KEY_A_MAILBOXES), folder),
		store_command(r->arena, "HGET %b %b",
			      key_account(r->arena, company, account->id, KEY_A_COVERAGE), folder)};
	struct err e;

	if (store_pipeline(r->store, commands, 2, r->arena, replies, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (replies[0].integer != 1) {
		problem_not_found(r);
		return false;
	}
	if (!coverage_read(replies[1].string, c_out))
		*c_out = (struct coverage){.state = UNVERIFIED};
	return true;
}

static void coverage_get(struct http_request *r)
{
	const struct span fields[] = {SPAN_LIT("kind"), SPAN_LIT("cover"), SPAN_LIT("mailbox"),
				      r->ids[1]};
	const int64_t until_ms = find_ask_until(r);
	enum find_asked asked = FIND_ASK_IDLE;
	struct account_entry account;
	struct coverage c;
	struct span id;
	bool fresh = false;

	if (!account_open(r, false, &account) || !coverage_load(r, &account, &c))
		return;
	if (http_query_true(r, "fresh"))
		asked = find_ask(r, &account, fields, 4, &id);
	if (asked == FIND_ASK_FAILED)
		return;
	while (asked == FIND_ASKED && !fresh && find_ask_pause(until_ms)) {
		if (!coverage_load(r, &account, &c))
			return;
		fresh = find_ask_reached(c.command, id);
	}
	http_answer_json(r, 200, coverage_json(r->ids[1], &c, fresh));
}

static const struct json_field FRESH[] = {
	{.name = "fresh",
	 .type = FIELD_BOOL,
	 .help = "Compares with the server now and waits for it, for a while."},
	{.name = NULL},
};

static const struct json_field SKIPPED[] = {
	{.name = "outsideWindow", .type = FIELD_INT, .help = "Older than what is synced."},
	{.name = "screened", .type = FIELD_INT, .help = "Of a blocked address."},
	{.name = "setAside", .type = FIELD_INT},
	{.name = "tooLarge", .type = FIELD_INT},
	{.name = "deletedHere", .type = FIELD_INT},
	{.name = "pending", .type = FIELD_INT, .help = "Stored, and on the way to its thread."},
	{.name = NULL},
};

static const struct json_field MISSING_ONE[] = {
	{.name = "uid", .type = FIELD_INT},
	{.name = "uidValidity", .type = FIELD_INT},
	{.name = NULL},
};

static const struct json_field MISSING[] = {
	{.name = "", .type = FIELD_OBJECT, .fields = MISSING_ONE},
	{.name = NULL},
};

static const struct json_field COVERAGE[] = {
	{.name = "folderId", .type = FIELD_LINE},
	{.name = "state", .type = FIELD_ENUM, .values = STATES},
	{.name = "remote", .type = FIELD_INT},
	{.name = "stored", .type = FIELD_INT},
	{.name = "skipped", .type = FIELD_OBJECT, .fields = SKIPPED},
	{.name = "missing",
	 .type = FIELD_LIST,
	 .fields = MISSING,
	 .help = "What could not be fetched: the first 64."},
	{.name = "missingCount", .type = FIELD_INT},
	{.name = "fetched", .type = FIELD_INT, .help = "Found missing by this check and fetched."},
	{.name = "removed",
	 .type = FIELD_INT,
	 .help = "Found to be no longer on the server by this check."},
	{.name = "verifiedAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "fresh", .type = FIELD_BOOL, .help = "Made for this request."},
	{.name = NULL},
};

static const struct route ROUTES[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/accounts/{id}/folders/{folder}/coverage",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_ACCOUNTS,
	 .flags = ROUTE_SLOW,
	 .handle = coverage_get,
	 .query = FRESH,
	 .status = 200,
	 .answer = COVERAGE,
	 .summary = "Whether all that the server has in the folder is here, and why not the rest."},
	{.method = HTTP_GET,
	 .pattern = "/v1/accounts/{id}/find",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .flags = ROUTE_SLOW,
	 .handle = find_get,
	 .query = find_query_fields,
	 .status = 200,
	 .answer = find_answer_fields,
	 .summary = "Where a message is, or why it is not here: by Message-ID, or sender and day."},
};

ROUTE_TABLE(route_coverage_table, "accounts", ROUTES);
