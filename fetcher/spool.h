/*
 * spool: a file in shared memory in which raw messages lie between the mail server and the parser, so that they travel
 * by reference (path, offset, octets). First fit from the front: the pages touched are those in use at the peak.
 * Not durable and not meant to be: the blob is. Released regions are given again, while messages that name them may still
 * be on their way: each has a stamp in front (common/base/stamp.h), by which a reader that comes late knows it.
 */
#ifndef MW_FETCHER_SPOOL_H
#define MW_FETCHER_SPOOL_H

#include "common/base/err.h"
#include "common/base/span.h"

struct spool;

struct spool_region {
	size_t offset; /* of the bytes; the stamp lies STAMP_BYTES before */
	size_t bytes; /* 0: no region */
	uint64_t stamp;
};

/* Makes the file (mode 0600) in /dev/shm, or in state_dir if that is missing; its name holds state_dir, instance and pid.
 * What dead processes of the same instance left there is removed. */
MUST_USE enum err_code spool_open(const char *instance, const char *state_dir, size_t bytes,
				  struct spool **spool_out, struct err *e);
void spool_close(struct spool **spool);
const char *spool_path(const struct spool *spool);
size_t spool_capacity(const struct spool *spool);
/* False: no gap of that size now. bytes ≥ 1. */
bool spool_take(struct spool *spool, size_t bytes, struct spool_region *region_out);
/* Sets region->bytes to 0; twice is safe. */
void spool_release(struct spool *spool, struct spool_region *region);
uint8_t *spool_bytes(const struct spool *spool, const struct spool_region *region);

#endif
