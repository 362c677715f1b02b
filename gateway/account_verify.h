/*
 * account_verify: tries reading (IMAP login) and sending (SMTP login) side by side before anything is saved (ACC-01,
 * ACC-02, ACC-04). Each direction is a list of ways that are tried in turn: SMTP on 465 with TLS, then 587 with STARTTLS,
 * or the reverse; the first that logs in counts.
 */
#ifndef MW_GATEWAY_ACCOUNT_VERIFY_H
#define MW_GATEWAY_ACCOUNT_VERIFY_H

#include <jansson.h>

#include "common/mailconn/mailconn.h"
#include "gateway/app.h"

#define VERIFY_WAYS_MAX 2

struct verify_way {
	char host[256];
	uint16_t port;
	enum mailconn_security security;
	struct err result; /* ERR_AGAIN: not tried */
};

struct verify_direction {
	enum mailconn_protocol protocol;
	struct verify_way ways[VERIFY_WAYS_MAX];
	size_t count;
	const char *user; /* borrowed */
	struct span password, bearer; /* borrowed; of bearer n 0: the password counts */
	/* Set by account_verify: */
	size_t at; /* the way that worked, or the last tried */
	bool ok;
	struct err failure; /* set before: refused without being tried */
	char server_text[256], tls[64];
	bool password_plain; /* ASCII alone */
};

/* Sets the ways of a direction from what the user gave; port 0: the usual one. Fills direction->failure if it cannot be
 * tried (plaintext port, unfit security): account_verify then leaves it alone. */
void verify_direction_set(struct verify_direction *d, const struct gateway_conf *conf,
			  enum mailconn_protocol protocol, const char *host, int64_t port,
			  const char *security);
/* Blocks until both have an outcome or conf->verify_ms passed. True: both work. */
bool account_verify(const struct gateway_conf *conf, struct verify_direction *imap,
		    struct verify_direction *smtp);

/* {"incoming": {…}, "outgoing": {…}}; advice may be NULL. */
json_t *verify_findings(const struct gateway_conf *conf, const struct verify_direction *imap,
			const struct verify_direction *smtp, const char *advice);
const char *verify_security_name(enum mailconn_security security);

#endif
