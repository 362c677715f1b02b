#include "gateway/mail_newest.h"

#include "common/store/keys.h"

/* A thread whose messages are asked for, and where their ids are. */
struct wanted {
	const struct mail_thread *thread;
	struct id *ids;
	size_t count;
	bool moving; /* its account has members on the move: looked at singly */
};

static bool has_list(const struct wanted *w)
{
	return w->thread->visibility != VISIBLE_NONE && w->thread->state.count > 1;
}

/* Is something of the thread's account on the move from an absorbed thread? */
static enum err_code look_for_moves(struct http_request *r, struct wanted *wanted, size_t count,
				    struct err *e)
{
	struct store_command *commands = arena_array(r->arena, count + 1, sizeof(*commands));
	struct store_reply *replies = arena_array(r->arena, count + 1, sizeof(*replies));
	enum err_code code;

	for (size_t i = 0; i < count; i++)
		commands[i] = has_list(&wanted[i])
				      ? store_command(r->arena, "HLEN %b",
						      mail_key(r, wanted[i].thread->account,
							       KEY_A_REHOME))
				      : store_command(r->arena, "ECHO -");
	code = store_pipeline(r->store, commands, count, r->arena, replies, e);
	for (size_t i = 0; code == ERR_OK && i < count; i++)
		wanted[i].moving = replies[i].type == STORE_INT && replies[i].integer > 0;
	return code;
}

static struct store_command members_command(struct http_request *r, const struct mail_thread *t,
					    size_t limit)
{
	struct span key = key_account_part(r->arena, r->viewer.company, t->account->id,
					   KEY_A_MEMBERS, span_make(t->id.b, ID_BYTES));

	return store_command(r->arena, "ZRANGE %b 0 %d REV", key, (int64_t)limit - 1);
}

static void take_ids(struct http_request *r, const struct store_reply *reply, struct wanted *w)
{
	w->ids = arena_array(r->arena, reply->count + 1, sizeof(*w->ids));
	for (size_t i = 0; i < reply->count; i++)
		if (reply->items[i].string.n == ID_BYTES)
			memcpy(w->ids[w->count++].b, reply->items[i].string.p, ID_BYTES);
}

/* Who the members are, where they stand in one list. */
static enum err_code list_members(struct http_request *r, struct wanted *wanted, size_t count,
				  size_t limit, struct err *e)
{
	struct store_command *commands = arena_array(r->arena, count + 1, sizeof(*commands));
	struct store_reply *replies = arena_array(r->arena, count + 1, sizeof(*replies));
	enum err_code code;

	for (size_t i = 0; i < count; i++)
		commands[i] = has_list(&wanted[i]) && !wanted[i].moving
				      ? members_command(r, wanted[i].thread, limit)
				      : store_command(r->arena, "ECHO -");
	code = store_pipeline(r->store, commands, count, r->arena, replies, e);
	for (size_t i = 0; code == ERR_OK && i < count; i++)
		if (has_list(&wanted[i]) && !wanted[i].moving)
			take_ids(r, &replies[i], &wanted[i]);
	return code;
}

static enum err_code find_members(struct http_request *r, struct wanted *wanted, size_t count,
				  size_t limit, struct err *e)
{
	enum err_code code = look_for_moves(r, wanted, count, e);

	if (code == ERR_OK)
		code = list_members(r, wanted, count, limit, e);
	for (size_t i = 0; i < count && code == ERR_OK; i++) {
		struct wanted *w = &wanted[i];

		if (has_list(w) && w->moving) {
			code = mail_member_ids(r, w->thread, limit, &w->ids, &w->count, e);
		} else if (w->thread->visibility != VISIBLE_NONE && !has_list(w)) {
			w->ids = arena_alloc(r->arena, sizeof(*w->ids));
			w->ids[0] = w->thread->state.last_id;
			w->count = 1;
		}
	}
	return code;
}

enum err_code mail_newest_load(struct http_request *r, const struct mail_thread *threads,
			       size_t count, size_t limit, struct mail_newest *newest_out,
			       struct err *e)
{
	struct wanted *wanted = arena_array(r->arena, count + 1, sizeof(*wanted));
	struct mail_group *groups = arena_array(r->arena, count + 1, sizeof(*groups));
	enum err_code code;

	for (size_t i = 0; i < count; i++)
		wanted[i] = (struct wanted){.thread = &threads[i]};
	code = find_members(r, wanted, count, limit, e);
	if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < count; i++)
		groups[i] = (struct mail_group){
			.account = threads[i].account,
			.ids = wanted[i].ids,
			.count = wanted[i].count,
			.messages = arena_array(r->arena, wanted[i].count + 1,
						sizeof(*groups[i].messages)),
		};
	code = mail_groups_load(r, groups, count, e);
	for (size_t i = 0; code == ERR_OK && i < count; i++)
		newest_out[i] = (struct mail_newest){groups[i].messages, groups[i].found};
	return code;
}
