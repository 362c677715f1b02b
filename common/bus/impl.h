/*
 * impl: what the files of the bus share. Who does what:
 *
 *   socket.c  one ZeroMQ socket: options, epoll, sending and receiving in parts     endpoint.c  where to bind
 *   giver.c   ROUTER of the hop we give to: takers, their credit, the queue         peers.c     who lives
 *   taker.c   one DEALER for each giver of the hop we take from                     bus.c       open, turn, close
 *   bell.c    ROUTER for our bell, one DEALER for each instance we told something
 *
 * On a hop (all heads are packed arrays):
 *
 *   taker → giver  [1, session, received live, allowed live, received bulk, allowed bulk]
 *   giver → taker  [2, lane, number, count] then count times: frame, body (may be empty)
 *   giver → taker  [3, sent live, sent bulk]
 *
 * Batches are numbered per taker and lane. `received` is the last number that arrived, `allowed` the highest the taker has
 * room for: it is absolute, so the taker can tell it again at any time (it does, once a second) and a credit can be
 * neither lost nor doubled. A giver that does not know the session goes on from `received`. A giver that has sent more
 * than was received answers with 3: behind the batches in the same pipe, so what is missing then was lost with a
 * connection, and the taker counts it as received. (The ledger drives what was in it again.)
 */
#ifndef MW_BUS_IMPL_H
#define MW_BUS_IMPL_H

#include <zmq.h>

#include "common/bus/bus.h"

#define BUS_TELL_MS 1000 /* how often a taker repeats its credit */
#define BUS_FRESH_MS 3000 /* a taker silent for longer gets no batch */
#define BUS_HOP_HWM 64
#define BUS_BELL_HWM 1024
#define BUS_PART_MAX (68 << 20)
#define BUS_PARTS_MAX (1 + 2 * BUS_BATCH_MAX)
#define BUS_PEERS_MAX 1024
#define BUS_TURN_MAX 256 /* messages of one socket handled before the others have their turn */

/* Embedded first in everything that has a socket. */
struct bus_socket {
	void *zmq; /* NULL: closed, freed at the end of the turn */
	int fd;
	bool recheck; /* may have events although its descriptor says nothing: we used it since */
	bool waits; /* has something to send as soon as that is possible */
	/* Handles one message (or becoming writable); true if there may be more. */
	bool (*ready)(struct bus *bus, struct bus_socket *socket);
	struct bus_socket *next;
};

struct bus_batch { /* received, or handed to the program and not credited again */
	struct bus_batch *next;
	uint64_t link; /* serial of the link it came by */
	zmq_msg_t *parts; /* count times frame, body; NULL once handed over */
	size_t count;
};

struct bus_batches {
	struct bus_batch *first, **last;
};
struct bus_link { /* to one giver */
	struct bus_socket socket;
	uint64_t serial, session;
	uint64_t received[WIRE_LANES], allowed[WIRE_LANES];
};

struct bus_letter { /* frame and body, owned */
	struct bus_letter *next;
	zmq_msg_t frame, body;
	size_t bytes;
};

struct bus_letters {
	struct bus_letter *first, **last;
	size_t count;
};
struct bus_line { /* our way to one instance's bell */
	struct bus_socket socket;
	char instance[64];
	struct bus_letters
		waiting; /* until it is connected for the first time, for at most BUS_TELL_MS */
	int64_t opened_ms;
	bool connected; /* was once */
};

struct bus_peer {
	struct bus_entry entry;
	struct bus_link *link; /* if it gives the hop we take from */
	struct bus_line *line; /* once we told it something */
	bool seen;
};

struct bus_giver {
	struct bus_socket socket;
	struct bus_letters queue[WIRE_LANES];
	struct bus_client *clients; /* takers we know */
	uint64_t order; /* of arrival of credits */
	bool asked[WIRE_LANES];
};

struct bus {
	void *zmq;
	int epoll_fd, kick_fd;
	unsigned busy; /* inside a handler: sockets must not be freed */
	bool crowded; /* more sockets are ready than were asked for */
	uint64_t handled;
	int64_t told_ms;
	char stage[16], instance[64], hop_out[16], hop_in[16], host[64];
	char hop_endpoint[192], bell_endpoint[192]; /* as published */
	uint64_t hop_inode, bell_inode;
	int64_t started_ms;
	struct bus_handlers handlers;
	struct bus_socket *sockets, *closed;
	struct bus_giver *giver;
	struct bus_socket *bell;
	struct bus_peer *peers;
	size_t peer_count, round;
	uint64_t serial;
	bool taking[WIRE_LANES];
	struct bus_batches waiting[WIRE_LANES], held[WIRE_LANES];
};

#endif
