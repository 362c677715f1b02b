/* The mailbox: lists of threads, one thread, and what its owner does with it. */
#include "common/store/keys.h"
#include "gateway/bus_client.h"
#include "gateway/mail_message.h"
#include "gateway/message_view.h"
#include "gateway/problem.h"
#include "gateway/routes.h"
#include "gateway/thread_action.h"
#include "gateway/thread_view.h"
#include "gateway/timeline.h"

static const char *const folder_names[] = {"inbox", "sent", "archive", "drafts", "outbox", NULL};

static void no_store(struct http_request *r)
{
	http_answer_header(r, "Cache-Control", "no-store");
}

static void answer_thread(struct http_request *r, const struct mail_thread *thread)
{
	json_t *view;
	struct err e;

	if (thread_view(r, thread, &view, &e) != ERR_OK)
		problem_from_err(r, &e);
	else if (!view)
		problem_not_found(r);
	else
		http_answer_json(r, 200, view);
	no_store(r);
}

static const char *view_of(const char *folder)
{
	return folder ? folder : "all";
}

static void list_threads(struct http_request *r)
{
	const char *folder = http_query(r, "folder");
	struct timeline timeline = {.unread_only = http_query_true(r, "unread")};
	struct account_entry *accounts;
	struct timeline_source *sources;
	size_t count;

	if (!account_entry_list(r, &accounts, &count))
		return;
	sources = arena_array(r->arena, count + 1, sizeof(*sources));
	for (size_t i = 0; i < count; i++)
		if (account_belongs(&r->viewer, &accounts[i]))
			sources[timeline.source_count++] = (struct timeline_source){
				key_account_part(r->arena, r->viewer.company, accounts[i].id,
						 KEY_A_VIEW, span_cstr(view_of(folder))),
				&accounts[i]};
	timeline.sources = sources;
	timeline.accounts = accounts;
	timeline.account_count = count;
	timeline_answer(r, &timeline);
	no_store(r);
}

static void get_thread(struct http_request *r)
{
	struct mail_thread thread;

	if (mail_thread_get(r, r->ids[0], &thread))
		answer_thread(r, &thread);
}

/* The cursor of a thread's messages: the last one shown. */
static bool member_of_cursor(struct span cursor, struct mail_member *member_out)
{
	if (cursor.n != sizeof(member_out->ms) + ID_BYTES)
		return false;
	memcpy(&member_out->ms, cursor.p, sizeof(member_out->ms));
	memcpy(member_out->id.b, cursor.p + sizeof(member_out->ms), ID_BYTES);
	return true;
}

static struct span cursor_of_member(struct http_request *r, const struct mail_member *member)
{
	uint8_t *p = arena_alloc(r->arena, sizeof(member->ms) + ID_BYTES);

	memcpy(p, &member->ms, sizeof(member->ms));
	memcpy(p + sizeof(member->ms), member->id.b, ID_BYTES);
	return span_make(p, sizeof(member->ms) + ID_BYTES);
}

static enum err_code show_messages(struct http_request *r, const struct mail_thread *thread,
				   const struct mail_member *members, size_t count, json_t *data,
				   struct err *e)
{
	struct mail_message *messages = arena_array(r->arena, count + 1, sizeof(*messages));
	struct id *ids = arena_array(r->arena, count + 1, sizeof(*ids));
	enum err_code code;
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		ids[i] = members[i].id;
	code = mail_messages_load(r, thread->account, ids, count, messages, &found, e);
	for (size_t i = 0; code == ERR_OK && i < found; i++)
		json_array_append_new(data, message_view_card(r, thread, &messages[i]));
	return code;
}

static void list_messages(struct http_request *r)
{
	struct mail_member after, *members = NULL;
	struct mail_thread thread;
	json_t *data;
	struct page page;
	size_t count = 0, shown;
	struct err e;

	if (!mail_thread_get(r, r->ids[0], &thread) || !page_read(r, &page))
		return;
	if (page.cursor.n && !member_of_cursor(page.cursor, &after)) {
		problem_answer(r, PROBLEM_INVALID_CURSOR, "The cursor is not one of this list.");
		return;
	}
	data = json_array();
	if (mail_members(r, &thread, page.cursor.n ? &after : NULL, page.limit + 1, &members,
			 &count, &e) != ERR_OK ||
	    show_messages(r, &thread, members, shown = count < page.limit ? count : page.limit,
			  data, &e) != ERR_OK) {
		json_decref(data);
		problem_from_err(r, &e);
		return;
	}
	page_answer(r, data,
		    count > page.limit ? cursor_of_member(r, &members[shown - 1])
				       : span_make(NULL, 0));
	no_store(r);
}

static void patch_thread(struct http_request *r)
{
	struct mail_thread thread;

	if (!mail_thread_own(r, r->ids[0], &thread) || !thread_action_patch(r, &thread, r->json))
		return;
	get_thread(r);
}

static void delete_thread(struct http_request *r)
{
	struct mail_thread thread;

	if (mail_thread_own(r, r->ids[0], &thread) && thread_action_delete(r, &thread))
		http_answer_empty(r, 204);
}

static bool bulk_one(struct http_request *r, struct span id, const char *op)
{
	struct mail_thread thread;

	return mail_thread_own(r, id, &thread) && thread_action_bulk(r, &thread, op);
}

/* Each thread is answered for by itself: its id is in `done`, or in `failed` with the code. */
static void bulk(struct http_request *r)
{
	const char *op = json_get_text(r->json, "op");
	json_t *done = json_array(), *failed = json_array(), *id;
	size_t i;

	json_array_foreach(json_object_get(r->json, "ids"), i, id)
	{
		struct span text = span_cstr(json_string_value(id));

		if (bulk_one(r, text, op)) {
			json_array_append(done, id);
		} else {
			const char *code = r->answer.status == 403 ? "not_owner" : "not_found";

			json_array_append_new(failed,
					      json_pack("{s:O, s:s}", "id", id, "code", code));
		}
	}
	http_answer_json(r, 200, json_pack("{s:o, s:o}", "done", done, "failed", failed));
	no_store(r);
}

static void put_link(struct http_request *r)
{
	struct mail_thread thread;

	if (mail_thread_own(r, r->ids[0], &thread) && thread_action_link(r, &thread, r->json))
		get_thread(r);
}

static void delete_link(struct http_request *r)
{
	struct mail_thread thread;

	if (mail_thread_own(r, r->ids[0], &thread) && thread_action_unlink(r, &thread))
		http_answer_empty(r, 204);
}

static void put_person(struct http_request *r)
{
	struct mail_thread thread;

	if (mail_thread_own(r, r->ids[0], &thread) &&
	    thread_action_person(r, &thread, json_get_span(r->json, "id")))
		get_thread(r);
}

static void delete_person(struct http_request *r)
{
	struct mail_thread thread;

	if (mail_thread_own(r, r->ids[0], &thread) &&
	    thread_action_person(r, &thread, span_make(NULL, 0)))
		http_answer_empty(r, 204);
}

static const char *const sharing_values[] = {"shared", "private", NULL};
static const char *const op_values[] = {"share", "private", "archive", "unarchive",
					"read",	 "unread",  "delete",  NULL};
static const char *const kind_values[] = {"deal", "lead", "project", NULL};

static const struct json_field list_query[] = {
	{.name = "folder",
	 .type = FIELD_ENUM,
	 .values = folder_names,
	 .help = "Which view of the mailbox; without it all threads that are not deleted."},
	{.name = "unread", .type = FIELD_BOOL, .help = "Only threads with unread messages."},
	{.name = NULL}};
static const struct json_field patch_fields[] = {
	{.name = "read", .type = FIELD_BOOL, .help = "Marks the thread read or unread."},
	{.name = "archived", .type = FIELD_BOOL, .help = "Takes it out of the inbox."},
	{.name = "sharing",
	 .type = FIELD_ENUM,
	 .values = sharing_values,
	 .help = "Who may see it."},
	{.name = NULL}};
static const struct json_field one_text[] = {{.name = "", .type = FIELD_TEXT}, {.name = NULL}};
static const struct json_field bulk_fields[] = {
	{.name = "ids",
	 .type = FIELD_LIST,
	 .flags = FIELD_REQUIRED,
	 .max = 200,
	 .fields = one_text},
	{.name = "op", .type = FIELD_ENUM, .flags = FIELD_REQUIRED, .values = op_values},
	{.name = NULL}};
static const struct json_field link_fields[] = {
	{.name = "kind", .type = FIELD_ENUM, .flags = FIELD_REQUIRED, .values = kind_values},
	{.name = "id", .type = FIELD_ID, .flags = FIELD_REQUIRED},
	{.name = NULL}};
static const struct json_field person_fields[] = {
	{.name = "id", .type = FIELD_ID, .flags = FIELD_REQUIRED}, {.name = NULL}};

static const struct route routes[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/threads",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .flags = ROUTE_PAGED,
	 .handle = list_threads,
	 .query = list_query,
	 .status = 200,
	 .summary = "Threads of the user's mailboxes, newest first."},
	{.method = HTTP_POST,
	 .pattern = "/v1/threads/bulk",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = bulk,
	 .body = bulk_fields,
	 .status = 200,
	 .summary = "The same change of many threads; each is answered for by itself."},
	{.method = HTTP_GET,
	 .pattern = "/v1/threads/{thread}",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = get_thread,
	 .status = 200,
	 .summary = "One thread."},
	{.method = HTTP_PATCH,
	 .pattern = "/v1/threads/{thread}",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = patch_thread,
	 .body = patch_fields,
	 .status = 200,
	 .summary = "Read, archived, shared or private; in effect before the answer."},
	{.method = HTTP_DELETE,
	 .pattern = "/v1/threads/{thread}",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = delete_thread,
	 .status = 204,
	 .summary = "Removes the thread from the mailbox and all detail views."},
	{.method = HTTP_GET,
	 .pattern = "/v1/threads/{thread}/messages",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .flags = ROUTE_PAGED,
	 .handle = list_messages,
	 .status = 200,
	 .summary = "The thread's messages, newest first."},
	{.method = HTTP_PUT,
	 .pattern = "/v1/threads/{thread}/link",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = put_link,
	 .body = link_fields,
	 .status = 200,
	 .summary = "Links the thread to a deal, lead or project by hand."},
	{.method = HTTP_DELETE,
	 .pattern = "/v1/threads/{thread}/link",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = delete_link,
	 .status = 204,
	 .summary = "Unlinks the thread by hand; it is not linked again by itself."},
	{.method = HTTP_PUT,
	 .pattern = "/v1/threads/{thread}/person",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = put_person,
	 .body = person_fields,
	 .status = 200,
	 .summary = "Sets the thread's person of record."},
	{.method = HTTP_DELETE,
	 .pattern = "/v1/threads/{thread}/person",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = delete_person,
	 .status = 204,
	 .summary = "Takes the person of record off the thread."},
};

ROUTE_TABLE(route_threads_table, "threads", routes);
