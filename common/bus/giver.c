#include "common/bus/giver.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/bus/socket.h"
#include "common/wire/pack.h"

struct bus_client { /* a taker */
	struct bus_client *next;
	char instance[64];
	uint64_t session;
	uint64_t sent[WIRE_LANES], allowed[WIRE_LANES];
	uint64_t order[WIRE_LANES]; /* when its credit came: the longest waiting is served first */
	int64_t seen_ms;
};

struct credit {
	uint64_t session, received[WIRE_LANES], allowed[WIRE_LANES];
};

static bool credit_read(struct span s, struct credit *credit_out)
{
	struct pack_reader r = pack_reader_make(s);
	size_t n = pack_read_array(&r);
	uint64_t kind = pack_read_u64(&r);
	credit_out->session = pack_read_u64(&r);
	for (unsigned lane = 0; lane < WIRE_LANES; lane++) {
		credit_out->received[lane] = pack_read_u64(&r);
		credit_out->allowed[lane] = pack_read_u64(&r);
		if (credit_out->allowed[lane] > credit_out->received[lane] + 1)
			return false;
	}
	return !r.bad && n >= 2 + 2 * WIRE_LANES && kind == 1;
}

static struct bus_client *client_find(struct bus_giver *giver, struct span id)
{
	for (struct bus_client *client = giver->clients; client; client = client->next)
		if (span_eq(span_cstr(client->instance), id))
			return client;
	return NULL;
}

static struct bus_client *client_make(struct bus_giver *giver, struct span id)
{
	struct bus_client *client = client_find(giver, id);
	if (client || id.n == 0 || id.n >= sizeof(client->instance))
		return client;
	client = calloc(1, sizeof(*client));
	if (!client)
		abort();
	memcpy(client->instance, id.p, id.n);
	client->next = giver->clients;
	giver->clients = client;
	return client;
}

/* Behind the batches in the same pipe: the taker learns which of them it will never get. */
static void sent_tell(struct bus *bus, struct bus_client *client)
{
	struct buf head;
	buf_init(&head, 64);
	pack_put_array(&head, 1 + WIRE_LANES);
	pack_put_u64(&head, 3);
	for (unsigned lane = 0; lane < WIRE_LANES; lane++)
		pack_put_u64(&head, client->sent[lane]);
	if (bus_part_send(&bus->giver->socket, span_cstr(client->instance), true) == 0)
		bus_part_send(&bus->giver->socket, buf_span(&head), false);
	buf_fini(&head);
}

static void credit_take(struct bus *bus, struct bus_client *client, const struct credit *credit)
{
	struct bus_giver *giver = bus->giver;
	bool lost = false;
	if (client->session != credit->session)
		memcpy(client->sent, credit->received, sizeof(client->sent));
	client->session = credit->session;
	client->seen_ms = clock_mono_ms();
	for (unsigned lane = 0; lane < WIRE_LANES; lane++) {
		if (client->allowed[lane] <= client->sent[lane])
			client->order[lane] = ++giver->order;
		client->allowed[lane] = credit->allowed[lane];
		giver->asked[lane] |= client->allowed[lane] > client->sent[lane];
		lost |= client->sent[lane] > credit->received[lane];
	}
	if (lost)
		sent_tell(bus, client);
}

static bool giver_ready(struct bus *bus, struct bus_socket *socket)
{
	zmq_msg_t parts[2];
	size_t count = bus_parts_recv(socket, parts, 2);
	struct credit credit;
	if (count == 0)
		return false;
	if (count == 2 && credit_read(bus_part_span(&parts[1]), &credit)) {
		struct bus_client *client = client_make(bus->giver, bus_part_span(&parts[0]));
		if (client)
			credit_take(bus, client, &credit);
	}
	bus_parts_close(parts, count < 2 ? count : 2);
	return true;
}

static bool client_has_credit(const struct bus_client *client, unsigned lane, int64_t now_ms)
{
	return client->allowed[lane] > client->sent[lane] &&
	       now_ms - client->seen_ms < BUS_FRESH_MS;
}

static struct bus_client *client_next(const struct bus_giver *giver, unsigned lane)
{
	struct bus_client *best = NULL;
	int64_t now_ms = clock_mono_ms();
	for (struct bus_client *client = giver->clients; client; client = client->next)
		if (client_has_credit(client, lane, now_ms) &&
		    (!best || client->order[lane] < best->order[lane]))
			best = client;
	return best;
}

static size_t batch_count(const struct bus_letters *queue)
{
	size_t count = 0, bytes = 0;
	for (const struct bus_letter *letter = queue->first; letter && count < BUS_BATCH_MAX;
	     letter = letter->next) {
		bytes += letter->bytes;
		if (count > 0 && bytes > BUS_BATCH_BYTES)
			break;
		count++;
	}
	return count;
}

static void head_send(struct bus *bus, const struct bus_client *client, unsigned lane, size_t count)
{
	struct buf head;
	buf_init(&head, 64);
	pack_put_array(&head, 4);
	pack_put_u64(&head, 2);
	pack_put_u64(&head, lane);
	pack_put_u64(&head, client->sent[lane]);
	pack_put_u64(&head, count);
	bus_part_send(&bus->giver->socket, buf_span(&head), true);
	buf_fini(&head);
}

/* If the taker cannot be reached its credit is void until it tells it again. */
static void batch_send(struct bus *bus, struct bus_client *client, unsigned lane)
{
	struct bus_socket *socket = &bus->giver->socket;
	struct bus_letters *queue = &bus->giver->queue[lane];
	size_t count = batch_count(queue);
	if (bus_part_send(socket, span_cstr(client->instance), true) != 0) {
		client->allowed[lane] = client->sent[lane];
		return;
	}
	client->sent[lane]++;
	head_send(bus, client, lane, count);
	for (size_t i = 0; i < count; i++) {
		struct bus_letter *letter = bus_letters_take(queue);
		bus_part_give(socket, &letter->frame, true);
		bus_part_give(socket, &letter->body, i + 1 < count);
		bus_letter_free(letter);
	}
}

void bus_flush(struct bus *bus)
{
	struct bus_giver *giver = bus->giver;
	bool used = false;
	for (unsigned lane = 0; giver && lane < WIRE_LANES; lane++) {
		struct bus_client *client;
		while (giver->queue[lane].count && (client = client_next(giver, lane))) {
			batch_send(bus, client, lane);
			used = true;
		}
	}
	if (used)
		bus_socket_used(bus, &giver->socket);
}

void bus_giver_serve(struct bus *bus)
{
	struct bus_giver *giver = bus->giver;
	bus_flush(bus);
	for (unsigned lane = 0; lane < WIRE_LANES; lane++) {
		while (giver->asked[lane] && bus->handlers.wanted && !giver->queue[lane].count &&
		       client_next(giver, lane)) {
			bus->handled++;
			bus->handlers.wanted(bus->handlers.ctx, lane);
			giver->asked[lane] = giver->queue[lane].count > 0;
			bus_flush(bus);
		}
		giver->asked[lane] = false;
	}
}

struct bus_giver *bus_giver_new(struct bus *bus, bool tcp)
{
	struct bus_giver *giver = calloc(1, sizeof(*giver));
	if (!giver)
		abort();
	for (unsigned lane = 0; lane < WIRE_LANES; lane++)
		bus_letters_init(&giver->queue[lane]);
	giver->socket.ready = giver_ready;
	bus_socket_open(bus, &giver->socket, ZMQ_ROUTER, BUS_HOP_HWM, tcp);
	return giver;
}

void bus_giver_forget(struct bus *bus, const char *instance)
{
	if (!bus->giver)
		return;
	for (struct bus_client **at = &bus->giver->clients; *at; at = &(*at)->next) {
		struct bus_client *client = *at;
		if (strcmp(client->instance, instance) != 0)
			continue;
		*at = client->next;
		free(client);
		return;
	}
}

void bus_giver_close(struct bus *bus)
{
	struct bus_giver *giver = bus->giver;
	if (!giver)
		return;
	while (giver->clients)
		bus_giver_forget(bus, giver->clients->instance);
	for (unsigned lane = 0; lane < WIRE_LANES; lane++)
		bus_letters_fini(&giver->queue[lane]);
	bus->giver = NULL;
	bus_socket_close(bus, &giver->socket);
}

static struct bus_letters *queue_of(const struct bus *bus, unsigned lane)
{
	if (!bus->giver || lane >= WIRE_LANES)
		abort(); /* a program that gives to no hop, or a lane that is none */
	return &bus->giver->queue[lane];
}

void bus_give(struct bus *bus, unsigned lane, struct bus_item item)
{
	bus_letters_put(queue_of(bus, lane), item);
}

size_t bus_queued(const struct bus *bus, unsigned lane)
{
	return queue_of(bus, lane)->count;
}
