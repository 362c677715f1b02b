/* spool_cache: the spool files of fetchers, kept open and numbered, so that a child can map each once. */
#ifndef MW_PARSER_SPOOL_CACHE_H
#define MW_PARSER_SPOOL_CACHE_H

#include "common/base/span.h"
#include "parser/request.h"

#define SPOOL_PATH_MAX 256

struct spool_slot {
	char path[SPOOL_PATH_MAX + 1];
	int fd; /* -1: free */
	uint64_t device, inode, bytes;
	uint64_t version; /* changes with the file; 0: none yet */
	uint64_t used; /* number of the batch that used it last */
};

struct spool_cache {
	struct spool_slot slots[REQUEST_SPOOLS];
	uint64_t batch, versions;
};

void spool_cache_init(struct spool_cache *cache);
void spool_cache_fini(struct spool_cache *cache);
/* A new request begins: slots it uses are not given away until the next one. */
void spool_cache_begin(struct spool_cache *cache);
/* Slot of the file, opened read-only, checked to be regular and to hold `end` bytes; looks whether it was replaced.
 * False if it is not there or no slot is free. */
bool spool_cache_find(struct spool_cache *cache, struct span path, uint64_t end,
		      unsigned *slot_out);

#endif
