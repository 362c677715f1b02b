#include "common/bus/peers.h"

#include <stdlib.h>

#include "common/bus/bell.h"
#include "common/bus/endpoint.h"
#include "common/bus/giver.h"
#include "common/bus/taker.h"

struct bus_peer *bus_peer_find(struct bus *bus, const char *instance)
{
	for (size_t i = 0; i < bus->peer_count; i++)
		if (strcmp(bus->peers[i].entry.instance, instance) == 0)
			return &bus->peers[i];
	return NULL;
}

bool bus_entry_reachable(const struct bus *bus, const struct bus_entry *entry)
{
	return bus_endpoint_is_tcp(entry->bell_endpoint) || strcmp(entry->host, bus->host) == 0;
}

static bool same_process(const struct bus_entry *a, const struct bus_entry *b)
{
	return a->pid == b->pid && a->started_ms == b->started_ms;
}

static bool same_place(const struct bus_entry *a, const struct bus_entry *b)
{
	return strcmp(a->stage, b->stage) == 0 && strcmp(a->host, b->host) == 0 &&
	       strcmp(a->hop_endpoint, b->hop_endpoint) == 0 &&
	       strcmp(a->bell_endpoint, b->bell_endpoint) == 0;
}

static void notify(struct bus *bus, const struct bus_entry *entry, bool here)
{
	if (bus->handlers.peer)
		bus->handlers.peer(bus->handlers.ctx, entry->stage, entry->instance, here);
}

static void peer_close(struct bus *bus, struct bus_peer *peer)
{
	bus_link_close(bus, &peer->link);
	bus_line_close(bus, &peer->line);
	bus_giver_forget(bus, peer->entry.instance);
}

/* The same addresses: ZeroMQ connects again by itself, and a link made anew would lose what is under way. */
static void peer_restarted(struct bus *bus, struct bus_peer *peer, const struct bus_entry *entry)
{
	peer->entry = *entry;
	peer->seen = true;
	notify(bus, entry, false);
	notify(bus, entry, true);
}

static void peer_remove(struct bus *bus, size_t at)
{
	struct bus_entry entry = bus->peers[at].entry;
	peer_close(bus, &bus->peers[at]);
	bus->peers[at] = bus->peers[--bus->peer_count];
	notify(bus, &entry, false);
}

static void peer_add(struct bus *bus, const struct bus_entry *entry)
{
	if (bus->peer_count == BUS_PEERS_MAX)
		return;
	struct bus_peer *peer = &bus->peers[bus->peer_count++];
	*peer = (struct bus_peer){.entry = *entry, .seen = true};
	const char *endpoint = bus_endpoint_of_hop(entry->hop_endpoint, bus->hop_in);
	if (endpoint && bus_entry_reachable(bus, entry))
		peer->link = bus_link_open(bus, endpoint);
	notify(bus, entry, true);
}

/* Entries come from Redis: whatever is not a string there is none of ours. */
static bool entry_valid(const struct bus_entry *entry)
{
	return memchr(entry->stage, 0, sizeof(entry->stage)) &&
	       memchr(entry->instance, 0, sizeof(entry->instance)) &&
	       memchr(entry->hop_endpoint, 0, sizeof(entry->hop_endpoint)) &&
	       memchr(entry->bell_endpoint, 0, sizeof(entry->bell_endpoint)) &&
	       memchr(entry->host, 0, sizeof(entry->host)) && entry->instance[0];
}

static void peer_see(struct bus *bus, const struct bus_entry *entry)
{
	if (!entry_valid(entry) || strcmp(entry->instance, bus->instance) == 0)
		return;
	struct bus_peer *peer = bus_peer_find(bus, entry->instance);
	if (peer && !same_place(&peer->entry, entry)) {
		peer_remove(bus, (size_t)(peer - bus->peers));
		peer = NULL;
	}
	if (!peer) {
		peer_add(bus, entry);
	} else if (same_process(&peer->entry, entry)) {
		peer->entry = *entry;
		peer->seen = true;
	} else {
		peer_restarted(bus, peer, entry);
	}
}

void bus_set_peers(struct bus *bus, const struct bus_entry *entries, size_t count)
{
	for (size_t i = 0; i < bus->peer_count; i++)
		bus->peers[i].seen = false;
	for (size_t i = 0; i < count; i++)
		peer_see(bus, &entries[i]);
	for (size_t i = bus->peer_count; i-- > 0;)
		if (!bus->peers[i].seen)
			peer_remove(bus, i);
}

size_t bus_peers(const struct bus *bus, const char *stage, struct bus_entry *entries_out,
		 size_t max)
{
	size_t count = 0;
	for (size_t i = 0; i < bus->peer_count; i++) {
		if (stage && strcmp(bus->peers[i].entry.stage, stage) != 0)
			continue;
		if (count < max)
			entries_out[count] = bus->peers[i].entry;
		count++;
	}
	return count;
}

void bus_peers_close(struct bus *bus)
{
	for (size_t i = 0; i < bus->peer_count; i++)
		peer_close(bus, &bus->peers[i]);
	bus->peer_count = 0;
}
