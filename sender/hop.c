#include "sender/hop.h"

#include <stdio.h>
#include <stdlib.h>

#define FRAME_MAX 4096
#define PEERS_MAX 256

void hop_bell(void *ctx, struct span from, struct bus_item item)
{
	struct sender *sender = ctx;
	struct arena *arena;
	struct wire_ring m;

	(void)from;
	if (wire_peek(item.frame) != WIRE_N_ring)
		return;
	arena = arena_new(FRAME_MAX);
	if (wire_decode_ring(item.frame, arena, &m, NULL) == ERR_OK &&
	    span_eq(m.topic, SPAN_LIT("outbox")) && id_is_client(m.company) &&
	    id_is_client(m.account) && hop_is_mine(sender, m.company, m.account))
		outgoing_look(sender, m.company, m.account);
	arena_free(&arena);
}

void hop_ring(struct sender *sender, const char *stage, const char *topic, struct span company,
	      struct span account)
{
	struct wire_ring m = {.topic = span_cstr(topic), .company = company, .account = account};
	struct buf frame;

	buf_init(&frame, FRAME_MAX);
	wire_encode_ring(&m, &frame);
	bus_tell_all(sender->bus, stage, (struct bus_item){.frame = buf_span(&frame)});
	buf_fini(&frame);
}

bool hop_is_mine(const struct sender *sender, struct span company, struct span account)
{
	struct bus_entry *peers = calloc(PEERS_MAX, sizeof(*peers));
	struct span self = span_cstr(stage_instance(sender->stage)), name;
	char text[SENDER_NAME_BYTES];
	bool mine = true;
	size_t n;

	if (!peers)
		abort();
	snprintf(text, sizeof(text), "%.*s/%.*s", (int)company.n, (const char *)company.p,
		 (int)account.n, (const char *)account.p);
	name = span_cstr(text);
	n = bus_peers(sender->bus, "sender", peers, PEERS_MAX);
	for (size_t i = 0; i < n && mine; i++) {
		struct span peer = span_cstr(peers[i].instance);

		mine = span_eq(peer, self) || sweep_weight(peer, name) <= sweep_weight(self, name);
	}
	free(peers);
	return mine;
}
