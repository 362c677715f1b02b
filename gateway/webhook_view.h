/* webhook_view: endpoints and their requests as the API shows them. Never a secret. */
#ifndef MW_GATEWAY_WEBHOOK_VIEW_H
#define MW_GATEWAY_WEBHOOK_VIEW_H

#include "gateway/json.h"
#include "gateway/webhook_post.h"
#include "gateway/webhook_store.h"

/* Fields of the two, for the OpenAPI file. */
extern const struct json_field webhook_view_fields[], webhook_delivery_fields[];

json_t *webhook_view(const struct webhook *webhook, const struct webhook_state *state,
		     int64_t now_ms);
json_t *webhook_delivery_view(const struct webhook_delivery *delivery);
/* Of a test. */
json_t *webhook_result_view(const struct webhook_result *result);

#endif
