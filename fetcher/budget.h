/*
 * budget: connections of an account and to a host, over all fetchers together (FAULTS F6). Each fetcher tells Redis how
 * many it has, with an end (fetcher/budget.lua): of an account when it asks for one more and with each renewal of the
 * lease, of a host every few seconds. A server that says there are too many lowers the budget for a while.
 */
#ifndef MW_FETCHER_BUDGET_H
#define MW_FETCHER_BUDGET_H

#include "common/store/store.h"

struct account;
struct fetcher;

struct budget_host;

/* What is asked before another connection is made; spans live in the arena. */
struct budget_request {
	struct span tag, instance, host;
	int64_t links, links_max; /* of the account: with the new one; 0: any number */
	int64_t host_links, host_max;
	int64_t ttl_ms;
};

struct budget_request budget_request_make(const struct account *a, struct arena *arena);
/* On the committer's thread. *wait_ms_out 0: it may be made, and is counted. Else how long until asking again makes sense. */
MUST_USE enum err_code budget_ask(struct store *store, const struct budget_request *request,
				  struct arena *arena, int64_t *wait_ms_out, struct err *e);
/* The account's turn to log in: at one host they are few at a time, so that a start with thousands of accounts is no storm
 * there and none waits so long that it fails. True: at once. False: account_ask_leave is called when others are in. */
bool budget_login_begin(struct account *a);
/* It is in, has failed or is wanted no more; the next one's turn comes. Twice is once. */
void budget_login_end(struct account *a);
/* A connection is being made; it has been closed. */
void budget_opened(struct account *a);
void budget_closed(struct account *a);
/* Tells what this process has. */
void budget_tick(struct fetcher *f, int64_t now_ms);
/* After a lane's connection failed: lowers what the server found too much. How long it wants us to wait at least. */
int64_t budget_refused(struct account *a, unsigned lane, const struct err *e);
void budget_free(struct fetcher *f);

#endif
