/*
 * heart: the thread that keeps a process's entry in the registry and reads the others', so that a Redis that is away or
 * slow never stops the program's loop. For this library alone.
 *
 * While Redis is away, what was read last stays. After such a time the first lists are not handed on for
 * REGISTRY_TTL_MS: the others may not have written their entries anew yet.
 * If the loop has not called heart_beat for HEART_STUCK_MS, the entry is no longer refreshed.
 */
#ifndef MW_STAGE_HEART_H
#define MW_STAGE_HEART_H

#include "common/stage/registry.h"

#define HEART_BEAT_MS 1000
#define HEART_YOUNG_BEAT_MS \
	100 /* in the first HEART_YOUNG_MS: what starts together finds each other at once */
#define HEART_YOUNG_MS 3000
#define HEART_STUCK_MS 30000

struct heart;

/* store: used by the thread alone until heart_stop returns; not owned. wake_fd: an eventfd, raised at every new list. */
struct heart *heart_start(struct store *store, const struct bus_entry *self, int wake_fd);
/* Ends the thread (at most one call of the store later) and takes the entry out of the registry. */
void heart_stop(struct heart **heart);
/* Has the entry been written at least once? */
bool heart_is_known(struct heart *heart);
/* True if there is a list that was not taken before; it then is the caller's to free(3). */
bool heart_take(struct heart *heart, struct bus_entry **entries_out, size_t *count_out);
/* The loop lives. */
void heart_beat(struct heart *heart);

#endif
