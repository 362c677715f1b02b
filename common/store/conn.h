/*
 * conn: one connection to one Redis server. hiredis connects and scans replies; sending and receiving are our own, so
 * that every wait ends at its deadline and a closed peer is an answer, not a signal.
 *
 * Any failure of send or receive closes the connection: what was sent and not answered may have happened or not.
 */
#ifndef MW_STORE_CONN_H
#define MW_STORE_CONN_H

#include "common/store/store.h"

struct conn;

/* address "unix:/path" or "tcp:host:port" (copied); the other strings are borrowed. Does not connect. */
struct conn *conn_new(const char *address, const char *password_file, const char *client_name);
void conn_free(struct conn **conn);
const char *conn_address(const struct conn *conn);
bool conn_is_open(const struct conn *conn);
/* Connects, authenticates and says its name. ERR_TEMP with the reason: closed again. */
MUST_USE enum err_code conn_open(struct conn *conn, int64_t deadline_ms, struct err *e);
void conn_close(struct conn *conn);
/* Adds a command to what the next send sends. */
void conn_append(struct conn *conn, const struct store_command *command);
MUST_USE enum err_code conn_send(struct conn *conn, int64_t deadline_ms, struct err *e);
/* The next reply in order. */
MUST_USE enum err_code conn_receive(struct conn *conn, struct arena *arena, int64_t deadline_ms,
				    struct store_reply *reply_out, struct err *e);

#endif
