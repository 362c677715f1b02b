/*
 * plan: what the deployment gives a company (CFG-02): features, which routes need them, and limits. Root alone sets it;
 * a company without one has everything. What is off answers 403 feature_off, what is used up 403 plan_limit; what was set
 * up before goes on.
 *
 * Stored as the field `plan` of {c}:company: {"features":{name: false…},"limits":{name: n…}}; what is not named is on, or
 * without a limit.
 */
#ifndef MW_GATEWAY_PLAN_H
#define MW_GATEWAY_PLAN_H

#include "gateway/http.h"

/* The names are the API's. */
#define PLAN_FEATURES(F)                                                          \
	F(SENDING, "sending", "New messages, with what checks them.")             \
	F(WEBHOOKS, "webhooks", "New webhooks, and changes of those there are.")  \
	F(OLDER_MAIL, "olderMail", "Older mail on request, and linking it anew.") \
	F(TEAMS, "teams", "Mailboxes with members.")                              \
	F(EXPORT, "export", "A mailbox as one file.")

enum plan_feature {
	PLAN_NONE = 0,
#define PLAN_FEATURE(name, text, help) PLAN_##name,
	PLAN_FEATURES(PLAN_FEATURE)
#undef PLAN_FEATURE
		PLAN_FEATURE_END
};

#define PLAN_LIMITS(L)                                            \
	L(ACCOUNTS, "accounts", "Mail accounts that are synced.") \
	L(WEBHOOKS, "webhooks", "Webhooks.")

enum plan_limit {
#define PLAN_LIMIT(name, text, help) PLAN_MAX_##name,
	PLAN_LIMITS(PLAN_LIMIT)
#undef PLAN_LIMIT
		PLAN_LIMIT_END
};

/* For the route of the request, whose viewer is known. False: 403 is answered. */
bool plan_allows_route(struct http_request *r);
/* Can anything here depend on the plan? Reading does not, but for what plan.c lists. Else it is not asked for. */
bool plan_matters(const struct http_request *r);
/* For a part of what a route does. False: 403 is answered. */
bool plan_allows(struct http_request *r, enum plan_feature feature);
/* At most so many; SIZE_MAX: any number. */
size_t plan_limit(const struct http_request *r, enum plan_limit limit);
/* 403: there are as many as the plan gives. */
void plan_limit_answer(struct http_request *r, enum plan_limit limit);
/* As the API shows the stored text (empty: no plan). A new reference. */
json_t *plan_view(struct span text);

#endif
