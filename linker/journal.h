/*
 * journal: which accounts have entries that are not in the company slot yet: those a bell named, and those the sweep finds.
 * Applies them, and cuts off what is applied and over seven days old.
 */
#ifndef MW_LINKER_JOURNAL_H
#define MW_LINKER_JOURNAL_H

#include "common/stage/sweep.h"

struct journal;

struct journal *journal_new(struct stage *stage, int64_t sweep_ms);
void journal_free(struct journal **journal);
/* This account has something. Kept once; dropped if 1,024 wait (the sweep finds it). */
void journal_ask(struct journal *journal, struct span company, struct span account);
size_t journal_waiting(const struct journal *journal);
/*
 * Work of a few round trips: the accounts that wait and some of the sweep, at most 16. Calls applied for each account of
 * which entries were applied.
 */
void journal_turn(struct journal *journal, int64_t now_mono_ms, int64_t now_wall_ms,
		  void (*applied)(void *ctx, struct span company, struct span account,
				  uint64_t entries),
		  void *ctx);

#endif
