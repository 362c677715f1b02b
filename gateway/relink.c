#include "gateway/relink.h"

#include "common/store/keys.h"
#include "gateway/problem.h"
#include "gateway/relink_mail.h"
#include "gateway/thread_action.h"

#include <stdlib.h>

enum { STEP = 64, PEOPLE_MAX = 128, OWN_MAX = 64 };

struct relink {
	struct http_request *r;
	const struct mail_thread *thread;
	struct decide_account account;
	struct arena *step; /* of one step */
	struct relink_plan *plan;
};

/* The account's own addresses: msgpack list. */
static bool read_own(struct relink *l)
{
	struct http_request *r = l->r;
	struct store_reply reply;
	struct pack_reader p;
	struct span *own;
	struct err e;
	size_t count;

	if (store_do(r->store, r->arena, &reply, &e, "HGET %b own",
		     mail_key(r, l->thread->account, KEY_A_ACCOUNT)) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	p = pack_reader_make(reply.type == STORE_STRING ? reply.string : SPAN_LIT("\x90"));
	count = pack_read_array(&p);
	own = arena_array(r->arena, OWN_MAX, sizeof(*own));
	for (size_t i = 0; i < count && i < OWN_MAX && !p.bad; i++)
		own[l->account.own_count++] = pack_read_bytes(&p);
	l->account.own = own;
	return true;
}

static bool is_among(struct span id, const struct span *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (span_eq(ids[i], id))
			return true;
	return false;
}

static void add_people(struct relink *l, const struct decide_result *result)
{
	const struct thread_state *s = &l->thread->state;
	struct relink_plan *plan = l->plan;

	for (size_t i = 0; i < result->people_count; i++) {
		struct span id = result->people[i]->id;

		if (plan->people_count + s->people_count < PEOPLE_MAX &&
		    !is_among(id, s->people, s->people_count) &&
		    !is_among(id, plan->people, plan->people_count))
			plan->people[plan->people_count++] = arena_span(l->r->arena, id);
	}
	if (result->person && !s->person.decided)
		plan->person = arena_span(l->r->arena, result->person->id);
}

static void note_reason(struct relink *l, const struct decide_result *result)
{
	struct relink_plan *plan = l->plan;

	plan->reason = span_cstr(decide_reason_name(result->reason));
	plan->candidates = arena_array(l->r->arena, DECIDE_SHOWN_MAX, sizeof(struct span));
	for (size_t i = 0; i < result->open_count; i++)
		plan->candidates[plan->candidate_count++] = span_cstr(arena_printf(
			l->r->arena, "%c:%.*s", result->open[i]->kind, (int)result->open[i]->id.n,
			(const char *)result->open[i]->id.p));
}

/* Messages come newest first: what an older one decides replaces what newer ones did; the reason is the newest one's. */
static void take(struct relink *l, const struct decide_result *result)
{
	struct relink_plan *plan = l->plan;

	add_people(l, result);
	if (result->reason == DECIDE_LINKED) {
		plan->kind = arena_span(l->r->arena, span_make(&result->item->kind, 1));
		plan->item = arena_span(l->r->arena, result->item->id);
	} else if (plan->messages == 0) {
		note_reason(l, result);
	}
	plan->messages++;
}

static bool ask_known(struct relink *l, struct known *known, struct err *e)
{
	size_t calls = known_calls(known);
	struct store_command *commands = arena_array(l->step, calls, sizeof(*commands));
	struct store_reply *replies = arena_array(l->step, calls, sizeof(*replies));

	for (size_t i = 0; i < calls; i++)
		commands[i] = known_call(known, i);
	if (store_pipeline(l->r->store, commands, calls, l->step, replies, e) != ERR_OK)
		return false;
	for (size_t i = 0; i < calls; i++)
		if (!known_read(known, i, &replies[i])) {
			err_set(e, ERR_TEMP, ERR_PROCESS, "linking_facts",
				"the linker's functions are not in Redis");
			return false;
		}
	return true;
}

static bool decide_step(struct relink *l, const struct mail_message *messages, size_t count,
			struct err *e)
{
	struct decide_mail *mails = arena_array(l->step, count + 1, sizeof(*mails));
	bool *readable = arena_array(l->step, count + 1, sizeof(*readable));
	struct decide_result result;
	struct known known;

	known_init(&known, l->step, l->r->viewer.company);
	for (size_t i = 0; i < count; i++)
		readable[i] = relink_mail_read(l->r, l->thread->account, &messages[i].record,
					       &known, &mails[i]);
	if (!ask_known(l, &known, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!readable[i]) {
			l->plan->undecided++;
			continue;
		}
		decide_message(&known.settings, &l->account, &mails[i], l->step, &result);
		take(l, &result);
	}
	return true;
}

/* One step of at most 64 messages; *count_out 0: there are no more. What it needs lives as long as the step. */
static bool step(struct relink *l, struct mail_member *after, bool *begun, size_t *count_out,
		 struct err *e)
{
	struct mail_message *messages = arena_array(l->step, STEP, sizeof(*messages));
	struct id *ids = arena_array(l->step, STEP, sizeof(*ids));
	struct arena *own = l->r->arena;
	struct mail_member *members = NULL;
	size_t found = 0;
	enum err_code code;

	*count_out = 0;
	l->r->arena = l->step;
	code = mail_members(l->r, l->thread, *begun ? after : NULL, STEP, &members, count_out, e);
	for (size_t i = 0; code == ERR_OK && i < *count_out; i++)
		ids[i] = members[i].id;
	if (code == ERR_OK)
		code = mail_messages_load(l->r, l->thread->account, ids, *count_out, messages,
					  &found, e);
	l->r->arena = own;
	if (code == ERR_OK && *count_out) {
		*after = members[*count_out - 1];
		*begun = true;
	}
	return code == ERR_OK && (!found || decide_step(l, messages, found, e));
}

static bool plan_all(struct relink *l, struct err *e)
{
	struct mail_member after;
	bool begun = false;
	size_t count;

	do {
		arena_reset(l->step);
		if (!step(l, &after, &begun, &count, e))
			return false;
		if (http_left_ms(l->r) <= 1) {
			err_set(e, ERR_TEMP, ERR_ITEM, "relink_deadline",
				"the thread has more messages than fit into one request's time");
			return false;
		}
	} while (count == STEP);
	return true;
}

/* A link of before stays, and so does an unlink by hand (LNK-05); the company's mode goes before that (LNK-02). */
static void keep_decision(struct relink *l)
{
	const struct thread_link *link = &l->thread->state.link;
	struct relink_plan *plan = l->plan;

	if (link->decided && (link->kind.n || !span_eq(plan->reason, SPAN_LIT("manual_mode")))) {
		plan->reason = link->kind.n ? SPAN_LIT("already_linked")
					    : SPAN_LIT("manual_unlink");
		plan->kind = plan->item = span_make(NULL, 0);
		plan->candidate_count = 0;
	} else if (plan->kind.n) {
		plan->reason = span_make(NULL, 0);
		plan->candidate_count = 0;
	}
}

bool relink_plan_make(struct http_request *r, const struct mail_thread *thread,
		      struct relink_plan *plan_out)
{
	struct relink l = {.r = r, .thread = thread, .plan = plan_out};
	struct err e;
	bool ok;

	*plan_out = (struct relink_plan){0};
	plan_out->people = arena_array(r->arena, PEOPLE_MAX, sizeof(struct span));
	if (!read_own(&l))
		return false;
	l.step = arena_new(0);
	err_clear(&e);
	ok = plan_all(&l, &e);
	arena_free(&l.step);
	if (ok)
		keep_decision(&l);
	else
		problem_from_err(r, &e);
	return ok;
}

bool relink_plan_changes(const struct relink_plan *plan)
{
	return plan->kind.n || plan->person.n || plan->people_count;
}

bool relink_apply(struct http_request *r, const struct mail_thread *thread,
		  const struct relink_plan *plan)
{
	size_t count = 3 + plan->people_count;
	struct span *args = arena_array(r->arena, count, sizeof(*args));

	args[0] = plan->kind;
	args[1] = plan->item;
	args[2] = plan->person;
	for (size_t i = 0; i < plan->people_count; i++)
		args[3 + i] = plan->people[i];
	return thread_action_relink(r, thread, args, count);
}
