/* auth_results: what the receiving server found about a message's sender (RFC 8601). Pure. */
#ifndef MW_GATEWAY_AUTH_RESULTS_H
#define MW_GATEWAY_AUTH_RESULTS_H

#include <stdbool.h>

#include "common/base/span.h"

#define AUTH_RESULT_BYTES 16

/* Words as the server gives them in lower case: pass, fail, softfail, none, …; empty: not said. */
struct auth_results {
	bool found; /* there is such a field */
	char spf[AUTH_RESULT_BYTES], dkim[AUTH_RESULT_BYTES], dmarc[AUTH_RESULT_BYTES];
};

/*
 * raw: a message. Of its Authentication-Results fields the first counts: the last server put it on top; those below may
 * be the sender's own words. Of several results of one method the first `pass` counts, else the first.
 */
void auth_results_read(struct span raw, struct auth_results *out);

#endif
