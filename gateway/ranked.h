/*
 * ranked: what several sorted sets hold (score: a time in Unix ms), from a moment on backwards, in one round trip. Members
 * of one millisecond have no order of their own in it: the reader gives them one, and passes over what it has shown.
 */
#ifndef MW_GATEWAY_RANKED_H
#define MW_GATEWAY_RANKED_H

#include "gateway/http.h"

struct ranked_entry {
	int64_t ms;
	struct span member;
	size_t source; /* which of the keys */
};

/*
 * after_ms NULL: the newest `want` of each key. Otherwise at most 1,000 of exactly that millisecond and `want` older ones.
 * Not sorted; in the arena.
 */
MUST_USE enum err_code ranked_read(struct http_request *r, const struct span *keys,
				   size_t key_count, const int64_t *after_ms, size_t want,
				   struct ranked_entry **entries_out, size_t *count_out,
				   struct err *e);

#endif
