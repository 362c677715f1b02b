#include "common/bus/taker.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/bus/socket.h"
#include "common/wire/pack.h"

void bus_batches_init(struct bus_batches *batches)
{
	*batches = (struct bus_batches){.last = &batches->first};
}

static void batches_put(struct bus_batches *batches, struct bus_batch *batch)
{
	batch->next = NULL;
	*batches->last = batch;
	batches->last = &batch->next;
}

static struct bus_batch *batches_take(struct bus_batches *batches)
{
	struct bus_batch *batch = batches->first;
	if (!batch)
		return NULL;
	batches->first = batch->next;
	if (!batches->first)
		batches->last = &batches->first;
	return batch;
}

static void batch_free(struct bus_batch *batch)
{
	if (batch->parts)
		bus_parts_close(batch->parts, 2 * batch->count);
	free(batch->parts);
	free(batch);
}

void bus_batches_fini(struct bus_batches *batches)
{
	struct bus_batch *batch;
	while ((batch = batches_take(batches)))
		batch_free(batch);
}

/* Takes the parts over. */
static struct bus_batch *batch_make(const struct bus_link *link, zmq_msg_t *parts, size_t count)
{
	struct bus_batch *batch = calloc(1, sizeof(*batch));
	zmq_msg_t *own = calloc(2 * count, sizeof(*own));
	if (!batch || !own)
		abort();
	for (size_t i = 0; i < 2 * count; i++) {
		zmq_msg_init(&own[i]);
		zmq_msg_move(&own[i], &parts[i]);
	}
	*batch = (struct bus_batch){.link = link->serial, .parts = own, .count = count};
	return batch;
}

static void batch_arrived(struct bus *bus, struct bus_link *link, struct pack_reader *r,
			  zmq_msg_t *parts, size_t count)
{
	uint64_t lane = pack_read_u64(r), number = pack_read_u64(r), items = pack_read_u64(r);
	if (r->bad || lane >= WIRE_LANES || items == 0 || items > BUS_BATCH_MAX ||
	    count != 1 + 2 * items) {
		log_event(LOG_LEVEL_WARN, "bus_batch_refused", "parts", "u", (uint64_t)count, NULL);
		return;
	}
	if (number > link->received[lane])
		link->received[lane] = number;
	batches_put(&bus->waiting[lane], batch_make(link, parts + 1, (size_t)items));
	bus->handled++;
}

/* What the giver sent and we have not got by now went down with a connection: take it as received and ask anew. */
static void sent_arrived(struct bus_link *link, struct pack_reader *r)
{
	for (unsigned lane = 0; lane < WIRE_LANES; lane++) {
		uint64_t sent = pack_read_u64(r);
		if (r->bad || sent <= link->received[lane])
			continue;
		log_event(LOG_LEVEL_WARN, "bus_batch_lost", "lane", "u", (uint64_t)lane, "batches",
			  "u", sent - link->received[lane], NULL);
		if (link->allowed[lane] > link->received[lane])
			link->allowed[lane] = sent + 1;
		link->received[lane] = sent;
		link->socket.waits = true;
	}
}

static void link_tell(struct bus *bus, struct bus_link *link)
{
	struct buf head;
	buf_init(&head, 128);
	pack_put_array(&head, 2 + 2 * WIRE_LANES);
	pack_put_u64(&head, 1);
	pack_put_u64(&head, link->session);
	for (unsigned lane = 0; lane < WIRE_LANES; lane++) {
		pack_put_u64(&head, link->received[lane]);
		pack_put_u64(&head, link->allowed[lane]);
	}
	link->socket.waits = bus_part_send(&link->socket, buf_span(&head), false) != 0;
	bus_socket_used(bus, &link->socket);
	buf_fini(&head);
}

static bool link_ready(struct bus *bus, struct bus_socket *socket)
{
	struct bus_link *link = (struct bus_link *)socket;
	zmq_msg_t parts[BUS_PARTS_MAX];
	size_t count = bus_parts_recv(socket, parts, BUS_PARTS_MAX);
	if (count > 0) {
		struct pack_reader r = pack_reader_make(bus_part_span(&parts[0]));
		size_t n = pack_read_array(&r);
		uint64_t kind = pack_read_u64(&r);
		if (kind == 2 && n >= 4)
			batch_arrived(bus, link, &r, parts, count);
		else if (kind == 3 && n > WIRE_LANES)
			sent_arrived(link, &r);
		bus_parts_close(parts, count < BUS_PARTS_MAX ? count : BUS_PARTS_MAX);
	}
	if (link->socket.waits && bus_socket_events(socket) & ZMQ_POLLOUT)
		link_tell(bus, link);
	return count > 0;
}

struct bus_link *bus_link_open(struct bus *bus, const char *endpoint)
{
	struct bus_link *link = calloc(1, sizeof(*link));
	if (!link)
		abort();
	link->serial = ++bus->serial;
	random_bytes(&link->session, sizeof(link->session));
	link->socket.ready = link_ready;
	bus_socket_open(bus, &link->socket, ZMQ_DEALER, BUS_HOP_HWM,
			strncmp(endpoint, "tcp://", 6) == 0);
	for (unsigned lane = 0; lane < WIRE_LANES; lane++)
		link->allowed[lane] = bus->taking[lane];
	link->socket.waits = true;
	if (zmq_connect(link->socket.zmq, endpoint) < 0) {
		log_event(LOG_LEVEL_WARN, "bus_endpoint_bad", "endpoint", "s", endpoint, NULL);
		bus_link_close(bus, &link);
	}
	return link;
}

void bus_link_close(struct bus *bus, struct bus_link **link)
{
	if (*link)
		bus_socket_close(bus, &(*link)->socket);
	*link = NULL;
}

void bus_links_tell(struct bus *bus)
{
	for (size_t i = 0; i < bus->peer_count; i++)
		if (bus->peers[i].link)
			link_tell(bus, bus->peers[i].link);
}

bool bus_batch_deliver(struct bus *bus)
{
	struct bus_item items[BUS_BATCH_MAX];
	for (unsigned lane = 0; lane < WIRE_LANES; lane++) {
		struct bus_batch *batch = batches_take(&bus->waiting[lane]);
		if (!batch)
			continue;
		zmq_msg_t *parts = batch->parts;
		size_t count = batch->count;
		for (size_t i = 0; i < count; i++)
			items[i] = (struct bus_item){bus_part_span(&parts[2 * i]),
						     bus_part_span(&parts[2 * i + 1])};
		batch->parts = NULL;
		batches_put(&bus->held[lane],
			    batch); /* before the handler, which may credit it at once */
		if (bus->handlers.batch)
			bus->handlers.batch(bus->handlers.ctx, lane, items, count);
		bus_parts_close(parts, 2 * count);
		free(parts);
		return true;
	}
	return false;
}

static void link_credit(struct bus *bus, struct bus_link *link, unsigned lane)
{
	link->allowed[lane] = link->received[lane] + 1;
	link_tell(bus, link);
}

/* The first call starts the lane: every giver is told. Later ones give back the batch that was in hand the longest. */
void bus_credit(struct bus *bus, unsigned lane)
{
	if (lane >= WIRE_LANES || !bus->hop_in[0])
		abort(); /* a program that takes from no hop, or a lane that is none */
	struct bus_batch *batch = bus->taking[lane] ? batches_take(&bus->held[lane]) : NULL;
	for (size_t i = 0; i < bus->peer_count; i++) {
		struct bus_link *link = bus->peers[i].link;
		if (link && (!bus->taking[lane] || (batch && batch->link == link->serial)))
			link_credit(bus, link, lane);
	}
	bus->taking[lane] = true;
	if (batch)
		batch_free(batch);
}
