/* retry: when a message that was refused for now is tried again (SND-08). Pure. */
#ifndef MW_SENDER_RETRY_H
#define MW_SENDER_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_FOR_MS (5 * INT64_C(86400000)) /* from the first attempt on */

/*
 * attempts: those made so far, at least 1. random: any number, for the jitter of a tenth. scale divides all times.
 * False: five days are over, it has failed. Else *next_ms_out: 1, 2, 4, 8, 16, 32 minutes, then 1, 2, 4, 4 … hours from
 * now, and never after the end of the five days.
 */
bool retry_next(int64_t attempts, int64_t first_ms, int64_t now_ms, uint32_t random, int64_t scale,
		int64_t *next_ms_out);

#endif
