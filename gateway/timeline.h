/*
 * timeline: pages of threads merged from several sorted sets, newest first. Sources are hints: what they name is loaded
 * from the account's own record and asked visible() before it is shown (mail_thread.h).
 */
#ifndef MW_GATEWAY_TIMELINE_H
#define MW_GATEWAY_TIMELINE_H

#include "gateway/mail_thread.h"
#include "gateway/page.h"

struct timeline_source {
	struct span key;
	/* Whose threads it holds (members are thread ids); NULL: of many accounts (members are u32 account number ‖ id). */
	const struct account_entry *account;
};

struct timeline {
	const struct timeline_source *sources;
	size_t source_count;
	const struct account_entry *accounts; /* of the company */
	size_t account_count;
	bool unread_only;
};

/* Answers the request with one page of thread objects, or a problem. */
void timeline_answer(struct http_request *r, const struct timeline *timeline);

#endif
