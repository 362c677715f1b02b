#include "common/store/keys.h"
#include "gateway/erasure.h"
#include "gateway/erasure_loop.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"

static const struct json_field COMPANY[] = {
	{.name = "id", .type = FIELD_ID, .help = "As in the path."},
	{.name = "name", .type = FIELD_LINE, .max = 255},
	{.name = "createdAt", .type = FIELD_TIME},
	{.name = NULL},
};

static const struct json_field COMPANY_PUT[] = {
	{.name = "id", .type = FIELD_ID, .help = "As in the path."},
	{.name = "name", .type = FIELD_LINE, .max = 255},
	{.name = NULL},
};

static struct span company_record(struct http_request *r, struct err *e)
{
	struct store_reply reply;

	err_clear(e);
	if (store_do(r->store, r->arena, &reply, e, "HGET %b %b",
		     key_global(r->arena, KEY_G_COMPANIES), r->ids[0]) != ERR_OK ||
	    reply.type != STORE_STRING)
		return SPAN_LIT("");
	return reply.string;
}

static void company_get(struct http_request *r)
{
	struct err e;
	struct span text = company_record(r, &e);
	json_t *object;

	if (e.code != ERR_OK) {
		problem_from_err(r, &e);
	} else if (!text.n) {
		problem_not_found(r);
	} else {
		object = json_loadb((const char *)text.p, text.n, 0, NULL);
		object = json_is_object(object) ? object : json_object();
		json_object_set_new(object, "id", json_from_span(r->ids[0]));
		http_answer_json(r, 200, object);
	}
}

static json_t *company_build(struct http_request *r, struct span before)
{
	json_t *old = before.n ? json_loadb((const char *)before.p, before.n, 0, NULL) : NULL;
	int64_t created = json_get_time_ms(old, "createdAt", r->now_ms);
	json_t *object = json_object();

	if (json_object_get(r->json, "name"))
		json_object_set(object, "name", json_object_get(r->json, "name"));
	json_object_set_new(object, "createdAt", json_from_time(created));
	json_decref(old);
	return object;
}

static void company_put(struct http_request *r)
{
	struct span id = json_get_span(r->json, "id"), before, text;
	struct store_reply replies[2];
	struct store_command commands[2];
	json_t *object;
	struct err e;

	if (id.n && !span_eq(id, r->ids[0])) {
		problem_answer(r, PROBLEM_INVALID_FIELD, "`id` is another than in the path.");
		return;
	}
	before = company_record(r, &e);
	if (e.code != ERR_OK) {
		problem_from_err(r, &e);
		return;
	}
	object = company_build(r, before);
	text = json_text(r->arena, object);
	/* The company's own slot first: what the directory names is there. */
	commands[0] = store_command(r->arena, "HSET %b name %b",
				    key_company(r->arena, r->ids[0], KEY_C_COMPANY),
				    json_get_span(object, "name"));
	commands[1] = store_command(r->arena, "HSET %b %b %b",
				    key_global(r->arena, KEY_G_COMPANIES), r->ids[0], text);
	json_object_set_new(object, "id", json_from_span(r->ids[0]));
	if (store_pipeline(r->store, commands, 2, r->arena, replies, &e) != ERR_OK) {
		json_decref(object);
		problem_from_err(r, &e);
		return;
	}
	http_answer_json(r, 200, object);
}

/* Accounts that still sync hold a company; kept ones do not count. */
static bool has_accounts(struct http_request *r, struct err *e)
{
	struct store_reply reply;

	err_clear(e);
	if (store_do(r->store, r->arena, &reply, e, "HLEN %b",
		     key_company(r->arena, r->ids[0], KEY_C_ACCOUNTS)) != ERR_OK)
		return false;
	return reply.integer > 0;
}

/* With all its accounts: begun here, done by whoever lives. */
static void company_end(struct http_request *r)
{
	struct err e;
	struct span record = company_record(r, &e), id;

	if (e.code != ERR_OK) {
		problem_from_err(r, &e);
	} else if (!record.n) {
		problem_not_found(r);
	} else if (erasure_begin(r, r->ids[0], NULL, &id)) {
		http_answer_json(r, 202, json_pack("{s:o}", "id", json_from_span(id)));
		http_answer_header(
			r, "Location",
			arena_printf(r->arena, "/v1/erasures/%.*s", (int)id.n, (const char *)id.p));
		erasure_loop_wake(r->app->erasures);
	}
}

static void company_delete(struct http_request *r)
{
	const char *mail = http_query(r, "mail");
	struct store_reply reply;
	struct err e;
	bool used;

	if (mail && strcmp(mail, "erase") == 0) {
		company_end(r);
		return;
	}
	used = has_accounts(r, &e);
	if (e.code != ERR_OK) {
		problem_from_err(r, &e);
	} else if (used) {
		problem_answer(r, PROBLEM_STILL_IN_USE, "The company still has mail accounts.");
	} else if (erasure_company_slot(r, r->ids[0], &e) != ERR_OK ||
		   store_do(r->store, r->arena, &reply, &e, "HDEL %b %b",
			    key_global(r->arena, KEY_G_COMPANIES), r->ids[0]) != ERR_OK) {
		problem_from_err(r, &e);
	} else if (reply.integer == 0) {
		problem_not_found(r);
	} else {
		http_answer_empty(r, 204);
	}
}

static const char *const MAIL[] = {"keep", "erase", NULL};
static const struct json_field DELETE_QUERY[] = {
	{.name = "mail",
	 .type = FIELD_ENUM,
	 .values = MAIL,
	 .help = "erase: with all its accounts and their mail; answers 202 with the erasure's id."},
	{.name = NULL},
};

static const struct route ROUTES[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/companies/{id}",
	 .need = NEED_ROOT,
	 .scope = SCOPE_TOKENS,
	 .handle = company_get,
	 .status = 200,
	 .answer = COMPANY,
	 .summary = "One company."},
	{.method = HTTP_PUT,
	 .pattern = "/v1/companies/{id}",
	 .need = NEED_ROOT,
	 .scope = SCOPE_TOKENS,
	 .handle = company_put,
	 .body = COMPANY_PUT,
	 .status = 200,
	 .answer = COMPANY,
	 .summary = "Creates a company or changes its name."},
	{.method = HTTP_DELETE,
	 .pattern = "/v1/companies/{id}",
	 .need = NEED_ROOT,
	 .scope = SCOPE_TOKENS,
	 .handle = company_delete,
	 .query = DELETE_QUERY,
	 .status = 204,
	 .summary = "Erases a company that has no mail accounts, with its tokens."},
};

ROUTE_TABLE(route_companies_table, "companies", ROUTES);
