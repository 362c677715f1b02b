/*
 * imap_refusal: what a server's NO, BAD or BYE means beyond that it is one: by its response code (RFC 5530, 9208), then by
 * the words that large providers use instead; and how long it wants us to wait. Pure.
 */
#ifndef MW_FETCHER_IMAP_REFUSAL_H
#define MW_FETCHER_IMAP_REFUSAL_H

#include "common/base/span.h"

/* rate_limited, too_many_connections, server_unavailable, mailbox_missing; else otherwise. */
const char *imap_refusal_name(struct span words, const char *otherwise);
/* Is it about all of the account, not about what was asked for? */
bool imap_refusal_is_general(const char *name);
/*
 * How long to wait, in ms, at most a day: what the words say ("Suggested Backoff Time: 299961 milliseconds", "try again
 * in 5 minutes"), else what is known to be needed: an hour after [OVERQUOTA], a minute after too many connections.
 * 0: they say nothing of it.
 */
int64_t imap_refusal_wait_ms(struct span words);

#endif
