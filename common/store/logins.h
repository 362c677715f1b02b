/*
 * logins: leave to log in at a mail server. A server that refused an account three times within an hour is not asked again
 * until the credentials change, whatever process asks (ACC-06): the account's slot counts (logins.lua), and a login is told
 * of before and after.
 */
#ifndef MW_STORE_LOGINS_H
#define MW_STORE_LOGINS_H

#include "common/store/store.h"

#define LOGINS_TICKET_BYTES 24

struct logins_ask {
	const char *function; /* "fetcher_1_login_ask" */
	struct span tag, direction; /* `imap` or `smtp` */
	int64_t login_ms; /* what a login may take */
	int64_t pause_ms; /* between a refusal and the next try */
};

struct logins_leave {
	char ticket[LOGINS_TICKET_BYTES]; /* empty: no leave now */
	int64_t wait_ms; /* until asking again makes sense; INT64_MAX: not before the credentials change */
	struct err
		why; /* the refusal that stands behind it; ERR_OK: others are logging in just now */
};

/* Blocks on the store. */
MUST_USE enum err_code logins_ask(struct store *store, const struct logins_ask *ask,
				  struct arena *arena, struct logins_leave *leave_out,
				  struct err *e);
/* What came of a login, as login_told has it; why NULL: it is in. */
struct span logins_word(const struct err *why);

#endif
