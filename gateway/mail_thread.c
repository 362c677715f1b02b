#include "gateway/mail_thread.h"

#include "common/store/keys.h"
#include "gateway/mirror.h"
#include "gateway/problem.h"

struct span mail_key(struct http_request *r, const struct account_entry *account,
		     const char *suffix)
{
	return key_account(r->arena, r->viewer.company, account->id, suffix);
}

struct span mail_tag(struct http_request *r, const struct account_entry *account)
{
	return key_account_tag(r->arena, r->viewer.company, account->id);
}

char *mail_public_id(struct http_request *r, const struct account_entry *account,
		     const struct id *id)
{
	char text[ID_CHARS + 1];

	id_format(id, text);
	return arena_printf(r->arena, "%.*s~%s", (int)account->id.n, (const char *)account->id.p,
			    text);
}

static struct span id_span(struct http_request *r, const struct id *id)
{
	return arena_span(r->arena, span_make(id->b, ID_BYTES));
}

/* Each thread as it counts now, merged ones under their survivor's id: [id, `t`, `tu`]. */
static enum err_code read_records(struct http_request *r, const struct mail_thread *threads,
				  size_t count, struct store_reply *replies, struct err *e)
{
	struct store_command *commands = arena_array(r->arena, count + 1, sizeof(*commands));

	for (size_t i = 0; i < count; i++)
		commands[i] = store_command(r->arena, "FCALL gateway_1_thread_read 1 %b %b",
					    mail_tag(r, threads[i].account),
					    id_span(r, &threads[i].id));
	return count ? store_pipeline(r->store, commands, count, r->arena, replies, e) : ERR_OK;
}

static enum mirror_kind item_kind(struct span letter)
{
	if (span_eq(letter, SPAN_LIT("d")))
		return MIRROR_DEAL;
	return span_eq(letter, SPAN_LIT("l")) ? MIRROR_LEAD : MIRROR_PROJECT;
}

static bool has_link(const struct thread_state *s)
{
	return s->link.decided && s->link.kind.n;
}

static bool has_person(const struct thread_state *s)
{
	return s->person.decided && s->person.id.n;
}

/* The ties of the threads of others, asked of the mirror in one pipeline. */
struct ties {
	enum mirror_kind *kinds;
	struct span *ids;
	json_t **objects;
	bool **seen; /* where the answer goes */
	size_t count, room;
};

static void tie(struct ties *ties, enum mirror_kind kind, struct span id, bool *seen)
{
	if (ties->count == ties->room)
		return;
	ties->kinds[ties->count] = kind;
	ties->ids[ties->count] = id;
	ties->seen[ties->count++] = seen;
}

static void ties_of(struct ties *ties, struct mail_thread *t)
{
	const struct thread_state *s = &t->state;

	if (has_link(s))
		tie(ties, item_kind(s->link.kind), s->link.id, &t->link_seen);
	if (has_person(s))
		tie(ties, MIRROR_PERSON, s->person.id, &t->person_seen);
	for (size_t i = 0; i < s->people_count; i++)
		tie(ties, MIRROR_PERSON, s->people[i], &t->people_seen[i]);
}

/* May this thread be one that the viewer sees only by its ties? Then the mirror is asked, whatever is asked of it. */
static bool is_others(const struct http_request *r, const struct mail_thread *t)
{
	return !account_belongs(&r->viewer, t->account);
}

static void ties_make(struct http_request *r, struct mail_thread *threads, size_t count,
		      struct ties *ties)
{
	bool *nobody = arena_alloc(r->arena, sizeof(*nobody)), others = false;

	*ties = (struct ties){.room = 2};
	for (size_t i = 0; i < count; i++) {
		others |= is_others(r, &threads[i]);
		ties->room += 2 + threads[i].state.people_count;
	}
	ties->kinds = arena_array(r->arena, ties->room, sizeof(*ties->kinds));
	ties->ids = arena_array(r->arena, ties->room, sizeof(*ties->ids));
	ties->objects = arena_array(r->arena, ties->room, sizeof(json_t *));
	ties->seen = arena_array(r->arena, ties->room, sizeof(bool *));
	if (others) { /* asked for in any case, so that no thread shows by its lack of ties */
		tie(ties, MIRROR_DEAL, SPAN_LIT(""), nobody);
		tie(ties, MIRROR_PERSON, SPAN_LIT(""), nobody);
	}
	for (size_t i = 0; i < count; i++)
		if (is_others(r, &threads[i]) && threads[i].state.shared)
			ties_of(ties, &threads[i]);
}

static enum err_code ask_mirror(struct http_request *r, struct mail_thread *threads, size_t count,
				struct err *e)
{
	struct ties ties;
	enum err_code code;

	ties_make(r, threads, count, &ties);
	code = mirror_get_many(r, ties.kinds, ties.ids, ties.count, ties.objects, e);
	for (size_t i = 0; code == ERR_OK && i < ties.count; i++) {
		*ties.seen[i] = ties.objects[i] != NULL;
		json_decref(ties.objects[i]);
	}
	return code;
}

/* What the viewer was found to see of the ties, as visible() takes it. */
static size_t objects_of(const struct mail_thread *t, struct visible_object *objects)
{
	size_t count = 0;

	objects[count++] = (struct visible_object){.exists = t->link_seen, .company = true};
	objects[count++] = (struct visible_object){.exists = t->person_seen, .company = true};
	for (size_t i = 0; i < t->state.people_count; i++)
		objects[count++] =
			(struct visible_object){.exists = t->people_seen[i], .company = true};
	return count;
}

static void decide(struct http_request *r, struct mail_thread *t)
{
	struct visible_viewer viewer = {r->viewer.user, r->viewer.groups, r->viewer.group_count};
	struct visible_object *objects =
		arena_array(r->arena, t->state.people_count + 2, sizeof(*objects));
	struct visible_thread thread = {.owner = t->account->user,
					.members = t->account->members,
					.member_count = t->account->member_count,
					.shared = t->state.shared,
					.objects = objects,
					.object_count = objects_of(t, objects)};

	t->visibility = visible(&viewer, &thread);
	if (t->visibility != VISIBLE_OWNER)
		return;
	t->link_seen = has_link(&t->state);
	t->person_seen = has_person(&t->state);
	for (size_t i = 0; i < t->state.people_count; i++)
		t->people_seen[i] = true;
}

/* Keeps those that have a record at the front of `there`; returns how many. */
static size_t unpack(struct http_request *r, struct mail_thread *threads, size_t count,
		     const struct store_reply *replies, struct mail_thread **there)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		const struct store_reply *parts = replies[i].items;
		struct mail_thread *t = &threads[i];

		if (replies[i].type != STORE_ARRAY || replies[i].count != 3 ||
		    parts[0].string.n != ID_BYTES ||
		    thread_state_read(parts[1].string, parts[2].string, r->arena, &t->state) !=
			    ERR_OK)
			continue;
		memcpy(t->id.b, parts[0].string.p, ID_BYTES);
		t->people_seen = arena_array(r->arena, t->state.people_count + 1, sizeof(bool));
		there[found++] = t;
	}
	return found;
}

enum err_code mail_threads_load(struct http_request *r, const struct mail_ref *refs, size_t count,
				struct mail_thread *threads_out, struct err *e)
{
	struct store_reply *replies = arena_array(r->arena, count + 1, sizeof(*replies));
	struct mail_thread **there = arena_array(r->arena, count + 1, sizeof(struct mail_thread *));
	enum err_code code;
	size_t found;

	for (size_t i = 0; i < count; i++)
		threads_out[i] = (struct mail_thread){.account = refs[i].account, .id = refs[i].id};
	code = read_records(r, threads_out, count, replies, e);
	if (code != ERR_OK)
		return code;
	found = unpack(r, threads_out, count, replies, there);
	code = ask_mirror(r, threads_out, count, e);
	for (size_t i = 0; code == ERR_OK && i < found; i++)
		decide(r, there[i]);
	return code;
}

bool mail_thread_get(struct http_request *r, struct span public_id, struct mail_thread *thread_out)
{
	struct account_entry *account = arena_alloc(r->arena, sizeof(*account));
	struct mail_ref ref = {.account = account};
	struct span account_id;
	struct err e;

	if (!id_parse_public(public_id, &account_id, &ref.id)) {
		problem_not_found(r);
		return false;
	}
	if (!account_entry_find(r, account_id, account))
		return false;
	if (mail_threads_load(r, &ref, 1, thread_out, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (thread_out->visibility != VISIBLE_NONE)
		return true;
	problem_not_found(r);
	return false;
}

bool mail_thread_own(struct http_request *r, struct span public_id, struct mail_thread *thread_out)
{
	if (!mail_thread_get(r, public_id, thread_out))
		return false;
	if (thread_out->visibility == VISIBLE_OWNER)
		return true;
	problem_answer(r, PROBLEM_NOT_OWNER, "The thread belongs to another user's mailbox.");
	return false;
}
