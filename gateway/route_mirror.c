#include "common/store/keys.h"
#include "gateway/mirror.h"
#include "gateway/mirror_fields.h"
#include "gateway/people_from_thread.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"

/* /v1/<plural>/{id} → the kind. */
static enum mirror_kind kind_of(const struct http_request *r)
{
	const char *name = r->route->pattern + strlen("/v1/");
	enum mirror_kind kind = MIRROR_PERSON;

	while (strncmp(name, mirror_def(kind)->plural, strcspn(name, "/")) != 0)
		kind++;
	return kind;
}

static void object_get(struct http_request *r)
{
	struct err e;
	json_t *object = mirror_get(r, kind_of(r), r->ids[0], &e);

	if (object)
		http_answer_json(r, 200, object);
	else if (e.code != ERR_OK)
		problem_from_err(r, &e);
	else
		problem_not_found(r);
}

static bool id_agrees(struct http_request *r)
{
	struct span id = json_get_span(r->json, "id");

	if (!id.n || span_eq(id, r->ids[0]))
		return true;
	problem_answer(r, PROBLEM_INVALID_FIELD, "`id` is another than in the path.");
	return false;
}

static void object_put(struct http_request *r)
{
	struct mirror_item item = {.id = r->ids[0], .object = r->json};
	const char *refused = NULL;
	struct err e;

	if (!id_agrees(r))
		return;
	if (mirror_put(r, kind_of(r), &item, 1, &refused, &e) != ERR_OK)
		problem_from_err(r, &e);
	else if (refused)
		problem_answer(r, PROBLEM_INVALID_FIELD, "%s", refused);
	else
		object_get(r);
}

static void object_delete(struct http_request *r)
{
	enum mirror_kind kind = kind_of(r);
	const char *function = kind == MIRROR_PERSON	     ? "gateway_1_person_delete"
			       : kind == MIRROR_ORGANIZATION ? "gateway_1_org_delete"
							     : "gateway_1_item_delete";
	struct span key = key_company_tag(r->arena, r->viewer.company);
	struct span field = span_cstr(arena_printf(r->arena, "%s%.*s", mirror_def(kind)->prefix,
						   (int)r->ids[0].n, (const char *)r->ids[0].p));
	struct store_reply reply;
	struct err e;

	if (store_fcall(r->store, function, &key, 1, &field, 1, r->arena, &reply, &e) != ERR_OK)
		problem_from_err(r, &e);
	else if (reply.integer == 0)
		problem_not_found(r);
	else
		http_answer_empty(r, 204);
}

static const struct json_field PERSON_FROM_THREAD[] = {
	{.name = "fromThread", .type = FIELD_LINE, .flags = FIELD_REQUIRED, .max = 128},
	{.name = "email", .type = FIELD_ADDRESS, .flags = FIELD_REQUIRED},
	{.name = "id", .type = FIELD_ID, .help = "Default: made by us."},
	{.name = "name", .type = FIELD_LINE, .max = 255},
	{.name = NULL},
};

#define MIRROR_ROUTES(path, fields, noun)                                      \
	{.method = HTTP_GET,                                                   \
	 .pattern = path,                                                      \
	 .need = NEED_COMPANY,                                                 \
	 .scope = SCOPE_MIRROR,                                                \
	 .handle = object_get,                                                 \
	 .status = 200,                                                        \
	 .answer = fields,                                                     \
	 .summary = "One " noun "."},                                          \
		{.method = HTTP_PUT,                                           \
		 .pattern = path,                                              \
		 .need = NEED_MANAGER,                                         \
		 .scope = SCOPE_MIRROR,                                        \
		 .handle = object_put,                                         \
		 .body = fields,                                               \
		 .status = 200,                                                \
		 .answer = fields,                                             \
		 .summary = "Creates or replaces a " noun "."},                \
	{                                                                      \
		.method = HTTP_DELETE, .pattern = path, .need = NEED_MANAGER,  \
		.scope = SCOPE_MIRROR, .handle = object_delete, .status = 204, \
		.summary = "Removes a " noun "; mail stays."                   \
	}

static const struct route ROUTES[] = {
	MIRROR_ROUTES("/v1/people/{id}", mirror_person_fields, "person"),
	MIRROR_ROUTES("/v1/organizations/{id}", mirror_org_fields, "organization"),
	MIRROR_ROUTES("/v1/deals/{id}", mirror_item_fields, "deal"),
	MIRROR_ROUTES("/v1/leads/{id}", mirror_item_fields, "lead"),
	MIRROR_ROUTES("/v1/projects/{id}", mirror_item_fields, "project"),
	{.method = HTTP_POST,
	 .pattern = "/v1/people",
	 .need = NEED_USER,
	 .scope = SCOPE_MIRROR,
	 .flags = ROUTE_IDEMPOTENT,
	 .handle = people_from_thread,
	 .body = PERSON_FROM_THREAD,
	 .status = 201,
	 .answer = mirror_person_fields,
	 .summary = "Creates a person from an address on a thread."},
};

ROUTE_TABLE(route_mirror_table, "mirror", ROUTES);
