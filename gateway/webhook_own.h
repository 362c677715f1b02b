/* webhook_own: a viewer's own endpoints, for the routes. */
#ifndef MW_GATEWAY_WEBHOOK_OWN_H
#define MW_GATEWAY_WEBHOOK_OWN_H

#include "gateway/webhook_store.h"

/* An endpoint with how far it is, and its record as stored. */
struct webhook_own {
	struct webhook webhook;
	struct webhook_state state;
	struct span json;
};

/* The one that r->ids[0] names. False: a problem is answered. Others' endpoints are not there. */
bool webhook_own_load(struct http_request *r, struct webhook_own *own_out);
/* webhook_call; false: a problem is answered. */
bool webhook_own_call(struct http_request *r, const char *function, const struct span *args,
		      size_t count, struct span *answer_out);
/* The gateways that work them look at them. */
void webhook_own_ring(struct http_request *r);

#endif
