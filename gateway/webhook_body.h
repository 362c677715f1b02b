/*
 * webhook_body: what an endpoint is sent next: one event as application/cloudevents+json, or with a batch size over 1 a
 * list of them as application/cloudevents-batch+json. It holds what event_view.h shows to the endpoint's viewer at this
 * moment, and nothing else.
 */
#ifndef MW_GATEWAY_WEBHOOK_BODY_H
#define MW_GATEWAY_WEBHOOK_BODY_H

#include "gateway/http.h"
#include "gateway/webhook.h"

#define WEBHOOK_BODY_MAX (1u << 20)

struct webhook_body {
	struct buf text; /* to buf_fini, whatever was returned */
	const char *content_type;
	struct span id; /* webhook-id: the event's; of a list one made from those in it */
	struct span type; /* of the first event */
	int64_t time_ms; /* of the first event */
	unsigned events; /* 0: nothing to deliver */
	struct event_position at; /* behind what is in it */
	bool end; /* nothing was left to look at */
};

/* Makes r's viewer the endpoint's: of the company of r->viewer, on the records of this moment. ERR_GONE: its user is no
 * longer there. */
MUST_USE enum err_code webhook_viewer_set(struct http_request *r, const struct webhook *webhook,
					  struct err *e);
/* The next events from a position on. */
MUST_USE enum err_code webhook_body_next(struct http_request *r, const struct webhook *webhook,
					 const struct event_position *from,
					 struct webhook_body *body_out, struct err *e);
/* An event that says hello: `webhook.test`. */
void webhook_body_test(struct http_request *r, const struct webhook *webhook,
		       struct webhook_body *body_out);

#endif
