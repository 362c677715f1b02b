/*
 * bus_client: the one file that touches the bus. Worker threads put bells and render requests into a queue; the main
 * loop's thread, which owns the bus, sends them and hands answers back.
 */
#ifndef MW_GATEWAY_BUS_CLIENT_H
#define MW_GATEWAY_BUS_CLIENT_H

#include "common/bus/bus.h"
#include "common/wire/wire.h"
#include "gateway/app.h"

struct bus_client *bus_client_new(struct bus *bus);
/* The streams that "events" wakes; set once, before requests run. */
void bus_client_streams(struct bus_client *client, struct http_streams *streams);
/* The webhooks that "events" wakes; likewise. */
void bus_client_webhooks(struct bus_client *client, struct webhook_loop *webhooks);
/* Requests that wait get ERR_TEMP. */
void bus_client_free(struct bus_client **client);

/* Any thread; never blocks. topic: "journal" (to linkers), "accounts" and "ledger" (fetchers), "outbox" (senders), "events"
 * (gateways, this one included). company and account may be empty. */
void bus_client_ring(struct bus_client *client, const char *topic, struct span company,
		     struct span account);
/*
 * A worker's thread; blocks until a parser answered or wait_ms passed (ERR_TEMP). m->request is set here. rendered_out's
 * spans lie in the arena; bytes_out gets the answer's second frame. ERR_TEMP also if no parser lives. status is the
 * parser's: look at it.
 */
MUST_USE enum err_code bus_client_request(struct bus_client *client, struct wire_render *m,
					  struct span raw, int64_t wait_ms, struct arena *arena,
					  struct wire_rendered *rendered_out, struct buf *bytes_out,
					  struct err *e);

/* For main.c: the queue's descriptor for bus_wait, what a turn does, and the bell's handler. */
int bus_client_fd(const struct bus_client *client);
void bus_client_turn(struct bus_client *client);
void bus_client_bell(void *client, struct span from, struct bus_item item);

#endif
