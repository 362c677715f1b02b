/* message_fill: fills in the fields of a message (SND-03), before anything quoted is put below it. */
#ifndef MW_GATEWAY_MESSAGE_FILL_H
#define MW_GATEWAY_MESSAGE_FILL_H

#include "gateway/message_findings.h"
#include "gateway/outbox.h"

/* Changes subject, text and html of r->json and takes its `fields` out. What has no value is a stop, named. False: a problem
 * is answered. */
bool message_fill(struct http_request *r, const struct outbox_account *account,
		  struct message_findings *findings);

#endif
