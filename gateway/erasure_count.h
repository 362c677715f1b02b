/* erasure_count: what is left of an account or a company, counted in Redis itself; and taking it away. */
#ifndef MW_GATEWAY_ERASURE_COUNT_H
#define MW_GATEWAY_ERASURE_COUNT_H

#include "gateway/account.h"

/* Keys under a tag (`{a:…}` or `{c:…}`), by their family, into an object family → number. The account's `acct`, which holds the
 * generation alone by then, is left out. take: an erased account's, or a company's, go. A scan of all keys of a server. */
MUST_USE enum err_code erasure_count_keys(struct http_request *r, struct span tag, bool company,
					  bool take, json_t *families, struct err *e);
/* What the company's slot still has of an account. */
MUST_USE enum err_code erasure_count_traces(struct http_request *r, struct span account,
					    uint64_t number, uint64_t *traces_out, struct err *e);
/* Takes the account's events off the company's stream. */
MUST_USE enum err_code erasure_drop_events(struct http_request *r, uint64_t number,
					   uint64_t *events_out, struct err *e);

#endif
