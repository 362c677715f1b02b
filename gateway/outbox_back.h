/* outbox_back: what came back to a submission's recipients after it was sent, in its view. */
#ifndef MW_GATEWAY_OUTBOX_BACK_H
#define MW_GATEWAY_OUTBOX_BACK_H

#include "gateway/http.h"

/* back: the submission's value in `ob`, or empty. Who did not get it for good is `bounced`; who complained or asked to be
 * left alone keeps its status. Each gets `back`: {"what","status","at","messageId"}. */
void outbox_back_put(struct http_request *r, struct span account, struct span back,
		     json_t *submission);

#endif
