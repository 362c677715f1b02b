/* rehome: the threader's background work: moves the members of absorbed threads to the survivors, in bounded steps. */
#ifndef MW_THREADER_REHOME_H
#define MW_THREADER_REHOME_H

#include "common/stage/sweep.h"

struct rehome;

struct rehome *rehome_new(struct stage *stage, int64_t sweep_ms);
void rehome_free(struct rehome **rehome);
/* A bell said that this account has absorbed threads. Kept once; dropped if 1,024 wait (the sweep finds it). */
void rehome_ask(struct rehome *rehome, struct span company, struct span account);
/* One step of work, a few ms: at most one call to Redis a waiting account, at most 16 accounts. Returns members moved. */
size_t rehome_turn(struct rehome *rehome, int64_t now_mono_ms);

#endif
