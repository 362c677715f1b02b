#include "common/store/logins.h"

#include <stdio.h>

static void take_text(char *to, size_t room, struct span from)
{
	snprintf(to, room, "%.*s", (int)(from.n < room ? from.n : room - 1),
		 from.n ? (const char *)from.p : "");
}

/* code, text: the refusal that the slot remembers. */
static void take_reason(struct logins_leave *leave, struct span code, struct span text)
{
	if (!code.n)
		return;
	err_set(&leave->why, ERR_AUTH, ERR_ACCOUNT, "login_refused", "%.*s", (int)text.n,
		text.n ? (const char *)text.p : "");
	take_text(leave->why.name, sizeof(leave->why.name), code);
}

static bool take_answer(const struct store_reply *reply, struct logins_leave *leave)
{
	const struct store_reply *item = reply->items;
	const struct span word = reply->count > 1 ? item[0].string : SPAN_LIT("");
	uint64_t ms;

	if (span_eq(word, SPAN_LIT("ok"))) {
		take_text(leave->ticket, sizeof(leave->ticket), item[1].string);
		return leave->ticket[0];
	}
	if (reply->count > 2 && span_eq(word, SPAN_LIT("stopped"))) {
		leave->wait_ms = INT64_MAX;
		take_reason(leave, item[1].string, item[2].string);
		return true;
	}
	if (reply->count < 4 || !span_eq(word, SPAN_LIT("later")) ||
	    !span_to_u64(item[1].string, INT32_MAX, &ms))
		return false;
	leave->wait_ms = (int64_t)ms;
	take_reason(leave, item[2].string, item[3].string);
	return true;
}

enum err_code logins_ask(struct store *store, const struct logins_ask *ask, struct arena *arena,
			 struct logins_leave *leave_out, struct err *e)
{
	const struct span args[] = {
		ask->direction,
		span_cstr(arena_printf(arena, "%lld", (long long)ask->login_ms)),
		span_cstr(arena_printf(arena, "%lld", (long long)ask->pause_ms)),
	};
	struct store_reply reply;
	enum err_code code;

	memset(leave_out, 0, sizeof(*leave_out));
	code = store_fcall(store, ask->function, &ask->tag, 1, args, 3, arena, &reply, e);
	if (code == ERR_OK && !take_answer(&reply, leave_out))
		code = err_set(e, ERR_PERM, ERR_ACCOUNT, "call_refused",
			       "the store's answer about logins is not understood");
	return code;
}

struct span logins_word(const struct err *why)
{
	if (!why)
		return SPAN_LIT("in");
	return why->code == ERR_AUTH ? SPAN_LIT("refused") : SPAN_LIT("failed");
}
