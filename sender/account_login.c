#include <stdio.h>

#include "common/base/log.h"
#include "common/store/keys.h"
#include "common/store/logins.h"
#include "sender/account.h"

enum err_code account_login_ask(struct store *store, const struct outbox_key *key,
				const struct account_options *options, struct arena *arena,
				char ticket_out[ACCOUNT_TICKET_BYTES], struct err *e)
{
	const struct logins_ask ask = {
		.function = "sender_1_login_ask",
		.tag = key_account_tag(arena, key->company, key->account),
		.direction = SPAN_LIT("smtp"),
		.login_ms = options->connect_ms,
		.pause_ms = options->login_retry_ms,
	};
	struct logins_leave leave;
	enum err_code code = logins_ask(store, &ask, arena, &leave, e);

	*ticket_out = '\0';
	if (code != ERR_OK)
		return code;
	if (leave.ticket[0]) {
		snprintf(ticket_out, ACCOUNT_TICKET_BYTES, "%s", leave.ticket);
		return ERR_OK;
	}
	if (leave.why.code == ERR_OK)
		return err_set(e, ERR_AGAIN, ERR_ACCOUNT, "logins_under_way",
			       "others are logging in");
	*e = leave.why;
	return e->code;
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
		logins_word(why),
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
