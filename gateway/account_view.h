/* account_view: an account as the API shows it: configuration, state, progress, counts (ACC-11). */
#ifndef MW_GATEWAY_ACCOUNT_VIEW_H
#define MW_GATEWAY_ACCOUNT_VIEW_H

#include "gateway/account.h"

/* Of each entry, in one pipeline. objects_out[count]; NULL where the record is gone. */
MUST_USE enum err_code account_view_many(struct http_request *r,
					 const struct account_entry *entries, size_t count,
					 json_t **objects_out, struct err *e);
/* Answers with one. */
void account_view_answer(struct http_request *r, const struct account_entry *entry,
			 unsigned status);

/* An entry of the account's history: {"at","state","code"}. */
json_t *account_change_json(const struct store_reply *entry);

#endif
