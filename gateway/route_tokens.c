#include "common/secret/secret.h"
#include "common/store/keys.h"
#include "gateway/page.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"
#include "gateway/token.h"

#include <stdlib.h>

#define RECORD_MAX 1024

static const char *const KINDS[] = {"company", "user", NULL};
static const struct json_field SCOPE_NAME[] = {{.name = "", .type = FIELD_LINE, .max = 32}};

static const struct json_field TOKEN_POST[] = {
	{.name = "kind", .type = FIELD_ENUM, .flags = FIELD_REQUIRED, .values = KINDS},
	{.name = "companyId", .type = FIELD_ID, .help = "Needed with the root token."},
	{.name = "userId", .type = FIELD_ID, .help = "Of a user token."},
	{.name = "scopes",
	 .type = FIELD_LIST,
	 .max = AUTH_SCOPE_COUNT,
	 .fields = SCOPE_NAME,
	 .help = "mirror accounts mail send events settings tokens operate. Default: all of the "
		 "maker's."},
	{.name = NULL},
};

static const struct json_field TOKEN_ANSWER[] = {
	{.name = "id", .type = FIELD_LINE},
	{.name = "token", .type = FIELD_LINE, .help = "Shown this once."},
	{.name = "kind", .type = FIELD_ENUM, .values = KINDS},
	{.name = "companyId", .type = FIELD_ID},
	{.name = "userId", .type = FIELD_ID, .flags = FIELD_NULL},
	{.name = "scopes", .type = FIELD_LIST, .fields = SCOPE_NAME},
	{.name = "createdAt", .type = FIELD_TIME},
	{.name = NULL},
};

static const struct json_field TOKEN_QUERY[] = {
	{.name = "companyId", .type = FIELD_ID, .help = "Needed with the root token."},
	{.name = NULL},
};

/* Root names the company; a company token is of one. Empty: a problem is answered. */
static struct span company_of(struct http_request *r, struct span named)
{
	if (r->viewer.kind == VIEWER_COMPANY) {
		if (!named.n || span_eq(named, r->viewer.company))
			return r->viewer.company;
		problem_not_found(r);
		return SPAN_LIT("");
	}
	if (!named.n || !id_is_client(named)) {
		problem_answer(r, PROBLEM_MISSING_FIELD, "`companyId` is missing or no id.");
		return SPAN_LIT("");
	}
	return named;
}

static bool scopes_read(struct http_request *r, unsigned *scopes_out)
{
	const json_t *list = json_object_get(r->json, "scopes");

	*scopes_out = list ? SCOPE_NONE : r->viewer.scopes;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));
		unsigned scope = auth_scope_parse(span_cstr(name));

		if (!scope || !(r->viewer.scopes & scope)) {
			problem_answer(r, PROBLEM_INVALID_FIELD,
				       "`scopes[%zu]` is not one that this token can give.", i);
			return false;
		}
		*scopes_out |= scope;
	}
	return true;
}

/* Are the company and, if one is named, the user there? */
static bool owner_exists(struct http_request *r, struct span company, struct span user)
{
	struct store_command commands[2];
	struct store_reply replies[2];
	struct err e;

	commands[0] = store_command(r->arena, "HEXISTS %b %b",
				    key_global(r->arena, KEY_G_COMPANIES), company);
	commands[1] = store_command(r->arena, "HEXISTS %b %b",
				    key_company(r->arena, company, KEY_C_USERS), user);
	if (store_pipeline(r->store, commands, 2, r->arena, replies, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (replies[0].integer == 1 && (!user.n || replies[1].integer == 1))
		return true;
	problem_answer(r, PROBLEM_UNKNOWN_REFERENCE, "There is no such %s.",
		       replies[0].integer == 1 ? "user" : "company");
	return false;
}

static json_t *record_json(struct span id, struct span company, const struct token_record *record)
{
	json_t *scopes = json_array();

	for (unsigned bit = 0; bit < AUTH_SCOPE_COUNT; bit++)
		if (record->scopes >> bit & 1)
			json_array_append_new(scopes, json_string(auth_scope_name(bit)));
	return json_pack("{s:o s:s s:o s:o s:o s:o}", "id", json_from_span(id), "kind",
			 token_kind_name(record->kind), "companyId", json_from_span(company),
			 "userId", record->user.n ? json_from_span(record->user) : json_null(),
			 "scopes", scopes, "createdAt", json_from_time(record->created_ms));
}

static void token_store(struct http_request *r, struct span company, struct token_record *record)
{
	struct buf text, packed;
	struct token_text parts;
	struct store_reply reply;
	json_t *object;
	struct err e;

	buf_init(&text, TOKEN_TEXT_MAX);
	buf_init(&packed, RECORD_MAX);
	token_make(r->arena, company, &parts, &text);
	token_hash(parts.secret, record->hash);
	token_record_encode(record, &packed);
	if (store_do(r->store, r->arena, &reply, &e, "HSET %b %b %b",
		     key_company(r->arena, company, KEY_C_TOKENS), parts.id,
		     buf_span(&packed)) != ERR_OK) {
		problem_from_err(r, &e);
	} else {
		object = record_json(parts.id, company, record);
		json_object_set_new(object, "token", json_from_span(buf_span(&text)));
		http_answer_json(r, 201, object);
	}
	buf_wipe(&text);
	buf_fini(&text);
	buf_fini(&packed);
}

static void token_post(struct http_request *r)
{
	struct span company = company_of(r, json_get_span(r->json, "companyId"));
	bool user_kind = strcmp(json_get_text(r->json, "kind"), "user") == 0;
	struct token_record record = {.kind = user_kind ? VIEWER_USER : VIEWER_COMPANY,
				      .user = json_get_span(r->json, "userId"),
				      .created_ms = r->now_ms};

	if (!company.n || !scopes_read(r, &record.scopes))
		return;
	if (user_kind != (record.user.n > 0)) {
		problem_answer(r, user_kind ? PROBLEM_MISSING_FIELD : PROBLEM_INVALID_FIELD,
			       "`userId` goes with a user token.");
		return;
	}
	if (owner_exists(r, company, record.user))
		token_store(r, company, &record);
}

/* Sorted by id; the cursor is the last id given. */
static void tokens_page(struct http_request *r, const struct page *page, struct span company,
			struct store_reply *pairs, size_t count)
{
	struct store_reply cursor = {.string = page->cursor};
	struct span last = SPAN_LIT("");
	json_t *data = json_array();
	struct token_record record;

	qsort(pairs, count / 2, 2 * sizeof(*pairs), page_compare_names);
	for (size_t i = 0; i + 1 < count; i += 2) {
		if (cursor.string.n && page_compare_names(&pairs[i], &cursor) <= 0)
			continue;
		if (json_array_size(data) == page->limit) {
			page_answer(r, data, last);
			return;
		}
		if (!token_record_decode(pairs[i + 1].string, &record))
			continue;
		last = pairs[i].string;
		json_array_append_new(data, record_json(last, company, &record));
	}
	page_answer(r, data, SPAN_LIT(""));
}

static void tokens_list(struct http_request *r)
{
	struct span company = company_of(r, span_cstr(http_query(r, "companyId")));
	struct store_reply reply;
	struct page page;
	struct err e;

	if (!company.n || !page_read(r, &page))
		return;
	if (store_do(r->store, r->arena, &reply, &e, "HGETALL %b",
		     key_company(r->arena, company, KEY_C_TOKENS)) != ERR_OK)
		problem_from_err(r, &e);
	else
		tokens_page(r, &page, company, reply.items, reply.count);
}

static void token_delete(struct http_request *r)
{
	struct span company = company_of(r, span_cstr(http_query(r, "companyId")));
	struct store_reply reply;
	struct err e;

	if (!company.n)
		return;
	if (store_do(r->store, r->arena, &reply, &e, "HDEL %b %b",
		     key_company(r->arena, company, KEY_C_TOKENS), r->ids[0]) != ERR_OK)
		problem_from_err(r, &e);
	else if (reply.integer == 0)
		problem_not_found(r);
	else
		http_answer_empty(r, 204);
}

static const struct route ROUTES[] = {
	{.method = HTTP_POST,
	 .pattern = "/v1/tokens",
	 .need = NEED_ROOT_OR_COMPANY,
	 .scope = SCOPE_TOKENS,
	 .flags = ROUTE_IDEMPOTENT,
	 .handle = token_post,
	 .body = TOKEN_POST,
	 .status = 201,
	 .answer = TOKEN_ANSWER,
	 .summary = "Makes a token of a company or user; shown once."},
	{.method = HTTP_GET,
	 .pattern = "/v1/tokens",
	 .need = NEED_ROOT_OR_COMPANY,
	 .scope = SCOPE_TOKENS,
	 .flags = ROUTE_PAGED,
	 .handle = tokens_list,
	 .query = TOKEN_QUERY,
	 .status = 200,
	 .answer = TOKEN_ANSWER,
	 .summary = "The tokens of a company, without their secrets."},
	{.method = HTTP_DELETE,
	 .pattern = "/v1/tokens/{id}",
	 .need = NEED_ROOT_OR_COMPANY,
	 .scope = SCOPE_TOKENS,
	 .handle = token_delete,
	 .query = TOKEN_QUERY,
	 .status = 204,
	 .summary = "Revokes a token at once."},
};

ROUTE_TABLE(route_tokens_table, "tokens", ROUTES);
