#include "common/bus/bell.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/bus/peers.h"
#include "common/bus/socket.h"

#define WAITING_MAX 64 /* letters to an instance that is not connected yet */

static void ring(struct bus *bus, struct span from, zmq_msg_t *parts)
{
	struct bus_item item = {bus_part_span(&parts[0]), bus_part_span(&parts[1])};
	bus->handled++;
	if (bus->handlers.bell)
		bus->handlers.bell(bus->handlers.ctx, from, item);
}

static bool bell_ready(struct bus *bus, struct bus_socket *socket)
{
	zmq_msg_t parts[3];
	size_t count = bus_parts_recv(socket, parts, 3);
	if (count == 3)
		ring(bus, bus_part_span(&parts[0]), parts + 1);
	bus_parts_close(parts, count < 3 ? count : 3);
	return count > 0;
}

static bool letter_send(struct bus_line *line, struct bus_item item)
{
	return bus_part_send(&line->socket, item.frame, true) == 0 &&
	       bus_part_send(&line->socket, item.body, false) == 0;
}

static bool line_writable(struct bus_line *line)
{
	bool writable = bus_socket_events(&line->socket) & ZMQ_POLLOUT;
	line->connected |= writable;
	return writable;
}

/* Connected now: what waited goes out. */
static void waiting_send(struct bus_line *line)
{
	while (line->waiting.count && line_writable(line)) {
		struct bus_letter *letter = bus_letters_take(&line->waiting);
		bus_part_give(&line->socket, &letter->frame, true);
		bus_part_give(&line->socket, &letter->body, false);
		bus_letter_free(letter);
	}
	line->socket.waits = line->waiting.count > 0;
}

/* What comes back on a line is the told instance's answer. */
static bool line_ready(struct bus *bus, struct bus_socket *socket)
{
	struct bus_line *line = (struct bus_line *)socket;
	zmq_msg_t parts[2];
	size_t count = bus_parts_recv(socket, parts, 2);
	waiting_send(line);
	if (count == 2)
		ring(bus, span_cstr(line->instance), parts);
	bus_parts_close(parts, count < 2 ? count : 2);
	return count > 0;
}

static struct bus_line *line_open(struct bus *bus, const struct bus_entry *entry)
{
	struct bus_line *line = calloc(1, sizeof(*line));
	if (!line)
		abort();
	memcpy(line->instance, entry->instance, sizeof(line->instance));
	bus_letters_init(&line->waiting);
	line->opened_ms = clock_mono_ms();
	line->socket.ready = line_ready;
	bus_socket_open(bus, &line->socket, ZMQ_DEALER, BUS_BELL_HWM,
			strncmp(entry->bell_endpoint, "tcp://", 6) == 0);
	if (zmq_connect(line->socket.zmq, entry->bell_endpoint) < 0) {
		log_event(LOG_LEVEL_WARN, "bus_endpoint_bad", "endpoint", "s", entry->bell_endpoint,
			  NULL);
		bus_line_close(bus, &line);
	}
	return line;
}

void bus_line_close(struct bus *bus, struct bus_line **line)
{
	if (*line) {
		bus_letters_fini(&(*line)->waiting);
		bus_socket_close(bus, &(*line)->socket);
	}
	*line = NULL;
}

/* Sent, or waiting for the first connection. */
static bool line_tell(struct bus_line *line, struct bus_item item)
{
	waiting_send(line);
	if (!line->waiting.count && line_writable(line))
		return letter_send(line, item);
	bool late = line->connected || clock_mono_ms() - line->opened_ms >= BUS_TELL_MS;
	if (late || line->waiting.count == WAITING_MAX)
		return false;
	bus_letters_put(&line->waiting, item);
	line->socket.waits = true;
	return true;
}

static bool peer_tell(struct bus *bus, struct bus_peer *peer, struct bus_item item)
{
	if (!peer->line && peer->entry.bell_endpoint[0] && bus_entry_reachable(bus, &peer->entry))
		peer->line = line_open(bus, &peer->entry);
	if (!peer->line)
		return false;
	bool told = line_tell(peer->line, item);
	bus_socket_used(bus, &peer->line->socket);
	return told;
}

void bus_lines_tick(struct bus *bus, int64_t now_ms)
{
	for (size_t i = 0; i < bus->peer_count; i++) {
		struct bus_line *line = bus->peers[i].line;
		if (!line || !line->waiting.count || now_ms - line->opened_ms < BUS_TELL_MS)
			continue;
		bus_letters_fini(&line->waiting);
		line->socket.waits = false;
	}
}

struct bus_socket *bus_bell_new(struct bus *bus, bool tcp)
{
	struct bus_socket *socket = calloc(1, sizeof(*socket));
	if (!socket)
		abort();
	socket->ready = bell_ready;
	bus_socket_open(bus, socket, ZMQ_ROUTER, BUS_BELL_HWM, tcp);
	return socket;
}

bool bus_tell(struct bus *bus, const char *instance, struct bus_item item)
{
	struct bus_peer *peer = bus_peer_find(bus, instance);
	return peer && peer_tell(bus, peer, item);
}

bool bus_tell_one(struct bus *bus, const char *stage, struct bus_item item)
{
	for (size_t i = 0; i < bus->peer_count; i++) {
		struct bus_peer *peer = &bus->peers[bus->round++ % bus->peer_count];
		if (strcmp(peer->entry.stage, stage) == 0 && peer_tell(bus, peer, item))
			return true;
	}
	return false;
}

size_t bus_tell_all(struct bus *bus, const char *stage, struct bus_item item)
{
	size_t told = 0;
	for (size_t i = 0; i < bus->peer_count; i++)
		if (strcmp(bus->peers[i].entry.stage, stage) == 0)
			told += peer_tell(bus, &bus->peers[i], item);
	return told;
}

static bool bell_send(struct bus *bus, struct span to, struct bus_item item)
{
	return bus_part_send(bus->bell, to, true) == 0 &&
	       bus_part_send(bus->bell, item.frame, true) == 0 &&
	       bus_part_send(bus->bell, item.body, false) == 0;
}

/* By the way it came, or else to the instance of that name: `from` is the sender's instance on both. */
bool bus_reply(struct bus *bus, struct span from, struct bus_item item)
{
	char instance[64] = "";
	bool sent = bell_send(bus, from, item);
	bus_socket_used(bus, bus->bell);
	if (sent || from.n >= sizeof(instance))
		return sent;
	if (from.n)
		memcpy(instance, from.p, from.n);
	return bus_tell(bus, instance, item);
}
