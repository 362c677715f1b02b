#include "gateway/operator.h"

#include "common/store/keys.h"
#include "gateway/problem.h"

const struct json_field operator_query[] = {
	{.name = "company", .type = FIELD_ID, .help = "Which company; for the root token alone."},
	{.name = NULL}};

bool operator_company(struct http_request *r)
{
	const char *company = http_query(r, "company");
	struct store_reply reply;
	struct err e;

	if (r->viewer.kind != VIEWER_ROOT)
		return true;
	if (!company || !id_is_client(span_cstr(company))) {
		problem_answer(r, PROBLEM_INVALID_PARAMETER, "company must be a company's id.");
		return false;
	}
	if (store_do(r->store, r->arena, &reply, &e, "HEXISTS %b %s",
		     key_global(r->arena, KEY_G_COMPANIES), company) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	r->viewer.company = arena_span(r->arena, span_cstr(company));
	if (reply.integer == 1)
		return true;
	problem_not_found(r);
	return false;
}

bool operator_may(const struct http_request *r, const struct account_entry *account)
{
	return r->viewer.kind == VIEWER_ROOT || account_manages(&r->viewer, account);
}

bool operator_message(struct http_request *r, struct account_entry *account_out, struct id *id_out)
{
	struct span account;

	if (!operator_company(r))
		return false;
	if (!id_parse_public(r->ids[0], &account, id_out)) {
		problem_not_found(r);
		return false;
	}
	if (!account_entry_get(r, account, account_out))
		return false;
	if (operator_may(r, account_out))
		return true;
	problem_not_found(r);
	return false;
}
