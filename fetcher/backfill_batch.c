#include "fetcher/backfill_batch.h"

void backfill_batch_init(struct backfill_batch *b, size_t at, size_t count)
{
	b->at = at;
	b->end = at + count;
	b->step = count;
}

/* `had` more are behind us; the next question may be twice as large. */
static enum backfill_step go_on(struct backfill_batch *b, size_t had, size_t step)
{
	b->at += had;
	b->step = step < b->end - b->at ? step : b->end - b->at;
	return b->step ? BACKFILL_ASK : BACKFILL_DONE;
}

enum backfill_step backfill_batch_answered(struct backfill_batch *b, bool yes)
{
	if (yes)
		return go_on(b, b->step, 2 * b->step);
	if (b->step <= 1)
		return BACKFILL_REFUSED;
	b->step = (b->step + 1) / 2;
	return BACKFILL_ASK;
}

enum backfill_step backfill_batch_pass(struct backfill_batch *b)
{
	return go_on(b, 1, 1);
}
