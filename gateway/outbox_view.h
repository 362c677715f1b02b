/* outbox_view: entries of the outbox with their states, as the API shows them. */
#ifndef MW_GATEWAY_OUTBOX_VIEW_H
#define MW_GATEWAY_OUTBOX_VIEW_H

#include "gateway/http.h"
#include "gateway/page.h"

/* One entry with its state, without what came back; NULL if the stored one is damaged. state: of `os`, may be empty. */
json_t *outbox_view_json(struct http_request *r, struct span account, struct span submission,
			 struct span entry, struct span state);
/* Answers with one, or 404. */
void outbox_view_get(struct http_request *r, struct span account, struct span submission);
/* Answers with a page of all accounts of the viewer, newest first. Reads no more than it shows of each. */
void outbox_view_list(struct http_request *r, const struct page *page);

#endif
