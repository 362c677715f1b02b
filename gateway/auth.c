#include "gateway/auth.h"

#include "common/base/code.h"
#include "common/store/keys.h"
#include "common/secret/secret.h"
#include "gateway/http.h"
#include "gateway/json.h"
#include "gateway/plan.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/token.h"

static bool refuse_token(struct http_request *r)
{
	problem_answer(r, PROBLEM_INVALID_TOKEN, "No valid token came with the request.");
	http_answer_header(r, "WWW-Authenticate", "Bearer");
	return false;
}

static bool bearer_token(struct http_request *r, struct token_text *text_out)
{
	static const struct span BEARER = {(const uint8_t *)"Bearer ", 7};
	struct span header = span_cstr(http_header(r, "Authorization"));

	return span_istarts(header, BEARER) &&
	       token_parse(span_trim(span_sub(header, BEARER.n, header.n)), text_out);
}

/* One call: the token's record, the record of its user or of the acting one, and the company's plan if it matters here. */
static enum err_code token_lookup(struct http_request *r, const struct token_text *text,
				  struct span acting, struct store_reply *reply_out, struct err *e)
{
	bool root = token_is_root(text);
	struct span key = root ? span_cstr("{g}") : key_company_tag(r->arena, text->company);
	struct span args[] = {text->id, acting, span_cstr(plan_matters(r) ? "1" : "0")};

	return store_fcall(r->store, "gateway_1_auth", &key, 1, args, 3, r->arena, reply_out, e);
}

void auth_viewer_user(struct http_request *r, struct span user, struct span user_json)
{
	struct viewer *v = &r->viewer;
	json_t *object = json_loadb((const char *)user_json.p, user_json.n, 0, NULL);
	const char *role = json_get_text(object, "role");

	v->user = user;
	v->user_json = user_json;
	v->admin = role && strcmp(role, "admin") == 0;
	v->group_count = json_get_spans(r->arena, object, "groups", &v->groups);
	json_decref(object);
}

static bool fill_acting(struct http_request *r, struct span acting, struct span user_json)
{
	if (r->viewer.kind == VIEWER_ROOT) {
		problem_answer(r, PROBLEM_WRONG_TOKEN_KIND,
			       "Acting-User needs a token of a company.");
		return false;
	}
	if (!user_json.n) {
		problem_answer(r, PROBLEM_UNKNOWN_ACTING_USER,
			       "Acting-User names nobody of this company.");
		return false;
	}
	auth_viewer_user(r, acting, user_json);
	return true;
}

static bool fill_viewer(struct http_request *r, const struct token_text *text,
			const struct token_record *record, struct span acting,
			struct span user_json)
{
	struct viewer *v = &r->viewer;

	v->kind = record->kind;
	v->scopes = record->scopes;
	v->token = text->id;
	if (record->kind != VIEWER_ROOT)
		v->company = text->company;
	if (record->kind == VIEWER_USER) {
		if (!user_json.n)
			return refuse_token(r);
		if (acting.n && !span_eq(acting, record->user)) {
			problem_answer(r, PROBLEM_WRONG_TOKEN_KIND,
				       "A user token acts as its own user alone.");
			return false;
		}
		auth_viewer_user(r, record->user, user_json);
		return true;
	}
	return !acting.n || fill_acting(r, acting, user_json);
}

static bool viewer_read(struct http_request *r)
{
	struct span acting = span_trim(span_cstr(http_header(r, "Acting-User")));
	uint8_t hash[TOKEN_HASH_BYTES];
	struct token_record record;
	struct store_reply reply;
	struct token_text text;
	struct err e;

	if (!bearer_token(r, &text))
		return refuse_token(r);
	if (token_lookup(r, &text, acting, &reply, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	token_hash(text.secret, hash);
	if (reply.type != STORE_ARRAY || reply.count < 2 ||
	    !token_record_decode(reply.items[0].string, &record) ||
	    !secret_equal(span_make(hash, sizeof(hash)), span_make(record.hash, sizeof(hash))) ||
	    token_is_root(&text) != (record.kind == VIEWER_ROOT))
		return refuse_token(r);
	r->viewer.plan = reply.count > 2 ? reply.items[2].string : SPAN_LIT("");
	return fill_viewer(r, &text, &record, acting, reply.items[1].string);
}

/* NULL: allowed; else what kind of token it takes. */
static const char *kind_lacking(const struct viewer *v, enum route_need need)
{
	bool company = v->kind == VIEWER_COMPANY || v->kind == VIEWER_USER;

	switch (need) {
	case NEED_ROOT:
		return v->kind == VIEWER_ROOT ? NULL : "This takes the root token.";
	case NEED_ROOT_OR_COMPANY:
		return v->kind == VIEWER_ROOT || (v->kind == VIEWER_COMPANY && !v->user.n)
			       ? NULL
			       : "This takes the root token or a company token.";
	case NEED_COMPANY:
	case NEED_MANAGER:
	case NEED_USER:
		return company ? NULL : "This takes a token of a company or user.";
	default:
		return v->kind != VIEWER_NOBODY ? NULL : "This takes a token.";
	}
}

bool auth_allows(struct http_request *r, enum route_need need, unsigned scope)
{
	const struct viewer *v = &r->viewer;
	const char *lacking = need == NEED_NONE ? NULL : kind_lacking(v, need);

	if (lacking) {
		problem_answer(r, PROBLEM_WRONG_TOKEN_KIND, "%s", lacking);
		return false;
	}
	if (scope && !(v->scopes & scope)) {
		problem_answer(r, PROBLEM_MISSING_SCOPE, "The token lacks the scope `%s`.",
			       auth_scope_name((unsigned)__builtin_ctz(scope)));
		return false;
	}
	if (need == NEED_MANAGER && v->user.n && !v->admin) {
		problem_answer(r, PROBLEM_ADMIN_REQUIRED, "The user is not an admin.");
		return false;
	}
	if (need == NEED_USER && !v->user.n) {
		problem_answer(r, PROBLEM_ACTING_USER_REQUIRED, "The request names no user.");
		return false;
	}
	return true;
}

bool auth_check(struct http_request *r)
{
	if (r->route->need == NEED_NONE)
		return true;
	return viewer_read(r) && auth_allows(r, r->route->need, r->route->scope) &&
	       plan_allows_route(r);
}
