/*
 * server: the API's HTTP server. Two threads of libmicrohttpd (epoll) read requests and write answers; handlers run on
 * workers while their connection is suspended, so a slow answer holds up no other connection.
 */
#ifndef MW_GATEWAY_SERVER_H
#define MW_GATEWAY_SERVER_H

#include "common/base/err.h"
#include "gateway/app.h"

struct server;

/* Listens on app->conf->listen; *port_out is the real port. app->streams is made by this. */
MUST_USE enum err_code server_start(struct app *app, struct server **server_out, uint16_t *port_out,
				    struct err *e);
/* Takes no new connections; ends the streams. */
void server_drain(struct server *server);
/* No request is being worked on. */
bool server_idle(struct server *server);
/* Every turn of the main loop: wakes streams that are due. */
void server_tick(struct server *server, int64_t now_mono_ms);
/* Finishes what is being worked on, closes all connections. */
void server_stop(struct server **server);

#endif
