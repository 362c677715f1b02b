/*
 * reply_check: who may answer or forward a message: whoever's mailbox it is in; and who sees its thread because it is
 * shared, if one of their own addresses is a participant of that thread (SHR-05).
 */
#ifndef MW_GATEWAY_REPLY_CHECK_H
#define MW_GATEWAY_REPLY_CHECK_H

#include "gateway/http.h"

/* public_id: of the message, as in the API. False: a problem is answered. */
bool reply_check(struct http_request *r, struct span public_id);

#endif
