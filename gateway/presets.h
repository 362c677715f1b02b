/* presets: where the mail servers of known providers are (ACC-01, ACC-03). */
#ifndef MW_GATEWAY_PRESETS_H
#define MW_GATEWAY_PRESETS_H

#include "common/base/span.h"

struct preset {
	const char *provider; /* "gmail" */
	const char *imap_host, *smtp_host;
	unsigned imap_port,
		smtp_port; /* SMTP: 465 TLS, 587 STARTTLS; the other one is tried when it fails */
	const char *const *domains; /* ended by NULL: addresses that are surely there */
	const char *advice; /* what a login needs; NULL: nothing special */
};

/* NULL: not one that we know hosts for. */
const struct preset *preset_by_provider(const char *provider);
const struct preset *preset_by_domain(struct span domain);
/* host as it is in the table; one that ends in `*` has the domain of the address there. */
void preset_host(const char *host, const char *email, char out[256]);
/* By the host that is read from. */
const struct preset *preset_by_imap_host(const char *host);
/* By the host that takes a domain's mail, in lower case. */
const struct preset *preset_by_mx(const char *host);
/* All names, ended by NULL: for the schema of POST /v1/accounts; the last ones have no preset of IMAP. */
extern const char *const preset_names[];

#endif
