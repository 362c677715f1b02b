/* compose_reference: a message that answers or forwards another gets what it takes over from it (compose_quote.h). */
#ifndef MW_GATEWAY_COMPOSE_REFERENCE_H
#define MW_GATEWAY_COMPOSE_REFERENCE_H

#include "gateway/http.h"

/*
 * Changes message by its `reference`, if it has one: `inline` quotes the original (a forward does unless told otherwise),
 * `forwardAttachments` takes its attachments along (likewise). own: the account's address. Who may is reply_check's.
 * False: a problem is answered.
 */
bool compose_reference(struct http_request *r, json_t *message, const char *own);

#endif
