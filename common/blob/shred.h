/*
 * shred: takes the blobs of an erased account off the disk. Its data key is gone by then, so that nobody can read them; this
 * takes the cipher text too, and the names in the headers. What stays of a record is its frame, so that the records behind it
 * are found: magic, lengths, and a header of generation 0 with every name overwritten by '-'.
 */
#ifndef MW_BLOB_SHRED_H
#define MW_BLOB_SHRED_H

#include "common/base/err.h"
#include "common/base/span.h"

struct shred_account {
	struct span company, account; /* account empty: every account of the company */
	uint64_t generation_max; /* blobs of later generations are another's */
};

struct shred_counts {
	uint64_t records, bytes; /* that were there and are no more */
	uint64_t segments; /* looked through */
};

/*
 * Looks through the headers of all segments (one read a record) and overwrites what it finds: durable when it returns.
 * Twice is safe; the second time finds nothing. Writers may append meanwhile: a record that is not whole yet ends the look at
 * its segment, so what an erased account's messages under way leave is found by a later call. ERR_TEMP: the disk; again.
 */
MUST_USE enum err_code shred_blobs(const char *blob_dir, const struct shred_account *account,
				   struct shred_counts *counts_out, struct err *e);

#endif
