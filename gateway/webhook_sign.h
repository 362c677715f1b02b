/*
 * webhook_sign: secrets of endpoints and what they sign with, in the form of Standard Webhooks:
 *
 *   secret     whsec_<base64 of 32 bytes>
 *   signature  v1,<base64 HMAC-SHA-256(the 32 bytes, "<webhook-id>.<webhook-timestamp>.<body>")>
 *
 * Pure but for the fresh secret.
 */
#ifndef MW_GATEWAY_WEBHOOK_SIGN_H
#define MW_GATEWAY_WEBHOOK_SIGN_H

#include "common/base/buf.h"
#include "common/secret/secret.h"

#define WEBHOOK_SECRET_CHARS 50 /* of a secret's text */
#define WEBHOOK_SIGNATURE_CHARS 47 /* of one signature */

void webhook_secret_make(struct secret_key *secret_out);
void webhook_secret_format(const struct secret_key *secret, struct buf *out);
/* One signature for each secret, with blanks between. */
void webhook_sign(const struct secret_key *secrets, size_t count, struct span id,
		  int64_t timestamp_s, struct span body, struct buf *out);

#endif
