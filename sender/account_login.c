#include <stdio.h>

#include "common/base/log.h"
#include "common/store/keys.h"
#include "sender/account.h"

#define PAUSE_MS "1200000" /* between a refusal and the next try */

static enum err_code refused(struct span code, struct span text, struct err *e)
{
	err_set(e, ERR_AUTH, ERR_ACCOUNT, "login_refused", "%.*s", (int)text.n,
		text.n ? (const char *)text.p : "");
	snprintf(e->name, sizeof(e->name), "%.*s",
		 (int)(code.n < sizeof(e->name) ? code.n : sizeof(e->name) - 1),
		 (const char *)code.p);
	return ERR_AUTH;
}

static enum err_code take_answer(const struct store_reply *reply, char *ticket, struct err *e)
{
	const struct store_reply *item = reply->items;
	const struct span word = reply->count > 1 ? item[0].string : SPAN_LIT("");
	const bool stopped = span_eq(word, SPAN_LIT("stopped"));
	const size_t at = stopped ? 1 : 2; /* of the code */

	if (span_eq(word, SPAN_LIT("ok")) && item[1].string.n < ACCOUNT_TICKET_BYTES) {
		snprintf(ticket, ACCOUNT_TICKET_BYTES, "%.*s", (int)item[1].string.n,
			 (const char *)item[1].string.p);
		return ERR_OK;
	}
	if ((stopped || span_eq(word, SPAN_LIT("later"))) && reply->count > at + 1 &&
	    item[at].string.n)
		return refused(item[at].string, item[at + 1].string, e);
	return err_set(e, ERR_AGAIN, ERR_ACCOUNT, "logins_under_way", "others are logging in");
}

enum err_code account_login_ask(struct store *store, const struct outbox_key *key, int64_t login_ms,
				struct arena *arena, char ticket_out[ACCOUNT_TICKET_BYTES],
				struct err *e)
{
	const struct span tag = key_account_tag(arena, key->company, key->account);
	const struct span args[] = {
		SPAN_LIT("smtp"),
		span_cstr(arena_printf(arena, "%lld", (long long)login_ms)),
		SPAN_LIT(PAUSE_MS),
	};
	struct store_reply reply;
	enum err_code code =
		store_fcall(store, "sender_1_login_ask", &tag, 1, args, 3, arena, &reply, e);

	*ticket_out = '\0';
	return code == ERR_OK ? take_answer(&reply, ticket_out, e) : code;
}

void account_login_told(struct store *store, const struct outbox_key *key,
			char ticket[ACCOUNT_TICKET_BYTES], const struct err *why)
{
	struct arena *arena;
	struct store_reply reply;
	struct span tag;
	struct err e;

	if (!*ticket)
		return;
	arena = arena_new(0);
	tag = key_account_tag(arena, key->company, key->account);
	const struct span args[] = {
		SPAN_LIT("smtp"),
		span_cstr(ticket),
		!why			? SPAN_LIT("in")
		: why->code == ERR_AUTH ? SPAN_LIT("refused")
					: SPAN_LIT("failed"),
		span_cstr(why ? why->name : ""),
		span_cstr(why ? why->text : ""),
	};
	/* Unheard it counts as under way until it could have ended. */
	if (store_fcall(store, "sender_1_login_told", &tag, 1, args, 5, arena, &reply, &e) !=
	    ERR_OK)
		log_event(LOG_LEVEL_WARN, "login_not_told", "error", "e", &e, NULL);
	*ticket = '\0';
	arena_free(&arena);
}
