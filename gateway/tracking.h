/* tracking: what a message to be sent is tracked by (TRK-01, TRK-02, TRK-04): as asked, else as its author did last. */
#ifndef MW_GATEWAY_TRACKING_H
#define MW_GATEWAY_TRACKING_H

#include "gateway/http.h"
#include "gateway/message_findings.h"

/* Puts `_tracking` {"opens","clicks","base"} into the message, for the sender. Nothing is tracked in a message without
 * HTML, nor in the first one to a person if the company has set so. False: a problem is answered. */
bool tracking_choose(struct http_request *r, struct message_findings *findings);
/* What was asked for becomes the author's default. Failing is no failure of the message. */
void tracking_remember(struct http_request *r);

#endif
