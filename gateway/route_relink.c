/* Linking of older mail on request (LNK-03): what would be linked, and then doing it. */
#include "common/wire/pack.h"
#include "gateway/json.h"
#include "gateway/mirror.h"
#include "gateway/problem.h"
#include "gateway/relink.h"
#include "gateway/routes.h"
#include "gateway/thread_view.h"

static json_t *names_json(const struct span *names, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_from_span(names[i]));
	return list;
}

/* "d:ID" as the API shows items; those that the viewer may not see are left out. */
static json_t *candidates_json(struct http_request *r, const struct relink_plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->candidate_count; i++) {
		const char *kind = thread_view_kind(span_sub(plan->candidates[i], 0, 1));
		struct span id = span_sub(plan->candidates[i], 2, plan->candidates[i].n);
		struct err e;
		json_t *object = kind ? mirror_get(r, mirror_kind_parse(span_cstr(kind)), id, &e)
				      : NULL;

		if (object)
			json_array_append_new(list, json_pack("{s:s s:o}", "kind", kind, "id",
							      json_from_span(id)));
		json_decref(object);
	}
	return list;
}

static json_t *plan_json(struct http_request *r, const struct mail_thread *thread,
			 const struct relink_plan *plan, bool preview)
{
	json_t *link = plan->kind.n ? json_pack("{s:s s:o}", "kind", thread_view_kind(plan->kind),
						"id", json_from_span(plan->item))
				    : json_null();

	return json_pack("{s:s s:b s:b s:o s:o s:o s:o s:o s:I s:I}", "threadId",
			 mail_public_id(r, thread->account, &thread->id), "preview", preview,
			 "changes", relink_plan_changes(plan), "link", link, "reason",
			 plan->reason.n ? json_from_span(plan->reason) : json_null(), "candidates",
			 candidates_json(r, plan), "person",
			 plan->person.n ? json_pack("{s:o}", "id", json_from_span(plan->person))
					: json_null(),
			 "people", names_json(plan->people, plan->people_count), "messages",
			 (json_int_t)plan->messages, "undecided", (json_int_t)plan->undecided);
}

static void relink(struct http_request *r)
{
	bool preview = http_query_true(r, "preview");
	struct mail_thread thread;
	struct relink_plan plan;

	if (!mail_thread_own(r, r->ids[0], &thread) || !relink_plan_make(r, &thread, &plan))
		return;
	if (!preview && relink_plan_changes(&plan) && !relink_apply(r, &thread, &plan))
		return;
	http_answer_json(r, 200, plan_json(r, &thread, &plan, preview));
	http_answer_header(r, "Cache-Control", "no-store");
}

static const struct json_field QUERY[] = {
	{.name = "preview", .type = FIELD_BOOL, .help = "Only says what would be done."},
	{.name = NULL}};
static const struct json_field ID[] = {{.name = "id", .type = FIELD_LINE}, {.name = NULL}};
static const struct json_field ITEM[] = {
	{.name = "kind", .type = FIELD_LINE}, {.name = "id", .type = FIELD_LINE}, {.name = NULL}};
static const struct json_field ITEMS[] = {{.name = "", .type = FIELD_OBJECT, .fields = ITEM}};
static const struct json_field NAMES[] = {{.name = "", .type = FIELD_LINE}};
static const struct json_field ANSWER[] = {
	{.name = "threadId", .type = FIELD_LINE},
	{.name = "preview", .type = FIELD_BOOL},
	{.name = "changes", .type = FIELD_BOOL, .help = "False: all is as it would be made."},
	{.name = "link",
	 .type = FIELD_OBJECT,
	 .flags = FIELD_NULL,
	 .fields = ITEM,
	 .help = "What the thread is linked to by this."},
	{.name = "reason",
	 .type = FIELD_LINE,
	 .flags = FIELD_NULL,
	 .help = "Why it is not: as linkSkipped, or already_linked."},
	{.name = "candidates",
	 .type = FIELD_LIST,
	 .fields = ITEMS,
	 .help = "Open items of the newest message's people, at most four."},
	{.name = "person", .type = FIELD_OBJECT, .flags = FIELD_NULL, .fields = ID},
	{.name = "people", .type = FIELD_LIST, .fields = NAMES, .help = "Those that are added."},
	{.name = "messages", .type = FIELD_INT, .help = "Of the thread, that were looked at."},
	{.name = "undecided", .type = FIELD_INT, .help = "Those that no parser could read."},
	{.name = NULL},
};

static const struct route ROUTES[] = {
	{.method = HTTP_POST,
	 .pattern = "/v1/threads/{thread}/relink",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .flags = ROUTE_SLOW,
	 .handle = relink,
	 .query = QUERY,
	 .status = 200,
	 .answer = ANSWER,
	 .summary = "Decides the thread's messages again by the people and open items of now, "
		    "whatever their age; decisions of before stay."},
};

ROUTE_TABLE(route_relink_table, "threads", ROUTES);
