/* pipeline_view: how far the pipeline is, counted over accounts: what waits, what failed, what is not yet told (OPS-03). */
#ifndef MW_GATEWAY_PIPELINE_VIEW_H
#define MW_GATEWAY_PIPELINE_VIEW_H

#include "gateway/http.h"

struct pipeline_account {
	struct span company, account;
};

/* {"accounts", "ledger", "setAside", "journal", "messages"}: sums, without a name of any of them. The oldest entry is
 * sought among the first 20,000 of the ledgers. NULL: e says why. */
json_t *pipeline_view_sums(struct http_request *r, const struct pipeline_account *accounts,
			   size_t count, struct err *e);
/* Each stage with the processes of it that live; all: where they are too. NULL: e says why. */
json_t *pipeline_view_stages(struct http_request *r, bool all, struct err *e);

#endif
