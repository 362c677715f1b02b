/* The record of changed settings (CFG-01): the company's for all of it, personal ones for their people alone. */
#include "common/store/keys.h"
#include "gateway/account_open.h"
#include "gateway/audit.h"
#include "gateway/problem.h"
#include "gateway/routes.h"

static void company_changes(struct http_request *r)
{
	audit_answer(r, key_company(r->arena, r->viewer.company, KEY_C_AUDIT));
}

static void user_changes(struct http_request *r)
{
	if (span_eq(r->ids[0], r->viewer.user))
		audit_answer(r, key_company_part(r->arena, r->viewer.company, KEY_C_USERAUDIT,
						 r->ids[0]));
	else
		problem_not_found(r);
}

static void account_changes(struct http_request *r)
{
	struct account_entry entry;

	if (account_open(r, false, &entry))
		audit_answer(r, key_account(r->arena, r->viewer.company, entry.id, KEY_A_AUDIT));
}

static const struct route ROUTES[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/settings/changes",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_SETTINGS,
	 .flags = ROUTE_PAGED,
	 .handle = company_changes,
	 .status = 200,
	 .answer = audit_answer_fields,
	 .summary = "Changes of the company's settings, newest first: who, when, from, to."},
	{.method = HTTP_GET,
	 .pattern = "/v1/users/{id}/preferences/changes",
	 .need = NEED_USER,
	 .scope = SCOPE_SETTINGS,
	 .flags = ROUTE_PAGED,
	 .handle = user_changes,
	 .status = 200,
	 .answer = audit_answer_fields,
	 .summary = "Changes of the user's own preferences, newest first."},
	{.method = HTTP_GET,
	 .pattern = "/v1/accounts/{id}/changes",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_ACCOUNTS,
	 .flags = ROUTE_PAGED,
	 .handle = account_changes,
	 .status = 200,
	 .answer = audit_answer_fields,
	 .summary = "Changes of the account's settings, newest first; never passwords."},
};

ROUTE_TABLE(route_changes_table, "settings", ROUTES);
