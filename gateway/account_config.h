/* account_config: from what the API was given to what is tried and what is kept. */
#ifndef MW_GATEWAY_ACCOUNT_CONFIG_H
#define MW_GATEWAY_ACCOUNT_CONFIG_H

#include "gateway/account_verify.h"
#include "gateway/http.h"
#include "gateway/presets.h"

struct account_connection {
	struct verify_direction imap, smtp;
	const struct preset *preset; /* may be NULL */
};

/* Both directions from `provider`, `imap` and `smtp` of given, over those of before (the kept configuration; NULL for a
 * new account). Borrows from both. False: a problem is answered (a field is missing, or the way is not offered). */
bool account_connection_read(struct http_request *r, const json_t *given, const json_t *before,
			     const char *email, struct account_connection *out);
/* 422 account_verification_failed with the findings. */
void account_connection_refuse(struct http_request *r, const struct account_connection *c);

/* The configuration to keep: before (may be NULL) with given's choices, and imap and smtp as they worked (c may be NULL:
 * unchanged). No secret is in it. To json_decref. NULL: a problem is answered. */
json_t *account_config_make(struct http_request *r, const json_t *given, const json_t *before,
			    const struct account_connection *c);
/* {"imapPassword","smtpPassword","imapToken","smtpToken"}, those that there are, sealed so that only fetcher and sender can open it. */
struct span account_credentials_seal(struct http_request *r, struct span account,
				     const struct account_connection *c);
/* Overwrites the passwords in a parsed body. Call before the answer, whatever it is. */
void account_passwords_wipe(json_t *given);

#endif
