/* scan: going over all of something in Redis, a step at a time. For the tools. */
#ifndef MW_LINKER_SCAN_H
#define MW_LINKER_SCAN_H

#include "common/store/store.h"

/* Called for each element (key, hash field with its value, zset member with its score); other than ERR_OK ends the scan. */
typedef enum err_code scan_fn(void *ctx, struct span name, struct span value, struct err *e);

/* All fields of a hash. Elements may come twice if it changes meanwhile. */
MUST_USE enum err_code scan_hash(struct store *store, struct span key, scan_fn *fn, void *ctx,
				 struct err *e);
/* All members of a zset with their scores. */
MUST_USE enum err_code scan_zset(struct store *store, struct span key, scan_fn *fn, void *ctx,
				 struct err *e);
/* All keys that begin with prefix (which holds no glob characters). One server: the one the store asks first. */
MUST_USE enum err_code scan_keys(struct store *store, struct span prefix, scan_fn *fn, void *ctx,
				 struct err *e);
/* All events of a company in order: fn gets the stream id and the field `e`. */
MUST_USE enum err_code scan_events(struct store *store, struct span company, scan_fn *fn, void *ctx,
				   struct err *e);

/* What an event `m` says; false for others. */
bool scan_event_read(struct span event, uint32_t *number_out, uint64_t *n_out);

#endif
