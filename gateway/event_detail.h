/* event_detail: what some events of mail say beside the ids: who did not get it, how soon it was answered, who opened it. */
#ifndef MW_GATEWAY_EVENT_DETAIL_H
#define MW_GATEWAY_EVENT_DETAIL_H

#include "gateway/event_feed.h"

/* For a viewer who may see the event; without an acting user ids alone are added (SHR-06). */
void event_detail_put(struct http_request *r, const struct event_item *item, const char *name,
		      json_t *data);

#endif
