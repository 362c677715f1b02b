/*
 * account_login: leave to log in. A server that refused us three times within an hour is not asked again until the
 * credentials change, whatever process asks (ACC-06): the account's slot counts (common/store/logins.lua), and a login is
 * told of before and after.
 */
#ifndef MW_FETCHER_ACCOUNT_LOGIN_H
#define MW_FETCHER_ACCOUNT_LOGIN_H

#include "common/store/store.h"

struct account;

#define ACCOUNT_TICKET_BYTES 24

struct account_leave {
	char ticket[ACCOUNT_TICKET_BYTES]; /* empty: no leave now */
	int64_t wait_ms; /* until asking again makes sense; INT64_MAX: not before the credentials change */
	struct err
		why; /* the refusal that stands behind it; ERR_OK: others are logging in just now */
};

struct account_leave_request {
	struct span tag;
	int64_t login_ms; /* what a login may take */
	int64_t pause_ms; /* between a refusal and the next try */
};

/* On the committer's thread. */
MUST_USE enum err_code account_leave_ask(struct store *store,
					 const struct account_leave_request *request,
					 struct arena *arena, struct account_leave *leave_out,
					 struct err *e);
/* May the account's second connection log in now? If not it is asked for; once it may, mailbox_sync_wake is called, then
 * coverage_wake. */
bool account_bulk_may_log_in(struct account *a);
/* What came of the login of a lane's connection; why NULL: it is in. Once for each leave, the rest is ignored. */
void account_login_told(struct account *a, unsigned lane, const struct err *why);
/* It was broken off by us, or never begun. */
void account_login_leave(struct account *a, unsigned lane);

#endif
