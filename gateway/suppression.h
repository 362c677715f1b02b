/* suppression: addresses that the company sends nothing to any more: bounced for good, complained, unsubscribed (SND-13). */
#ifndef MW_GATEWAY_SUPPRESSION_H
#define MW_GATEWAY_SUPPRESSION_H

#include "gateway/http.h"
#include "gateway/message_findings.h"

/* A stop for each recipient of message that is on the company's list. False: a problem is answered. */
bool suppression_check(struct http_request *r, const json_t *message,
		       struct message_findings *findings);

#endif
