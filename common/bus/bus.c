#include "common/bus/bus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/code.h"
#include "common/bus/bell.h"
#include "common/bus/endpoint.h"
#include "common/bus/giver.h"
#include "common/bus/peers.h"
#include "common/bus/socket.h"
#include "common/bus/taker.h"

static struct bus *bus_new(const struct bus_options *options, const struct bus_handlers *handlers)
{
	struct bus *bus = calloc(1, sizeof(*bus));
	if (!bus || !(bus->peers = calloc(BUS_PEERS_MAX, sizeof(*bus->peers))) ||
	    !(bus->zmq = zmq_ctx_new()))
		abort();
	bus->handlers = *handlers;
	bus->started_ms = clock_wall_ms();
	snprintf(bus->stage, sizeof(bus->stage), "%s", options->stage);
	snprintf(bus->instance, sizeof(bus->instance), "%s", options->instance);
	snprintf(bus->hop_out, sizeof(bus->hop_out), "%s",
		 options->giver_of ? options->giver_of : "");
	snprintf(bus->hop_in, sizeof(bus->hop_in), "%s",
		 options->taker_of ? options->taker_of : "");
	gethostname(bus->host, sizeof(bus->host) - 1);
	for (unsigned lane = 0; lane < WIRE_LANES; lane++) {
		bus_batches_init(&bus->waiting[lane]);
		bus_batches_init(&bus->held[lane]);
	}
	zmq_ctx_set(bus->zmq, ZMQ_MAX_SOCKETS, 2 * BUS_PEERS_MAX + 16);
	bus->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	bus->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	if (bus->epoll_fd < 0 || bus->kick_fd < 0 ||
	    epoll_ctl(bus->epoll_fd, EPOLL_CTL_ADD, bus->kick_fd, &event) < 0)
		abort();
	return bus;
}

/* Binds and finds out where (tcp chooses a free port). */
static enum err_code socket_bind(struct bus_socket *socket, const char *endpoint, const char *hop,
				 char out[192], uint64_t *inode_out, struct err *e)
{
	char real[ENDPOINT_BYTES];
	size_t n = sizeof(real);
	if (zmq_bind(socket->zmq, endpoint) < 0 ||
	    zmq_getsockopt(socket->zmq, ZMQ_LAST_ENDPOINT, real, &n) < 0)
		return err_set(e, ERR_TEMP, ERR_PROCESS, "bus_bind", "bus: cannot bind %s: %s",
			       endpoint, zmq_strerror(zmq_errno()));
	*inode_out = bus_endpoint_inode(real);
	int length = snprintf(out, 192, "%s%s%s", hop, *hop ? "@" : "", real);
	if (length < 0 || length >= 192)
		return err_set(e, ERR_PERM, ERR_PROCESS, "bus_bind", "bus: endpoint too long: %s",
			       real);
	return ERR_OK;
}

static enum err_code sockets_open(struct bus *bus, const struct bus_options *options, struct err *e)
{
	char endpoint[ENDPOINT_BYTES];
	bool tcp = strcmp(options->mode, "ipc") != 0;
	enum err_code code = bus_endpoint_make(options, "bell", endpoint, e);
	if (code != ERR_OK)
		return code;
	bus->bell = bus_bell_new(bus, tcp);
	code = socket_bind(bus->bell, endpoint, "", bus->bell_endpoint, &bus->bell_inode, e);
	if (code != ERR_OK || !options->giver_of)
		return code;
	code = bus_endpoint_make(options, "hop", endpoint, e);
	if (code != ERR_OK)
		return code;
	bus->giver = bus_giver_new(bus, tcp);
	return socket_bind(&bus->giver->socket, endpoint, bus->hop_out, bus->hop_endpoint,
			   &bus->hop_inode, e);
}

enum err_code bus_open(const struct bus_options *options, const struct bus_handlers *handlers,
		       struct bus **bus_out, struct err *e)
{
	*bus_out = NULL;
	struct span instance = span_cstr(options->instance);
	if (!id_is_client(instance) || instance.n >= sizeof((*bus_out)->instance))
		return err_set(e, ERR_PERM, ERR_PROCESS, "bus_name",
			       "bus: an instance's name is 1 to 63 of A-Za-z0-9_.-: %s",
			       options->instance);
	struct bus *bus = bus_new(options, handlers);
	enum err_code code = sockets_open(bus, options, e);
	if (code == ERR_OK)
		*bus_out = bus;
	else
		bus_close(&bus);
	return code;
}

void bus_close(struct bus **bus_at)
{
	struct bus *bus = *bus_at;
	if (!bus)
		return;
	bus_endpoint_unlink(bus->bell_endpoint, bus->bell_inode);
	if (bus->hop_inode)
		bus_endpoint_unlink(bus_endpoint_of_hop(bus->hop_endpoint, bus->hop_out),
				    bus->hop_inode);
	bus_peers_close(bus);
	bus_giver_close(bus);
	if (bus->bell)
		bus_socket_close(bus, bus->bell);
	for (unsigned lane = 0; lane < WIRE_LANES; lane++) {
		bus_batches_fini(&bus->waiting[lane]);
		bus_batches_fini(&bus->held[lane]);
	}
	close(bus->kick_fd);
	close(bus->epoll_fd);
	while (zmq_ctx_term(bus->zmq) < 0 && zmq_errno() == EINTR)
		;
	free(bus->peers);
	free(bus);
	*bus_at = NULL;
}

int bus_fd(const struct bus *bus)
{
	return bus->epoll_fd;
}

void bus_self(const struct bus *bus, struct bus_entry *entry_out)
{
	*entry_out = (struct bus_entry){.pid = (uint64_t)getpid(),
					.wire_version = WIRE_VERSION,
					.started_ms = (uint64_t)bus->started_ms};
	memcpy(entry_out->stage, bus->stage, sizeof(bus->stage));
	memcpy(entry_out->instance, bus->instance, sizeof(bus->instance));
	memcpy(entry_out->hop_endpoint, bus->hop_endpoint, sizeof(bus->hop_endpoint));
	memcpy(entry_out->bell_endpoint, bus->bell_endpoint, sizeof(bus->bell_endpoint));
	memcpy(entry_out->host, bus->host, sizeof(bus->host));
}

/* Notes which sockets their descriptors call ready. */
static void readiness_note(struct bus *bus)
{
	struct epoll_event events[64];
	int count = epoll_wait(bus->epoll_fd, events, 64, 0);
	bus->crowded = count == 64;
	for (int i = 0; i < count; i++) {
		struct bus_socket *socket = events[i].data.ptr;
		uint64_t kicks;
		if (socket)
			socket->recheck = true;
		else if (read(bus->kick_fd, &kicks, sizeof(kicks)) < 0 && errno != EAGAIN)
			abort();
	}
}

static void sockets_turn(struct bus *bus)
{
	struct bus_socket *next;
	for (struct bus_socket *socket = bus->sockets; socket; socket = next) {
		if (!socket->zmq)
			return; /* a handler closed it: what is behind it stays marked for the next turn */
		next = socket->next;
		if (!socket->recheck)
			continue;
		socket->recheck = false;
		unsigned budget = BUS_TURN_MAX;
		while (socket->zmq && budget > 0 && socket->ready(bus, socket))
			budget--;
		if (!socket->zmq)
			return;
		socket->recheck = bus_socket_has_work(socket);
	}
}

static bool work_left(const struct bus *bus)
{
	for (const struct bus_socket *socket = bus->sockets; socket; socket = socket->next)
		if (socket->recheck)
			return true;
	return bus->crowded || bus->waiting[WIRE_LANE_LIVE].first ||
	       bus->waiting[WIRE_LANE_BULK].first;
}

static void timers_turn(struct bus *bus)
{
	int64_t now_ms = clock_mono_ms();
	bool due = now_ms - bus->told_ms >= BUS_TELL_MS;
	if (!due)
		return;
	bus->told_ms = now_ms;
	bus_links_tell(bus);
	bus_lines_tick(bus, now_ms);
}

bool bus_process(struct bus *bus)
{
	bus->busy++;
	readiness_note(bus);
	sockets_turn(bus);
	bus->handled += bus_batch_deliver(bus);
	timers_turn(bus); /* after everything was read: the credit told is the latest */
	if (bus->giver)
		bus_giver_serve(bus);
	bus->busy--;
	bus_socket_reap(bus);
	return work_left(bus);
}

/* Until what comes first: something on the bus, on extra_fd (then true), a timer of the bus, or the deadline. */
static bool sleep_until(struct bus *bus, int64_t deadline_ms, int extra_fd)
{
	int64_t now_ms = clock_mono_ms(), until_ms = bus->told_ms + BUS_TELL_MS;
	if (deadline_ms < until_ms)
		until_ms = deadline_ms;
	int64_t wait_ms = until_ms > now_ms ? until_ms - now_ms : 0;
	struct pollfd fds[2] = {{.fd = bus->epoll_fd, .events = POLLIN},
				{.fd = extra_fd, .events = POLLIN}};
	int count = poll(fds, extra_fd < 0 ? 1 : 2, (int)wait_ms);
	return count > 0 && fds[1].revents != 0;
}

void bus_wait(struct bus *bus, int64_t timeout_ms, int extra_fd)
{
	int64_t deadline_ms = clock_mono_ms() + (timeout_ms > 0 ? timeout_ms : 0);
	uint64_t before = bus->handled;
	bool extra = false;
	for (;;) {
		while (bus_process(bus))
			;
		if (extra || bus->handled != before || clock_mono_ms() >= deadline_ms)
			return;
		extra = sleep_until(bus, deadline_ms, extra_fd);
	}
}
