/* socket: one ZeroMQ socket of the bus, with its options and its place in the epoll set. Nothing here ever blocks. */
#ifndef MW_BUS_SOCKET_H
#define MW_BUS_SOCKET_H

#include "common/bus/impl.h"

/* tcp adds keep-alive and heartbeats. Sets zmq, fd and next; ready is the caller's. Aborts when out of descriptors. */
void bus_socket_open(struct bus *bus, struct bus_socket *socket, int type, int high_water,
		     bool tcp);
/* Closes it and lets socket, which is the start of a malloc'd struct, be freed when no handler runs any more. */
void bus_socket_close(struct bus *bus, struct bus_socket *socket);
void bus_socket_reap(struct bus *bus);
/*
 * To be called after every use outside of `ready`, and after those that fail too: whatever ZeroMQ is asked, it may swallow
 * the event that the descriptor would have shown, and shows no other before that one was acted on.
 */
void bus_socket_used(struct bus *bus, struct bus_socket *socket);
/* Something can be read, or sent that waits. */
bool bus_socket_has_work(const struct bus_socket *socket);
int bus_socket_events(const struct bus_socket *socket); /* ZMQ_POLLIN | ZMQ_POLLOUT */

/* Copies s. 0, or the errno. more: another part follows. */
int bus_part_send(struct bus_socket *socket, struct span s, bool more);
/* Gives msg away; on failure it is still the caller's. */
int bus_part_give(struct bus_socket *socket, zmq_msg_t *msg, bool more);
/*
 * Receives all parts of one message. Returns how many (0: nothing there); those past max are dropped, and then the
 * count is max + 1. The caller closes the first min(count, max).
 */
size_t bus_parts_recv(struct bus_socket *socket, zmq_msg_t *parts, size_t max);
void bus_parts_close(zmq_msg_t *parts, size_t count);
struct span bus_part_span(zmq_msg_t *part);

void bus_letters_init(struct bus_letters *letters);
void bus_letters_put(struct bus_letters *letters, struct bus_item item); /* copies */
struct bus_letter *bus_letters_take(struct bus_letters *letters); /* NULL if empty */
void bus_letter_free(struct bus_letter *letter);
void bus_letters_fini(struct bus_letters *letters);

#endif
