/* request: what a client asked to send, from JSON (as POST /v1/messages takes it) to the fields of a message. Pure. */
#ifndef MW_SENDER_REQUEST_H
#define MW_SENDER_REQUEST_H

#include <jansson.h>

#include "common/base/arena.h"
#include "sender/compose.h"

struct request {
	/* Of message: from (may be empty), recipients, subject, bodies, attachments, and the ids if the request has them. */
	struct compose_message message;
	struct span
		reference; /* public id of the message that is answered or forwarded, or empty */
	bool forward;
	bool opens, clicks; /* tracking that was asked for */
	bool unsubscribe; /* we make the List-Unsubscribe and keep the list */
	struct span tracking_base; /* "https://…", set by the gateway; empty: none */
	json_t *json; /* holds the texts */
	struct buf *contents; /* of attachments, decoded */
	size_t content_count;
};

/* shared: an object whose members the request has too, where it has none of that name; may be empty. ERR_PERM
 * "request_damaged" or "attachment_unsupported" (blobId). request_free in either case. Lists live in the arena. */
MUST_USE enum err_code request_read(struct span json, struct span shared, struct arena *arena,
				    struct request *request_out, struct err *e);
void request_free(struct request *request);

#endif
