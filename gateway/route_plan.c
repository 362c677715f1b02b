/* What a company has of what there is: set by the root token alone (CFG-02). */
#include "common/store/keys.h"
#include "gateway/json.h"
#include "gateway/plan.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"

#define LIMIT_MAX 1000000

static const struct json_field FEATURES[] = {
#define PLAN_FIELD(id, text, about) {.name = text, .type = FIELD_BOOL, .help = about},
	PLAN_FEATURES(PLAN_FIELD)
#undef PLAN_FIELD
		{.name = NULL},
};
static const struct json_field LIMITS[] = {
#define PLAN_FIELD(id, text, about) \
	{.name = text, .type = FIELD_INT, .flags = FIELD_NULL, .max = LIMIT_MAX, .help = about},
	PLAN_LIMITS(PLAN_FIELD)
#undef PLAN_FIELD
		{.name = NULL},
};
static const struct json_field PLAN[] = {
	{.name = "features",
	 .type = FIELD_OBJECT,
	 .fields = FEATURES,
	 .help = "What is not named is on."},
	{.name = "limits",
	 .type = FIELD_OBJECT,
	 .fields = LIMITS,
	 .help = "What is not named, or null, has none."},
	{.name = NULL},
};

/* The stored plan of the company of the path. False: a problem is answered. */
static bool plan_get(struct http_request *r, struct span *text_out)
{
	struct store_command commands[] = {
		store_command(r->arena, "HEXISTS %b %b", key_global(r->arena, KEY_G_COMPANIES),
			      r->ids[0]),
		store_command(r->arena, "HGET %b plan",
			      key_company(r->arena, r->ids[0], KEY_C_COMPANY))};
	struct store_reply replies[2];
	struct err e;

	if (store_pipeline(r->store, commands, 2, r->arena, replies, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (replies[0].integer != 1) {
		problem_not_found(r);
		return false;
	}
	*text_out = replies[1].string;
	return true;
}

static void company_plan_get(struct http_request *r)
{
	struct span text;

	if (plan_get(r, &text))
		http_answer_json(r, 200, plan_view(text));
}

static void company_plan_put(struct http_request *r)
{
	struct span before, text = json_text(r->arena, r->json);
	struct store_reply reply;
	struct err e;

	if (!plan_get(r, &before))
		return;
	if (store_do(r->store, r->arena, &reply, &e, "HSET %b plan %b",
		     key_company(r->arena, r->ids[0], KEY_C_COMPANY), text) == ERR_OK)
		http_answer_json(r, 200, plan_view(text));
	else
		problem_from_err(r, &e);
}

#define PATTERN "/v1/companies/{id}/plan"

static const struct route ROUTES[] = {
	{.method = HTTP_GET,
	 .pattern = PATTERN,
	 .need = NEED_ROOT,
	 .scope = SCOPE_TOKENS,
	 .handle = company_plan_get,
	 .status = 200,
	 .answer = PLAN,
	 .summary = "Features that are on for a company, and its limits."},
	{.method = HTTP_PUT,
	 .pattern = PATTERN,
	 .need = NEED_ROOT,
	 .scope = SCOPE_TOKENS,
	 .handle = company_plan_put,
	 .body = PLAN,
	 .status = 200,
	 .answer = PLAN,
	 .summary = "Switches features and limits of a company; what is off answers feature_off."},
};

ROUTE_TABLE(route_plan_table, "companies", ROUTES);
