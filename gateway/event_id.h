/*
 * event_id: the public name of an event. It is made from where the event comes from alone, so the same transition has the
 * same id after any crash, and encrypted, so that nobody reads from it how much private mail lies between two events.
 *
 *   block: u32 account number ‖ u48 journal number n ‖ u8 k ‖ "event"       (big-endian)
 *          u32 2^31 + sequence ‖ u48 ms ‖ u8 0 ‖ "event"                    an event of the company itself: its stream id
 *   id:    base32(AES-256(HMAC-SHA-256(token key, "event id " company), block))
 *
 * Pure.
 */
#ifndef MW_GATEWAY_EVENT_ID_H
#define MW_GATEWAY_EVENT_ID_H

#include "common/base/span.h"
#include "common/secret/secret.h"

#define EVENT_ID_CHARS 26

struct event_ref {
	bool company; /* an event of the company itself: ms and sequence; else number, n and k */
	uint32_t number; /* of the account, under 2^31 */
	uint64_t n; /* under 2^48 */
	unsigned k; /* which of the entry's events, under 256 */
	uint64_t ms; /* under 2^48 */
	uint32_t sequence; /* under 2^31 */
};

void event_id_format(const struct secret_key *key, struct span company, const struct event_ref *ref,
		     char out[EVENT_ID_CHARS + 1]);
/* False: no event's id of this company. */
bool event_id_parse(const struct secret_key *key, struct span company, struct span text,
		    struct event_ref *ref_out);

#endif
