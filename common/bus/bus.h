/*
 * bus: how programs hand work and hints to each other, over ZeroMQ. Nothing on it is the only copy of anything.
 *
 * Two shapes:
 *  - a HOP carries work by credit. The giver binds; each taker connects to every living giver of the hop and asks for
 *    one batch a lane at a time. A giver sends a batch (1–64 messages or 1 MB, whichever is first) only against a
 *    credit, live before bulk. A taker that stops holds one batch a lane. Hops: "raw" (fetcher and sender → parser),
 *    "facts" (parser → threader), "proposal" (threader → linker).
 *  - a BELL takes single messages (hints, reports, requests) to one named instance or to one or all of a stage. Never
 *    blocks; a full or absent peer drops the message and says so. Each process has one bell, and can answer the sender
 *    of what it took.
 *
 * Addresses come from the registry, which the stage library keeps (bus_self, bus_set_peers).
 * ipc:// on one host (<dir>/bus/<instance>.<hop|bell>, mode 0750; /tmp/mailweave-<uid>-<hash>/ when that is too long for
 * a Unix socket), tcp:// between hosts. ZMQ_IMMEDIATE, no linger, small high-water marks. Not thread-safe: one thread a
 * bus. All sockets share one readiness descriptor (edge-triggered: after it fires call bus_process until it returns
 * false).
 */
#ifndef MW_BUS_BUS_H
#define MW_BUS_BUS_H

#include "common/base/err.h"
#include "common/base/span.h"
#include "common/wire/wire.h"

struct bus;

#define BUS_BATCH_MAX 64
#define BUS_BATCH_BYTES (1u << 20)

struct bus_options {
	const char *stage; /* "parser" */
	const char *instance; /* "parser-1" */
	const char *mode; /* "ipc" or "tcp:<address>" */
	const char *dir; /* state directory */
	const char *giver_of; /* hop this process gives to, or NULL */
	const char *taker_of; /* hop this process takes from, or NULL */
};

/* One message of a batch: a wire frame, and optionally the bytes that belong to it (second frame). */
struct bus_item {
	struct span frame;
	struct span body; /* n 0: none */
};

struct bus_handlers {
	void *ctx;
	/* A batch of the hop this process takes from: one lane, count ≥ 1. Spans live until the handler returns. When the
	 * process has finished with it (now or later) it calls bus_credit(bus, lane) to ask for the next. */
	void (*batch)(void *ctx, unsigned lane, const struct bus_item *items, size_t count);
	/* A message on the bell. from: opaque, for bus_reply, valid until the handler returns (copy it to keep it). */
	void (*bell)(void *ctx, struct span from, struct bus_item item);
	/* An instance of a stage came (or was there at start) or left the registry. */
	void (*peer)(void *ctx, const char *stage, const char *instance, bool here);
	/* A taker has credit for this lane and the giver's queue is empty: hand over with bus_give, if there is anything. */
	void (*wanted)(void *ctx, unsigned lane);
};

MUST_USE enum err_code bus_open(const struct bus_options *options,
				const struct bus_handlers *handlers, struct bus **bus_out,
				struct err *e);
void bus_close(struct bus **bus); /* not from a handler */
/* Readiness for poll/epoll/uv_poll (readable); see above. */
int bus_fd(const struct bus *bus);
/* Handles what is there, calling the handlers; true if there may be more. Never blocks. */
bool bus_process(struct bus *bus);
/* Blocks until something is there or timeout_ms passed, then processes all of it. extra_fd (-1 none) also wakes it. */
void bus_wait(struct bus *bus, int64_t timeout_ms, int extra_fd);

/* Queues a message for the hop's takers (copied). The queue is this process's memory: callers keep it short by their
 * window or by not taking more (bus_queued). A batch goes out when a credit is there: bus_flush at the end of a turn. */
void bus_give(struct bus *bus, unsigned lane, struct bus_item item);
size_t bus_queued(const struct bus *bus, unsigned lane);
void bus_flush(struct bus *bus);
/* Asks every giver for one more batch in this lane (call once at start for each lane, then once per finished batch). */
void bus_credit(struct bus *bus, unsigned lane);

/* To one instance; to any one of a stage (round robin); to all of a stage. False: nobody there, or its queue is full. */
bool bus_tell(struct bus *bus, const char *instance, struct bus_item item);
bool bus_tell_one(struct bus *bus, const char *stage, struct bus_item item);
size_t bus_tell_all(struct bus *bus, const char *stage, struct bus_item item);
bool bus_reply(struct bus *bus, struct span from, struct bus_item item);

/* What the registry holds of a process. The registry itself (Redis) is the stage library's: it publishes bus_self once a
 * second and hands the living instances to bus_set_peers, which connects and disconnects and calls the peer handler. */
struct bus_entry {
	char stage[16], instance[64];
	char hop_endpoint[192]; /* `<hop>@<endpoint>`, or empty: for the bus alone to read */
	char bell_endpoint[192], host[64];
	uint64_t pid, wire_version, metrics_port, started_ms;
};
void bus_self(const struct bus *bus, struct bus_entry *entry_out);
/* All living instances; our own name among them is passed over. One that was started anew under its old name leaves and
 * comes. */
void bus_set_peers(struct bus *bus, const struct bus_entry *entries, size_t count);
/* Live instances as last read. For one stage, or all with NULL. Returns the count; at most max are written. */
size_t bus_peers(const struct bus *bus, const char *stage, struct bus_entry *entries_out,
		 size_t max);

#endif
