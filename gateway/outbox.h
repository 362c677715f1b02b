/* outbox: entries of what is to be sent: `o`, `os` and `od` of the account. */
#ifndef MW_GATEWAY_OUTBOX_H
#define MW_GATEWAY_OUTBOX_H

#include "gateway/account.h"

/* What the account's record says of sending. Spans live in the arena. */
struct outbox_account {
	const char *email; /* NUL-terminated */
	const char *provider; /* may be NULL */
	struct span sender_name; /* may be empty */
	struct span state; /* the fetcher's */
	bool paused;
	struct account_secrets secrets;
};
/* False: a problem is answered. Wipe secrets.data_key after use. */
bool outbox_account_get(struct http_request *r, struct span account, struct outbox_account *out);

/* The request (JSON as POST /v1/messages takes it, complete), durable, then its entry, then the senders' bell. submission: 16 characters; an entry of that name stays as
 * it is. False: a problem is answered. */
bool outbox_put(struct http_request *r, const struct account_entry *entry,
		const struct outbox_account *account, struct span submission, struct span request);

/* The Message-ID that the message will have, without angle brackets. */
struct span outbox_message_id(struct http_request *r, const struct outbox_account *account,
			      struct span submission);
/* An entry's name: from the Idempotency-Key if there is one, else by chance. */
struct span outbox_submission_make(struct http_request *r);

/* One entry with its state as the API shows it; NULL if the stored one is damaged. state: of `os`, may be empty. */
json_t *outbox_json(struct http_request *r, struct span account, struct span submission,
		    struct span entry, struct span state, int64_t *created_ms_out);

#endif
