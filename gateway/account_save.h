/*
 * account_save: writing accounts so that a death in between heals. Three places name an account; the order is
 * account slot, company, directory ({g}:accounts, which fetchers follow) when it comes, and the reverse of directory and
 * company when it goes. The API calls an account existing when the company names it; so a request that died half way is
 * simply made again, and each step takes what it finds.
 */
#ifndef MW_GATEWAY_ACCOUNT_SAVE_H
#define MW_GATEWAY_ACCOUNT_SAVE_H

#include "gateway/account.h"

struct account_draft {
	struct span id, user, email;
	const json_t *config;
	struct span credentials; /* sealed; empty: unchanged */
	const char *paused; /* "0", "1"; NULL: unchanged */
	struct span audit; /* what it changes, for the record; may be empty */
	struct span revision; /* of the record this is made from; empty: whatever it is */
};

enum account_saved { ACCOUNT_SAVED, ACCOUNT_STALE, ACCOUNT_FAILED /* a problem is answered */ };

/* Creates or replaces, and rings the fetchers. */
enum account_saved account_save(struct http_request *r, const struct account_draft *draft);
/* Stops syncing for good; mail stays readable. False: a problem is answered. Twice is safe. */
bool account_remove(struct http_request *r, const struct account_entry *entry);
/* Takes everything away, in bounded steps: data key and credentials first, so that from the first step on no blob can be
 * read. Twice is safe, also after dying half way. */
bool account_erase(struct http_request *r, const struct account_entry *entry);

/* An account's record for changing it. */
struct account_record {
	json_t *config;
	struct span revision;
	bool paused;
};
/* False: a problem is answered. config is to be json_decref'd. */
bool account_record_get(struct http_request *r, struct span account,
			struct account_record *record_out);

#endif
