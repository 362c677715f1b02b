/*
 * erasure: the end of an account or a company, and its certificate: what there was, and that nothing is left (INB-04). The record
 * is durable before the first step, each step is bounded and may be done twice, so whoever lives goes on where another died:
 *
 *   erasing    account by account: key and credentials, its slot, timelines, its entry; of a company then the rest
 *   shredding  blobs, events, what still lies in the slot; then all is counted
 *   done       the certificate; a minute later all is looked through once more, for what was under way: `checkedAt`
 *
 * {g}:er holds the records (JSON), {g}:ero the names of those that want work.
 */
#ifndef MW_GATEWAY_ERASURE_H
#define MW_GATEWAY_ERASURE_H

#include "gateway/account.h"

#define ERASURE_CHECK_MS 60000

/* Writes the record of an account's end, or (entry NULL) of the company's. False: a problem is answered. */
bool erasure_begin(struct http_request *r, struct span company, const struct account_entry *entry,
		   struct span *id_out);
/* The record as stored, a new reference; NULL with e ERR_OK if there is none. */
json_t *erasure_get(struct http_request *r, struct span id, struct err *e);
/* As the API shows it. */
json_t *erasure_view(struct span id, const json_t *record);
/* Does what is due now of one that was begun. r: a request of no one, with a store; its viewer is set here. */
MUST_USE enum err_code erasure_run(struct http_request *r, struct span id, struct err *e);
/* Takes a company's own slot away, in bounded steps; twice is safe. Its accounts have ended before. */
MUST_USE enum err_code erasure_company_slot(struct http_request *r, struct span company,
					    struct err *e);

#endif
