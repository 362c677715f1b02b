/*
 * backfill_batch: one FETCH of many messages, which a server may refuse because of a single one of them: what was asked is
 * halved until that one is found and passed over, and the rest goes on (SYN-10). Pure: places in a list of UIDs, no UIDs.
 *
 *   backfill_batch_init(&b, at, count)
 *   for (;;) ask for b.step messages from b.at on; then, with what the server said, backfill_batch_answered(&b, yes):
 *     BACKFILL_ASK     ask again      BACKFILL_DONE   all had
 *     BACKFILL_REFUSED b.at alone was refused: set it aside, then backfill_batch_pass(&b) says ASK or DONE
 */
#ifndef MW_FETCHER_BACKFILL_BATCH_H
#define MW_FETCHER_BACKFILL_BATCH_H

#include <stdbool.h>
#include <stddef.h>

enum backfill_step { BACKFILL_ASK, BACKFILL_DONE, BACKFILL_REFUSED };

struct backfill_batch {
	size_t at, end; /* what is not had yet */
	size_t step; /* so many are asked for, from at on */
};

void backfill_batch_init(struct backfill_batch *b, size_t at, size_t count);
enum backfill_step backfill_batch_answered(struct backfill_batch *b, bool yes);
enum backfill_step backfill_batch_pass(struct backfill_batch *b);

#endif
