#include "common/bus/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bus: %s: %s\n", what, zmq_strerror(zmq_errno()));
	abort();
}

static void option(void *zmq, int name, int value)
{
	must(zmq_setsockopt(zmq, name, &value, sizeof(value)) == 0, "zmq_setsockopt");
}

static void options_set(void *zmq, int type, int high_water, bool tcp)
{
	int64_t largest = BUS_PART_MAX;
	option(zmq, ZMQ_LINGER, 0);
	option(zmq, ZMQ_IMMEDIATE, 1);
	option(zmq, ZMQ_SNDHWM, high_water);
	option(zmq, ZMQ_RCVHWM, high_water);
	must(zmq_setsockopt(zmq, ZMQ_MAXMSGSIZE, &largest, sizeof(largest)) == 0, "zmq_setsockopt");
	if (type == ZMQ_ROUTER) {
		option(zmq, ZMQ_ROUTER_MANDATORY, 1);
		option(zmq, ZMQ_ROUTER_HANDOVER, 1);
	}
	if (tcp) {
		option(zmq, ZMQ_IPV6, 1);
		option(zmq, ZMQ_TCP_KEEPALIVE, 1);
		option(zmq, ZMQ_HEARTBEAT_IVL, 1000);
		option(zmq, ZMQ_HEARTBEAT_TIMEOUT, 3000);
	}
}

void bus_socket_open(struct bus *bus, struct bus_socket *socket, int type, int high_water, bool tcp)
{
	size_t n = sizeof(socket->fd);
	socket->zmq = zmq_socket(bus->zmq, type);
	must(socket->zmq != NULL, "zmq_socket");
	options_set(socket->zmq, type, high_water, tcp);
	must(zmq_setsockopt(socket->zmq, ZMQ_ROUTING_ID, bus->instance, strlen(bus->instance)) == 0,
	     "zmq_setsockopt");
	must(zmq_getsockopt(socket->zmq, ZMQ_FD, &socket->fd, &n) == 0, "zmq_getsockopt");
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = socket};
	must(epoll_ctl(bus->epoll_fd, EPOLL_CTL_ADD, socket->fd, &event) == 0, "epoll_ctl");
	socket->recheck = true;
	socket->next = bus->sockets;
	bus->sockets = socket;
}

void bus_socket_close(struct bus *bus, struct bus_socket *socket)
{
	struct bus_socket **at = &bus->sockets;
	while (*at != socket)
		at = &(*at)->next;
	*at = socket->next;
	epoll_ctl(bus->epoll_fd, EPOLL_CTL_DEL, socket->fd, NULL);
	zmq_close(socket->zmq);
	socket->zmq = NULL;
	socket->next = bus->closed;
	bus->closed = socket;
	bus_socket_reap(bus);
}

void bus_socket_reap(struct bus *bus)
{
	while (!bus->busy && bus->closed) {
		struct bus_socket *socket = bus->closed;
		bus->closed = socket->next;
		free(socket);
	}
}

bool bus_socket_has_work(const struct bus_socket *socket)
{
	return bus_socket_events(socket) & (ZMQ_POLLIN | (socket->waits ? ZMQ_POLLOUT : 0));
}

void bus_socket_used(struct bus *bus, struct bus_socket *socket)
{
	static const uint64_t one = 1;
	socket->recheck = true;
	if (!bus->busy && bus_socket_has_work(socket)) {
		ssize_t n = write(bus->kick_fd, &one, sizeof(one));
		(void)n; /* full: it is readable already */
	}
}

int bus_socket_events(const struct bus_socket *socket)
{
	int events = 0;
	size_t n = sizeof(events);
	while (zmq_getsockopt(socket->zmq, ZMQ_EVENTS, &events, &n) < 0)
		must(zmq_errno() == EINTR, "ZMQ_EVENTS");
	return events;
}

int bus_part_give(struct bus_socket *socket, zmq_msg_t *msg, bool more)
{
	while (zmq_msg_send(msg, socket->zmq, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) < 0)
		if (zmq_errno() != EINTR)
			return zmq_errno();
	return 0;
}

static void msg_copy(zmq_msg_t *msg, struct span s)
{
	must(zmq_msg_init_size(msg, s.n) == 0, "zmq_msg_init_size");
	if (s.n)
		memcpy(zmq_msg_data(msg), s.p, s.n);
}

int bus_part_send(struct bus_socket *socket, struct span s, bool more)
{
	zmq_msg_t msg;
	msg_copy(&msg, s);
	int error = bus_part_give(socket, &msg, more);
	if (error)
		zmq_msg_close(&msg);
	return error;
}

static bool part_recv(struct bus_socket *socket, zmq_msg_t *part)
{
	zmq_msg_init(part);
	while (zmq_msg_recv(part, socket->zmq, ZMQ_DONTWAIT) < 0) {
		if (zmq_errno() == EINTR)
			continue;
		zmq_msg_close(part);
		return false;
	}
	return true;
}

size_t bus_parts_recv(struct bus_socket *socket, zmq_msg_t *parts, size_t max)
{
	size_t count = 0;
	bool more = true;
	while (more) {
		zmq_msg_t part;
		if (!part_recv(socket, &part))
			return count; /* only before the first: parts of a message arrive together */
		more = zmq_msg_more(&part);
		if (count < max) {
			zmq_msg_init(&parts[count]);
			zmq_msg_move(&parts[count], &part);
		}
		zmq_msg_close(&part);
		if (count <= max)
			count++;
	}
	return count;
}

void bus_parts_close(zmq_msg_t *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		zmq_msg_close(&parts[i]);
}

struct span bus_part_span(zmq_msg_t *part)
{
	return span_make(zmq_msg_data(part), zmq_msg_size(part));
}

void bus_letters_init(struct bus_letters *letters)
{
	*letters = (struct bus_letters){.last = &letters->first};
}

void bus_letters_put(struct bus_letters *letters, struct bus_item item)
{
	struct bus_letter *letter = malloc(sizeof(*letter));
	must(letter != NULL, "malloc");
	letter->next = NULL;
	letter->bytes = item.frame.n + item.body.n;
	msg_copy(&letter->frame, item.frame);
	msg_copy(&letter->body, item.body);
	*letters->last = letter;
	letters->last = &letter->next;
	letters->count++;
}

struct bus_letter *bus_letters_take(struct bus_letters *letters)
{
	struct bus_letter *letter = letters->first;
	if (!letter)
		return NULL;
	letters->first = letter->next;
	if (!letters->first)
		letters->last = &letters->first;
	letters->count--;
	return letter;
}

void bus_letter_free(struct bus_letter *letter)
{
	zmq_msg_close(&letter->frame); /* an emptied one after it was given away */
	zmq_msg_close(&letter->body);
	free(letter);
}

void bus_letters_fini(struct bus_letters *letters)
{
	struct bus_letter *letter;
	while ((letter = bus_letters_take(letters)))
		bus_letter_free(letter);
}
