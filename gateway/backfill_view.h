/* backfill_view: what an account's request for older mail is and how far it is, for people. */
#ifndef MW_GATEWAY_BACKFILL_VIEW_H
#define MW_GATEWAY_BACKFILL_VIEW_H

#include "common/store/store.h"
#include "gateway/account.h"

/* As the fetcher left it, with the commands that wait for it. */
struct backfill_shown {
	struct span id, state, since, until, people, mailboxes, requested;
	const struct store_reply *progress; /* NULL: nothing is known of it yet */
};

/* The account's folders, KEY_A_MAILBOXES. False: a problem is answered. */
bool backfill_boxes_load(struct http_request *r, const struct account_entry *entry,
			 struct store_reply *boxes_out);
/* A folder's path as people see it, in the arena; empty: damaged. */
struct span backfill_box_path(struct http_request *r, struct span packed);
/* False: a problem is answered. */
bool backfill_shown_load(struct http_request *r, const struct account_entry *entry,
			 struct backfill_shown *s);
bool backfill_is_at_work(const struct backfill_shown *s);
void backfill_answer(struct http_request *r, const struct account_entry *entry, unsigned status);

#endif
