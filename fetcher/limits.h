/* limits: what mail servers allow us: by provider, and by their own words when it was too much. Pure. */
#ifndef MW_FETCHER_LIMITS_H
#define MW_FETCHER_LIMITS_H

#include <stdbool.h>

#include "common/base/err.h"

enum limits_provider { LIMITS_GMAIL = 0, LIMITS_MICROSOFT, LIMITS_OTHER, LIMITS_PROVIDERS };

enum limits_provider limits_provider(const char *host);

enum limits_kind {
	LIMITS_NONE = 0,
	LIMITS_CONNECTIONS, /* too many of them (FAULTS F6) */
	LIMITS_OCTETS, /* too much was read (F7) */
	LIMITS_PAUSE, /* too much of anything (F9) */
};

struct limits_refusal {
	enum limits_kind kind;
	bool host; /* it counts by our address, not by the account */
	int64_t wait_ms; /* before another try; as the server asks if it says so */
};

/* What the server's refusal, or its goodbye, says about limits. */
struct limits_refusal limits_refusal(const struct err *e);

#endif
