#include "common/store/keys.h"
#include "gateway/audit.h"
#include "gateway/mirror.h"
#include "gateway/mirror_fields.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"

static void user_answer(struct http_request *r)
{
	struct err e;
	json_t *object = mirror_get(r, MIRROR_USER, r->ids[0], &e);

	if (object)
		http_answer_json(r, 200, object);
	else if (e.code != ERR_OK)
		problem_from_err(r, &e);
	else
		problem_not_found(r);
}

static void user_put(struct http_request *r)
{
	struct mirror_item item = {.id = r->ids[0], .object = r->json};
	struct span id = json_get_span(r->json, "id");
	const char *refused = NULL;
	struct err e;

	if (id.n && !span_eq(id, r->ids[0]))
		problem_answer(r, PROBLEM_INVALID_FIELD, "`id` is another than in the path.");
	else if (mirror_put(r, MIRROR_USER, &item, 1, &refused, &e) != ERR_OK)
		problem_from_err(r, &e);
	else if (refused)
		problem_answer(r, PROBLEM_ADDRESS_TAKEN, "%s is of another user.",
			       refused + strcspn(refused, " ") + 1);
	else
		user_answer(r);
}

static void user_delete(struct http_request *r)
{
	struct span key = key_company_tag(r->arena, r->viewer.company);
	struct store_reply reply;
	struct err e;

	if (store_fcall(r->store, "gateway_1_user_delete", &key, 1, &r->ids[0], 1, r->arena, &reply,
			&e) != ERR_OK)
		problem_from_err(r, &e);
	else if (reply.type == STORE_STRING)
		problem_answer(r, PROBLEM_STILL_IN_USE, "The user still has mail accounts.");
	else if (reply.integer == 0)
		problem_not_found(r);
	else
		http_answer_empty(r, 204);
}

/* The user's stored preferences; they are the viewer's own, so they came with the token. */
static json_t *preferences_now(struct http_request *r)
{
	struct span text = r->viewer.user_json;
	json_t *user = json_loadb((const char *)text.p, text.n, 0, NULL);
	json_t *preferences = json_object_get(user, "preferences");

	preferences = json_is_object(preferences) ? json_incref(preferences) : json_object();
	json_decref(user);
	return preferences;
}

/* Personal: the user alone. For others they are not there. */
static bool is_self(struct http_request *r)
{
	if (span_eq(r->ids[0], r->viewer.user))
		return true;
	problem_not_found(r);
	return false;
}

static void preferences_get(struct http_request *r)
{
	if (is_self(r))
		http_answer_json(r, 200, preferences_now(r));
}

static void preferences_store(struct http_request *r, json_t *preferences)
{
	struct span key = key_company_tag(r->arena, r->viewer.company);
	json_t *before = preferences_now(r);
	struct span args[] = {r->ids[0], json_text(r->arena, preferences),
			      audit_entry(r, before, preferences)};
	struct store_reply reply;
	struct err e;

	json_decref(before);
	if (store_fcall(r->store, "gateway_1_preferences_put", &key, 1, args, 3, r->arena, &reply,
			&e) != ERR_OK)
		problem_from_err(r, &e);
	else if (reply.integer == 0)
		problem_not_found(r);
	else
		http_answer_json(r, 200, json_incref(preferences));
}

static void preferences_patch(struct http_request *r)
{
	json_t *preferences;

	if (!is_self(r))
		return;
	preferences = preferences_now(r);
	json_object_update(preferences, r->json);
	preferences_store(r, preferences);
	json_decref(preferences);
}

static void preferences_put(struct http_request *r)
{
	if (is_self(r))
		preferences_store(r, r->json);
}

#define PREFERENCES "/v1/users/{id}/preferences"

static const struct route ROUTES[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/users/{id}",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_MIRROR,
	 .handle = user_answer,
	 .status = 200,
	 .answer = mirror_user_fields,
	 .summary = "One user."},
	{.method = HTTP_PUT,
	 .pattern = "/v1/users/{id}",
	 .need = NEED_MANAGER,
	 .scope = SCOPE_MIRROR,
	 .handle = user_put,
	 .body = mirror_user_fields,
	 .status = 200,
	 .answer = mirror_user_fields,
	 .summary = "Creates or replaces a user; preferences stay."},
	{.method = HTTP_DELETE,
	 .pattern = "/v1/users/{id}",
	 .need = NEED_MANAGER,
	 .scope = SCOPE_MIRROR,
	 .handle = user_delete,
	 .status = 204,
	 .summary = "Removes a user without mail accounts, and the user's tokens."},
	{.method = HTTP_GET,
	 .pattern = PREFERENCES,
	 .need = NEED_USER,
	 .scope = SCOPE_SETTINGS,
	 .handle = preferences_get,
	 .status = 200,
	 .answer = mirror_preference_fields,
	 .summary = "The user's own preferences."},
	{.method = HTTP_PUT,
	 .pattern = PREFERENCES,
	 .need = NEED_USER,
	 .scope = SCOPE_SETTINGS,
	 .handle = preferences_put,
	 .body = mirror_preference_fields,
	 .status = 200,
	 .answer = mirror_preference_fields,
	 .summary = "Replaces the user's own preferences."},
	{.method = HTTP_PATCH,
	 .pattern = PREFERENCES,
	 .need = NEED_USER,
	 .scope = SCOPE_SETTINGS,
	 .handle = preferences_patch,
	 .body = mirror_preference_fields,
	 .status = 200,
	 .answer = mirror_preference_fields,
	 .summary = "Changes some of the user's own preferences."},
};

ROUTE_TABLE(route_users_table, "users", ROUTES);
