/*
 * auth: who asks. `Authorization: Bearer mw1.<company or "-">.<token id>.<secret>` and, with a company token,
 * `Acting-User: <userId>`. A token of an unknown id, a wrong secret, of a deleted user or company: 401 invalid_token,
 * one answer for all.
 */
#ifndef MW_GATEWAY_AUTH_H
#define MW_GATEWAY_AUTH_H

#include "common/base/err.h"
#include "common/base/span.h"

struct http_request;

enum viewer_kind { VIEWER_NOBODY = 0, VIEWER_ROOT, VIEWER_COMPANY, VIEWER_USER };

/* What a token may do; the names are the API's. A token without a list has all. */
#define AUTH_SCOPES(S)                                                        \
	S(MIRROR, "mirror") /* users, people, organizations, items, import */ \
	S(ACCOUNTS, "accounts") /* mail accounts */                           \
	S(MAIL, "mail") /* threads, messages, views */                        \
	S(SEND, "send") /* messages out, outbox */                            \
	S(EVENTS, "events") /* events, webhooks */                            \
	S(SETTINGS, "settings") /* company settings, preferences */           \
	S(TOKENS, "tokens") /* tokens, companies */                           \
	S(OPERATE, "operate") /* pipeline, set-aside, targets */

enum auth_scope_bit {
#define AUTH_SCOPE_BIT(name, text) AUTH_BIT_##name,
	AUTH_SCOPES(AUTH_SCOPE_BIT)
#undef AUTH_SCOPE_BIT
		AUTH_SCOPE_COUNT
};
enum auth_scope {
	SCOPE_NONE = 0,
#define AUTH_SCOPE(name, text) SCOPE_##name = 1 << AUTH_BIT_##name,
	AUTH_SCOPES(AUTH_SCOPE)
#undef AUTH_SCOPE
};
#define SCOPE_ALL ((1u << AUTH_SCOPE_COUNT) - 1)

/* All spans live in the request's arena. */
struct viewer {
	enum viewer_kind kind;
	unsigned scopes;
	struct span token; /* token id */
	struct span company; /* empty for root */
	struct span user; /* the user of a user token, or the acting one; empty: none */
	bool admin; /* that user's role */
	struct span *groups; /* that user's groups */
	size_t group_count;
	struct span user_json; /* that user's record as stored; empty without a user */
	struct span plan; /* the company's, as stored (plan.h); empty: everything */
};

/* What a route needs of its viewer. */
enum route_need {
	NEED_NONE = 0, /* public: no token looked at */
	NEED_TOKEN, /* any valid token */
	NEED_ROOT, /* the root token */
	NEED_ROOT_OR_COMPANY, /* root, or a company token without acting user */
	NEED_COMPANY, /* anybody inside a company */
	NEED_MANAGER, /* a company token without acting user, or an admin */
	NEED_USER, /* a user: else 403 acting_user_required */
};

/* Reads the headers, finds the token, fills r->viewer and checks the route's need and scope. False: the problem is
 * answered (401, 403, 503). One round trip to the store. */
bool auth_check(struct http_request *r);
/* Makes the viewer this user of its company; user_json: the user's record as stored, in the arena. */
void auth_viewer_user(struct http_request *r, struct span user, struct span user_json);
/* The check alone, on a filled viewer. */
bool auth_allows(struct http_request *r, enum route_need need, unsigned scope);

/* "mirror" → SCOPE_MIRROR; 0 if unknown. bit (enum auth_scope_bit) → name. */
unsigned auth_scope_parse(struct span name);
const char *auth_scope_name(unsigned bit);

#endif
