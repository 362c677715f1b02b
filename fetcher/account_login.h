/*
 * account_login: leave to connect and log in, asked before each connection, of the account's slot: octets of the day
 * (octets.h), connections (budget.h), logins that were refused (common/store/logins.h). What comes of the login is told.
 */
#ifndef MW_FETCHER_ACCOUNT_LOGIN_H
#define MW_FETCHER_ACCOUNT_LOGIN_H

#include "common/store/logins.h"

struct account;

#define ACCOUNT_TICKET_BYTES LOGINS_TICKET_BYTES

/* What a connection waits for, as people are told. */
enum account_wait {
	ACCOUNT_WAIT_NONE = 0,
	ACCOUNT_WAIT_CONNECTIONS,
	ACCOUNT_WAIT_OCTETS,
	ACCOUNT_WAITS,
};

struct account_waiting {
	enum account_wait reason;
	int64_t until_ms; /* wall clock; 0: not known */
};

struct account_leave {
	struct logins_leave login;
	enum account_wait wait; /* no leave because of this; NONE: because of logins */
	int64_t until_ms; /* wall clock; 0: not known */
};

/* Asks for the first connection's; account_admitted is called, or account_hold, or account_fail. */
void account_ask_leave(struct account *a);
/* May the account's second connection log in now? If not it is asked for; once it may, mailbox_sync_wake is called, then
 * coverage_wake. */
bool account_bulk_may_log_in(struct account *a);
/* What came of the login of a lane's connection; why NULL: it is in. Once for each leave, the rest is ignored. */
void account_login_told(struct account *a, unsigned lane, const struct err *why);
/* It was broken off by us, or never begun. */
void account_login_leave(struct account *a, unsigned lane);

#endif
