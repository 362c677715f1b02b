/*
 * apply: an account's journal, applied to the company slot in order (linker_1_apply). Any linker may apply any account's
 * entries at any time: the function acts only on the entry that follows, so twice and at once are safe.
 */
#ifndef MW_LINKER_APPLY_H
#define MW_LINKER_APPLY_H

#include "common/store/store.h"

#define APPLY_ENTRIES_MAX 64u /* a call */

struct apply_account {
	struct span company, account;
	uint64_t number; /* of the account in its company */
};

enum apply_status { APPLY_OK, APPLY_STALE, APPLY_BUSY, APPLY_FORGET, APPLY_BAD };

struct apply_answer {
	enum apply_status status;
	uint64_t last; /* the last entry applied */
};

/* The call for entries first, first + 1, … (at most APPLY_ENTRIES_MAX). */
struct store_command apply_call(struct arena *arena, const struct apply_account *account,
				uint64_t first, const struct span *entries, size_t count,
				bool forgotten);
struct apply_answer apply_read(const struct store_reply *reply);

/*
 * Reads the journal from the last applied entry on and applies all of it. Blocks for a few round trips each 64 entries.
 * ERR_TEMP: Redis did not answer, some may be applied. ERR_STALE: the journal does not reach back to what was applied:
 * the company side must be rebuilt. An account that is being rebuilt is left alone (ERR_OK). The arena is reset.
 */
MUST_USE enum err_code apply_catch_up(struct store *store, struct arena *arena,
				      const struct apply_account *account,
				      uint64_t *applied_count_out, struct err *e);

#endif
