/*
 * rebuild: the company side of the mail state made anew from the account slots, while everything runs.
 *
 *   1  every account of the company is marked (applied = `rebuild`): linkers leave it alone; the placements are dropped
 *   2  all timelines are deleted
 *   3  for each account: n = its last journal number; every thread is placed as its record says
 *   4  its events: if those of its journal are not all there once and in order, they are taken out and written again
 *      (events that are there keep their place, so that readers of the stream go on)
 *   5  applied = n: linkers go on with the entry that follows
 *
 * What changes after step 3 read n is in the journal after n, and is applied again: entries hold whole states, so the end
 * is the same. Stopped at any point, it is run again from the start; until then the marked accounts stay as they are.
 */
#ifndef MW_LINKER_REBUILD_H
#define MW_LINKER_REBUILD_H

#include "common/store/store.h"

#include <stdio.h>

/* Prints one line an account on out. */
MUST_USE enum err_code rebuild_company(struct store *store, struct span company, FILE *out,
				       struct err *e);

#endif
