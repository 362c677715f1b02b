/* since: the window of the first sync, as the API gives it (SYN-03). Pure. */
#ifndef MW_FETCHER_SINCE_H
#define MW_FETCHER_SINCE_H

#include "common/base/span.h"

/* "3d", "4w", "6m", "2y" before created_ms; "all" (0); a date "2024-01-31" or an RFC 3339 time. Empty: 3 days. */
bool since_parse(struct span text, int64_t created_ms, int64_t *since_ms_out);

#endif
