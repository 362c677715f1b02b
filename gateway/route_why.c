/* Why a thread is linked or not, and who sees it or not, as data (LNK-09). */
#include "common/wire/pack.h"
#include "gateway/json.h"
#include "gateway/mail_message.h"
#include "gateway/mirror.h"
#include "gateway/problem.h"
#include "gateway/routes.h"
#include "gateway/thread_view.h"

enum { NEWEST = 20, OPEN_MAX = 8 };

/* `d:ID` → {"kind","id"}, if the viewer may see that item; else NULL. */
static json_t *item_json(struct http_request *r, struct span letter, struct span id)
{
	const char *kind = thread_view_kind(letter);
	enum mirror_kind mirror = kind ? mirror_kind_parse(span_cstr(kind)) : MIRROR_KINDS;
	json_t *object;
	struct err e;

	if (mirror == MIRROR_KINDS)
		return NULL;
	object = mirror_get(r, mirror, id, &e);
	if (!object)
		return NULL;
	json_decref(object);
	return json_pack("{s:s s:o}", "kind", kind, "id", json_from_span(id));
}

/* The items that were open then: [reason, "d:ID"…]. */
static json_t *candidates_json(struct http_request *r, struct pack_reader *p, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count && i < OPEN_MAX; i++) {
		struct span text = pack_read_bytes(p);
		json_t *item = item_json(r, span_sub(text, 0, 1), span_sub(text, 2, text.n));

		if (item)
			json_array_append_new(list, item);
	}
	return list;
}

/* What was decided when a message was committed: [kind letter, id], or [reason, open item…]. */
static json_t *decision_json(struct http_request *r, const struct mail_thread *thread,
			     const struct mail_record *record)
{
	struct pack_reader p = pack_reader_make(record->decision);
	json_t *object = json_pack("{s:s s:o s:n s:n}", "messageId",
				   mail_public_id(r, thread->account, &record->id), "receivedAt",
				   json_from_time(record->received_ms), "link", "reason");
	size_t count = pack_read_array(&p);
	struct span first = count ? pack_read_bytes(&p) : span_make(NULL, 0);

	if (first.n == 1) {
		json_t *item = count > 1 ? item_json(r, first, pack_read_bytes(&p)) : NULL;

		if (item)
			json_object_set_new(object, "link", item);
	} else if (first.n) {
		json_object_set_new(object, "reason", json_from_span(first));
		json_object_set_new(object, "candidates", candidates_json(r, &p, count - 1));
	}
	return object;
}

static enum err_code decisions_json(struct http_request *r, const struct mail_thread *thread,
				    json_t *list, struct err *e)
{
	struct mail_message *messages = arena_array(r->arena, NEWEST, sizeof(*messages));
	struct id *ids;
	size_t count, found;
	enum err_code code = mail_member_ids(r, thread, NEWEST, &ids, &count, e);

	if (code == ERR_OK)
		code = mail_messages_load(r, thread->account, ids, count, messages, &found, e);
	for (size_t i = 0; code == ERR_OK && i < found; i++)
		json_array_append_new(list, decision_json(r, thread, &messages[i].record));
	return code;
}

/* Another user of the company, as a viewer. False: there is none. */
static bool other_viewer(struct http_request *r, const char *user, struct viewer *out)
{
	struct viewer *v = out;
	json_t *object;
	struct err e;

	*v = (struct viewer){.kind = VIEWER_USER, .company = r->viewer.company};
	v->user = span_cstr(user);
	object = id_is_client(v->user) ? mirror_get(r, MIRROR_USER, v->user, &e) : NULL;
	if (!object)
		return false;
	v->group_count = json_get_spans(r->arena, object, "groups", &v->groups);
	json_decref(object);
	return true;
}

static bool is_tied(const struct thread_state *s)
{
	return (s->link.decided && s->link.kind.n) || (s->person.decided && s->person.id.n) ||
	       s->people_count;
}

static bool is_tie_seen(const struct mail_thread *t)
{
	bool seen = t->link_seen || t->person_seen;

	for (size_t i = 0; i < t->state.people_count; i++)
		seen = seen || t->people_seen[i];
	return seen;
}

/* SHR-02's three conditions for another user. The third is asked only when the first holds: then it is null. */
static json_t *conditions_json(struct http_request *r, const struct mail_thread *thread,
			       const struct viewer *other, struct err *e)
{
	struct mail_ref ref = {thread->account, thread->id};
	struct viewer own = r->viewer;
	struct mail_thread theirs;
	enum err_code code;

	r->viewer = *other;
	code = mail_threads_load(r, &ref, 1, &theirs, e);
	r->viewer = own;
	if (code != ERR_OK)
		return NULL;
	return json_pack("{s:o s:b s:b s:b s:b s:o}", "userId", json_from_span(other->user), "sees",
			 theirs.visibility != VISIBLE_NONE, "owner",
			 theirs.visibility == VISIBLE_OWNER, "shared", thread->state.shared, "tied",
			 is_tied(&thread->state), "tieVisible",
			 thread->state.shared ? json_boolean(is_tie_seen(&theirs)) : json_null());
}

static bool add_viewer(struct http_request *r, const struct mail_thread *thread, json_t *answer)
{
	const char *user = http_query(r, "viewer");
	struct viewer other;
	json_t *conditions;
	struct err e;

	if (!user)
		return true;
	if (thread->visibility != VISIBLE_OWNER) {
		problem_answer(r, PROBLEM_NOT_OWNER,
			       "Who else sees a thread is its owner's to ask.");
		return false;
	}
	if (!other_viewer(r, user, &other)) {
		problem_not_found(r);
		return false;
	}
	conditions = conditions_json(r, thread, &other, &e);
	if (conditions)
		json_object_set_new(answer, "viewer", conditions);
	else
		problem_from_err(r, &e);
	return conditions != NULL;
}

/* The thread's own words, as everywhere: link, linkSkipped, people, sharing. */
static bool add_thread(struct http_request *r, const struct mail_thread *thread, json_t *answer)
{
	static const char *const members[] = {"link",	"linkSkipped", "people",
					      "person", "sharing",     NULL};
	json_t *shown = NULL;
	struct err e;
	bool ok = thread_view(r, thread, &shown, &e) == ERR_OK;

	for (size_t i = 0; ok && members[i]; i++)
		if (json_object_get(shown, members[i]))
			json_object_set(answer, members[i], json_object_get(shown, members[i]));
	if (!ok)
		problem_from_err(r, &e);
	json_decref(shown);
	return ok;
}

static void why(struct http_request *r)
{
	struct mail_thread thread;
	json_t *answer, *decisions;
	struct err e;

	if (!mail_thread_get(r, r->ids[0], &thread))
		return;
	decisions = json_array();
	answer = json_pack("{s:s s:o}", "threadId", mail_public_id(r, thread.account, &thread.id),
			   "decisions", decisions);
	if (!add_thread(r, &thread, answer) || !add_viewer(r, &thread, answer))
		goto out;
	if (decisions_json(r, &thread, decisions, &e) == ERR_OK)
		http_answer_json(r, 200, json_incref(answer));
	else
		problem_from_err(r, &e);
out:
	json_decref(answer);
}

static const struct json_field why_query[] = {{.name = "viewer",
					       .type = FIELD_ID,
					       .help = "A user: the three conditions by which they "
						       "see the thread or not; for its owner."},
					      {.name = NULL}};

static const struct route routes[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/threads/{thread}/why",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = why,
	 .query = why_query,
	 .status = 200,
	 .summary = "Why the thread is linked or not: what was decided with each of its newest 20 "
		    "messages, with the items that were open then."},
};

ROUTE_TABLE(route_why_table, "threads", routes);
