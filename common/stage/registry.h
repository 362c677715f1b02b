/*
 * registry: who lives. One key with a time-to-live for each process (KEY_G_REGISTRY, 3 s, refreshed once a second) and a
 * set of names (KEY_G_INSTANCES). Values are msgpack maps, so that versions one apart read each other.
 */
#ifndef MW_STAGE_REGISTRY_H
#define MW_STAGE_REGISTRY_H

#include "common/bus/bus.h"
#include "common/store/store.h"

#define REGISTRY_TTL_MS 3000

/* In one round trip: writes self (NULL: only reads), reads all others. Entries live in the arena. Names whose key has
 * expired are taken out of the set. */
MUST_USE enum err_code registry_exchange(struct store *store, const struct bus_entry *self,
					 struct arena *arena, struct bus_entry **entries_out,
					 size_t *count_out, struct err *e);
MUST_USE enum err_code registry_leave(struct store *store, const struct bus_entry *self,
				      struct err *e);

#endif
