/*
 * discovery: where the mail servers of a domain are (ACC-03): the built-in table, what the domain publishes in DNS
 * (RFC 6186, RFC 8314), the hoster that its mail goes to, and names that many domains use, if somebody answers there.
 */
#ifndef MW_GATEWAY_DISCOVERY_H
#define MW_GATEWAY_DISCOVERY_H

#include "gateway/app.h"
#include "gateway/presets.h"

#define DISCOVERY_MAX 4

struct discovery_server {
	char host[256];
	unsigned port;
	bool starttls;
};

struct discovery_offer {
	const char *source; /* table, srv, mx, guess */
	const struct preset *preset; /* NULL: not one of the table */
	struct discovery_server imap, smtp;
};

/* domain: normalized. The best first. Blocks, some 8 seconds at most. */
MUST_USE enum err_code discover(const struct gateway_conf *conf, const char *domain,
				struct discovery_offer offers_out[DISCOVERY_MAX], size_t *count_out,
				struct err *e);

#endif
