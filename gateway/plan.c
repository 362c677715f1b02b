#include "gateway/plan.h"

#include "gateway/json.h"
#include "gateway/problem.h"
#include "gateway/route.h"

static const char *const FEATURES[PLAN_FEATURE_END] = {
#define PLAN_NAME(name, text, help) [PLAN_##name] = text,
	PLAN_FEATURES(PLAN_NAME)
#undef PLAN_NAME
};
static const char *const LIMITS[PLAN_LIMIT_END] = {
#define PLAN_NAME(name, text, help) [PLAN_MAX_##name] = text,
	PLAN_LIMITS(PLAN_NAME)
#undef PLAN_NAME
};

/* What a route needs; the first line that fits. Reading and taking away need nothing. */
static const struct {
	const char *pattern; /* of the route, or what it begins with if it ends in a slash */
	enum http_method method;
	enum plan_feature feature;
} NEEDS[] = {
	{"/v1/messages", HTTP_POST, PLAN_SENDING},
	{"/v1/messages/", HTTP_POST, PLAN_SENDING},
	{"/v1/webhooks", HTTP_POST, PLAN_WEBHOOKS},
	{"/v1/webhooks/", HTTP_POST, PLAN_WEBHOOKS},
	{"/v1/webhooks/", HTTP_PATCH, PLAN_WEBHOOKS},
	{"/v1/accounts/{id}/backfill", HTTP_POST, PLAN_OLDER_MAIL},
	{"/v1/threads/{thread}/relink", HTTP_POST, PLAN_OLDER_MAIL},
	{"/v1/accounts/{id}/export", HTTP_GET, PLAN_EXPORT},
};

static bool fits(const char *pattern, const char *route)
{
	size_t n = strlen(pattern);

	return pattern[n - 1] == '/' ? strncmp(route, pattern, n) == 0
				     : strcmp(route, pattern) == 0;
}

static json_t *plan_read(struct span text)
{
	json_t *plan = text.n ? json_loadb((const char *)text.p, text.n, 0, NULL) : NULL;

	return plan ? plan : json_object();
}

static bool is_on(const json_t *plan, enum plan_feature feature)
{
	return json_get_bool(json_object_get(plan, "features"), FEATURES[feature], true);
}

bool plan_allows(struct http_request *r, enum plan_feature feature)
{
	json_t *plan;
	bool on;

	if (feature == PLAN_NONE || !r->viewer.plan.n)
		return true;
	plan = plan_read(r->viewer.plan);
	on = is_on(plan, feature);
	json_decref(plan);
	if (!on)
		problem_answer(r, PROBLEM_FEATURE_OFF, "`%s` is off for this company.",
			       FEATURES[feature]);
	return on;
}

static enum plan_feature needed(const struct route *route)
{
	for (size_t i = 0; i < sizeof(NEEDS) / sizeof(NEEDS[0]); i++)
		if (NEEDS[i].method == route->method && fits(NEEDS[i].pattern, route->pattern))
			return NEEDS[i].feature;
	return PLAN_NONE;
}

bool plan_matters(const struct http_request *r)
{
	return r->route->method != HTTP_GET || needed(r->route) != PLAN_NONE;
}

bool plan_allows_route(struct http_request *r)
{
	return plan_allows(r, needed(r->route));
}

size_t plan_limit(const struct http_request *r, enum plan_limit limit)
{
	json_t *plan;
	int64_t n;

	if (!r->viewer.plan.n)
		return SIZE_MAX;
	plan = plan_read(r->viewer.plan);
	n = json_get_int(json_object_get(plan, "limits"), LIMITS[limit], -1);
	json_decref(plan);
	return n < 0 ? SIZE_MAX : (size_t)n;
}

void plan_limit_answer(struct http_request *r, enum plan_limit limit)
{
	problem_answer(r, PROBLEM_PLAN_LIMIT, "The company may have %zu %s.", plan_limit(r, limit),
		       LIMITS[limit]);
}

json_t *plan_view(struct span text)
{
	json_t *plan = plan_read(text), *features = json_object(), *limits = json_object();
	int64_t n;

	for (unsigned i = PLAN_NONE + 1; i < PLAN_FEATURE_END; i++)
		json_object_set_new(features, FEATURES[i],
				    json_boolean(is_on(plan, (enum plan_feature)i)));
	for (unsigned i = 0; i < PLAN_LIMIT_END; i++) {
		n = json_get_int(json_object_get(plan, "limits"), LIMITS[i], -1);
		json_object_set_new(limits, LIMITS[i], n < 0 ? json_null() : json_integer(n));
	}
	json_decref(plan);
	return json_pack("{s:o s:o}", "features", features, "limits", limits);
}
