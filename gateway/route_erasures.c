/* Certificates of what was erased (INB-04). */
#include "gateway/erasure.h"
#include "gateway/json.h"
#include "gateway/problem.h"
#include "gateway/routes.h"

/* The root token; the company's own token and its admins; who asked for it. */
static bool may_see(const struct http_request *r, const json_t *record)
{
	const struct viewer *v = &r->viewer;

	if (v->kind == VIEWER_ROOT)
		return true;
	if (!span_eq(v->company, json_get_span(record, "companyId")))
		return false;
	return !v->user.n || v->admin || span_eq(v->user, json_get_span(record, "by"));
}

static void erasure_show(struct http_request *r)
{
	struct err e;
	json_t *record = erasure_get(r, r->ids[0], &e);

	if (record && may_see(r, record))
		http_answer_json(r, 200, erasure_view(r->ids[0], record));
	else if (e.code != ERR_OK)
		problem_from_err(r, &e);
	else
		problem_not_found(r);
	json_decref(record);
}

static const struct json_field ANSWER[] = {
	{.name = "id", .type = FIELD_ID},
	{.name = "kind", .type = FIELD_LINE, .help = "account or company"},
	{.name = "companyId", .type = FIELD_ID},
	{.name = "accountId", .type = FIELD_ID},
	{.name = "by", .type = FIELD_LINE, .help = "The user who asked; empty: a token."},
	{.name = "state", .type = FIELD_LINE, .help = "erasing, shredding or done"},
	{.name = "erased", .type = FIELD_FREE, .help = "Blobs, their octets, events, accounts."},
	{.name = "left",
	 .type = FIELD_FREE,
	 .help = "What was found afterwards: keys by their family, timelines, blobs. Nothing, when "
		 "it is done. Of an account its generation number is kept for a week."},
	{.name = "requestedAt", .type = FIELD_TIME},
	{.name = "finishedAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "checkedAt",
	 .type = FIELD_TIME,
	 .flags = FIELD_NULL,
	 .help = "When all was looked through once more."},
	{.name = NULL},
};

static const struct route ROUTES[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/erasures/{id}",
	 .need = NEED_TOKEN,
	 .scope = SCOPE_ACCOUNTS,
	 .handle = erasure_show,
	 .status = 200,
	 .answer = ANSWER,
	 .summary =
		 "How far an erasure is; when it is done, the certificate that nothing is left."},
};

ROUTE_TABLE(route_erasures_table, "erasures", ROUTES);
