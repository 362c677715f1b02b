/* peers: who lives, as the registry says. */
#ifndef MW_BUS_PEERS_H
#define MW_BUS_PEERS_H

#include "common/bus/impl.h"

struct bus_peer *bus_peer_find(struct bus *bus, const char *instance);
/* An ipc endpoint of another host is no way to anybody. */
bool bus_entry_reachable(const struct bus *bus, const struct bus_entry *entry);
void bus_peers_close(struct bus *bus);

#endif
