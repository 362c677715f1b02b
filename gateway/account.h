/* account: which accounts a company has, who may see one, and its record. */
#ifndef MW_GATEWAY_ACCOUNT_H
#define MW_GATEWAY_ACCOUNT_H

#include "gateway/http.h"

/* The company's view, {c}:acct. Spans live in the request's arena. */
struct account_entry {
	struct span id, user, email;
	uint64_t number;
	struct span *members;
	size_t member_count;
	bool removed; /* taken away with its mail kept: no longer an account of the API, its threads stay */
};

/* One of the company of the viewer. False: a problem is answered (404 if there is none). */
bool account_entry_get(struct http_request *r, struct span account,
		       struct account_entry *entry_out);
/* The same where what is not there must not be told from what is hidden: then it is a mailbox of nobody, with nothing in it. */
bool account_entry_find(struct http_request *r, struct span account,
			struct account_entry *entry_out);
/* All, sorted by id, removed ones included. */
bool account_entry_list(struct http_request *r, struct account_entry **entries_out,
			size_t *count_out);
/* Who its members are; the configuration's list is a copy that may name users who were deleted since. */
json_t *account_members_json(const struct account_entry *entry);
/* Owner or member (SHR-01, ACC-10). */
bool account_belongs(const struct viewer *viewer, const struct account_entry *entry);
/* For managing it: who it belongs to, or a company token without acting user. */
bool account_manages(const struct viewer *viewer, const struct account_entry *entry);

/* What is needed to read its blobs. */
struct account_secrets {
	uint64_t generation;
	struct secret_key data_key; /* secret_wipe after use */
};
/* ERR_GONE: erased, or not there. */
MUST_USE enum err_code account_secrets_get(struct http_request *r, struct span account,
					   struct account_secrets *out, struct err *e);

#endif
