/* reply_card: whom a message's card names. Pure. */
#ifndef MW_GATEWAY_REPLY_CARD_H
#define MW_GATEWAY_REPLY_CARD_H

#include <jansson.h>

#include "common/base/span.h"

/* Is one of addresses (a JSON list, normalized) among From, To, Cc, Bcc and Reply-To of a card (docs/data-model.md)?
 * False for a damaged one. */
bool reply_card_names(struct span card, const json_t *addresses);

#endif
