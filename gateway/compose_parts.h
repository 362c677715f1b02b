/* compose_parts: parts of stored mail as attachments of a message to be sent. */
#ifndef MW_GATEWAY_COMPOSE_PARTS_H
#define MW_GATEWAY_COMPOSE_PARTS_H

#include "gateway/mail_message.h"

#define COMPOSE_ATTACHMENTS_MAX 100

/* One stored message, as its viewer has it. */
struct compose_source {
	struct mail_message message;
	struct mail_thread thread;
};

/*
 * The attachments of a message that is answered or forwarded go to the end of attachments: images that html shows
 * (`cid:…`) always, inline; the others if all. facts: of that message. False: a problem is answered.
 */
bool compose_parts_take(struct http_request *r, const struct compose_source *source,
			const json_t *facts, const char *html, bool all, json_t *attachments);
/*
 * Attachments given by `blobId` get their content: `<message>/<part>` a part, `<message>` all of a message (its owner alone,
 * as message/rfc822). False: a problem is answered.
 */
bool compose_parts_fill(struct http_request *r, json_t *attachments);

#endif
