#include "gateway/thread_action.h"

#include "common/store/keys.h"
#include "gateway/bus_client.h"
#include "gateway/json.h"
#include "gateway/mirror.h"
#include "gateway/problem.h"
#include "gateway/thread_view.h"

enum { ARGS_MAX = 140, DELETE_STEP = 256, DELETE_ROUNDS = 4096 };

/* Arguments of one function: generation, now, user, then its own. */
struct action {
	struct span args[ARGS_MAX];
	size_t count;
};

static void push(struct action *a, struct span arg)
{
	if (a->count < ARGS_MAX)
		a->args[a->count++] = arg;
}

static bool begin(struct http_request *r, const struct mail_thread *thread, struct action *a)
{
	struct store_reply reply;
	struct err e;

	a->count = 0;
	if (store_do(r->store, r->arena, &reply, &e, "HGET %b gen",
		     mail_key(r, thread->account, KEY_A_ACCOUNT)) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (reply.type != STORE_STRING) {
		problem_not_found(r);
		return false;
	}
	push(a, reply.string);
	push(a, span_cstr(arena_printf(r->arena, "%lld", (long long)r->now_ms)));
	push(a, r->viewer.user);
	push(a, arena_span(r->arena, span_make(thread->id.b, ID_BYTES)));
	return true;
}

static bool call(struct http_request *r, const struct mail_thread *thread, const char *function,
		 const struct action *a, struct store_reply *reply_out)
{
	struct span key = mail_tag(r, thread->account);
	struct err e;

	if (store_fcall(r->store, function, &key, 1, a->args, a->count, r->arena, reply_out, &e) !=
	    ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (reply_out->count && span_eq(reply_out->items[0].string, SPAN_LIT("ok"))) {
		bus_client_ring(r->app->bus, "journal", r->viewer.company, thread->account->id);
		/* It may be that the provider is to be told. */
		bus_client_ring(r->app->bus, "ledger", r->viewer.company, thread->account->id);
		return true;
	}
	problem_not_found(r);
	return false;
}

static void push_pair(struct action *a, const char *name, const char *value)
{
	push(a, span_cstr(name));
	push(a, span_cstr(value));
}

static void push_flag(struct action *a, const json_t *change, const char *name)
{
	const json_t *value = json_object_get(change, name);

	if (json_is_boolean(value))
		push_pair(a, name, json_is_true(value) ? "1" : "0");
}

bool thread_action_patch(struct http_request *r, const struct mail_thread *thread,
			 const json_t *change)
{
	const char *sharing = json_get_text(change, "sharing");
	struct store_reply reply;
	struct action a;

	if (!begin(r, thread, &a))
		return false;
	push_flag(&a, change, "read");
	push_flag(&a, change, "archived");
	if (sharing)
		push_pair(&a, "sharing", sharing);
	return call(r, thread, "gateway_1_thread_patch", &a, &reply);
}

bool thread_action_delete(struct http_request *r, const struct mail_thread *thread)
{
	struct action a;

	if (!begin(r, thread, &a))
		return false;
	push(&a, span_cstr(arena_printf(r->arena, "%d", DELETE_STEP)));
	for (int round = 0; round < DELETE_ROUNDS; round++) {
		struct store_reply reply;

		if (!call(r, thread, "gateway_1_thread_delete", &a, &reply))
			return false;
		if (reply.count < 3 || reply.items[2].integer == 0)
			break;
	}
	return true;
}

bool thread_action_bulk(struct http_request *r, const struct mail_thread *thread, const char *op)
{
	static const struct {
		const char *op, *name, *value;
	} patches[] = {{"share", "sharing", "shared"}, {"private", "sharing", "private"},
		       {"archive", "archived", "1"},   {"unarchive", "archived", "0"},
		       {"read", "read", "1"},	       {"unread", "read", "0"}};
	struct store_reply reply;
	struct action a;

	if (strcmp(op, "delete") == 0)
		return thread_action_delete(r, thread);
	if (!begin(r, thread, &a))
		return false;
	for (size_t i = 0; i < sizeof(patches) / sizeof(*patches); i++)
		if (strcmp(op, patches[i].op) == 0)
			push_pair(&a, patches[i].name, patches[i].value);
	return call(r, thread, "gateway_1_thread_patch", &a, &reply);
}

/* Is there such an object, for this viewer? */
static bool seen(struct http_request *r, enum mirror_kind kind, struct span id)
{
	struct err e;
	json_t *object = mirror_get(r, kind, id, &e);

	if (object) {
		json_decref(object);
		return true;
	}
	if (e.code != ERR_OK)
		problem_from_err(r, &e);
	else
		problem_not_found(r);
	return false;
}

bool thread_action_link(struct http_request *r, const struct mail_thread *thread,
			const json_t *link)
{
	struct span kind = json_get_span(link, "kind"), id = json_get_span(link, "id");
	char letter[2] = {thread_view_letter(kind), 0};
	struct store_reply reply;
	struct action a;

	if (!seen(r, mirror_kind_parse(kind), id) || !begin(r, thread, &a))
		return false;
	push_pair(&a, letter, arena_cstr(r->arena, id));
	return call(r, thread, "gateway_1_link", &a, &reply);
}

bool thread_action_unlink(struct http_request *r, const struct mail_thread *thread)
{
	struct store_reply reply;
	struct action a;

	return begin(r, thread, &a) && call(r, thread, "gateway_1_unlink", &a, &reply);
}

bool thread_action_person(struct http_request *r, const struct mail_thread *thread,
			  struct span person)
{
	struct store_reply reply;
	struct action a;

	if (person.n && !seen(r, MIRROR_PERSON, person))
		return false;
	if (!begin(r, thread, &a))
		return false;
	push(&a, person);
	return call(r, thread, "gateway_1_person", &a, &reply);
}

bool thread_action_delete_message(struct http_request *r, const struct mail_thread *thread,
				  const struct id *message)
{
	struct store_reply reply;
	struct action a;

	if (!begin(r, thread, &a))
		return false;
	a.args[a.count - 1] = arena_span(r->arena, span_make(message->b, ID_BYTES));
	return call(r, thread, "gateway_1_message_delete", &a, &reply);
}

bool thread_action_relink(struct http_request *r, const struct mail_thread *thread,
			  const struct span *args, size_t count)
{
	struct store_reply reply;
	struct action a;

	if (!begin(r, thread, &a))
		return false;
	for (size_t i = 0; i < count; i++)
		push(&a, args[i]);
	return call(r, thread, "gateway_1_relink", &a, &reply);
}
