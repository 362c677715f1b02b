/* outbox: entries of what is to be sent: `o`, `os` and `od` of the account. */
#ifndef MW_GATEWAY_OUTBOX_H
#define MW_GATEWAY_OUTBOX_H

#include "gateway/account.h"

/* What the account's record says of sending. Spans live in the arena. */
struct outbox_account {
	const char *email; /* NUL-terminated */
	const char *provider; /* may be NULL */
	struct span sender_name; /* may be empty */
	struct span *own; /* all addresses it sends as, normalized */
	size_t own_count;
	struct span state; /* the fetcher's */
	bool paused;
	struct account_secrets secrets;
};
/* False: a problem is answered. Wipe secrets.data_key after use. */
bool outbox_account_get(struct http_request *r, struct span account, struct outbox_account *out);

/* What is queued with one call: a message, or all copies of one to many. */
struct outbox_item {
	struct span submission; /* 16 characters; an entry of that name stays as it is */
	struct span request; /* JSON as POST /v1/messages takes it, complete */
	size_t recipients;
};
struct outbox_batch {
	const struct outbox_item *items;
	size_t count; /* at most OUTBOX_BATCH_MAX */
	bool bulk; /* in the lane that stands in nobody's way */
	struct span shared; /* JSON of what the requests have in common; may be empty */
	int64_t send_at_ms; /* as asked for; 0: now */
	int64_t undo_ms; /* how long it can be taken back, from now */
};
#define OUTBOX_BATCH_MAX 500

/* How long this message can be taken back (SND-13): as the request says, else the user's preference, else the company's
 * setting, else 10 s. False: a problem is answered. */
bool outbox_undo_ms(struct http_request *r, int64_t *undo_ms_out);

/* The Message-ID that the message will have, without angle brackets. */
struct span outbox_message_id(struct http_request *r, const struct outbox_account *account,
			      struct span submission);
/* Entries' names: from the Idempotency-Key if there is one, else by chance. */
void outbox_submissions_make(struct http_request *r, struct outbox_item *items, size_t count);

/* The requests, durable, then their entries, all at once, then the senders' bell. False: a problem is answered. */
bool outbox_put(struct http_request *r, const struct account_entry *entry,
		const struct outbox_account *account, const struct outbox_batch *batch);

#endif
