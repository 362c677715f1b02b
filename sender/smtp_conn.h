/*
 * smtp_conn: one connection to an SMTP server: the dialog over mailconn, with a deadline for every phase. One message at a
 * time, many after each other. The handlers are called from the loop; but for smtp_conn_hand_over, which may call done, never
 * from within the calls below.
 */
#ifndef MW_SENDER_SMTP_CONN_H
#define MW_SENDER_SMTP_CONN_H

#include "common/mailconn/loop.h"
#include "sender/smtp_dialog.h"

#define SMTP_HAND_OVER_MS \
	5000 /* from asking for the hand-over to the last five octets (DESIGN: else close) */

struct smtp_conn;

struct smtp_limits {
	int64_t reply_ms; /* for an answer, and for the server to take a piece of the message */
	int64_t final_ms; /* for the answer to the last five octets */
};

struct smtp_conn_handlers {
	void *ctx;
	/* All but the last five octets went out, and all but what is in flight was acknowledged: smtp_conn_hand_over is due
	 * within SMTP_HAND_OVER_MS, from within or later; else the connection is closed instead. */
	void (*hand_over)(void *ctx);
	/* The server took the login: of the connection's first message, before anything is sent. */
	void (*logged_in)(void *ctx);
	/* Once. The envelope's recipients have their codes. login: not NULL if there was no connection at all. The connection
	 * may be freed or given the next message in it. */
	void (*done)(void *ctx, const struct smtp_result *result, const struct err *login);
};

/* Begins to connect. target's strings live until the first message is done. */
struct smtp_conn *smtp_conn_open(struct mailconn_loop *net, const struct mailconn_target *target,
				 const struct smtp_limits *limits);
/* Closes at once, with a QUIT if the server waits for a command. A message under way gets no result. */
void smtp_conn_free(struct smtp_conn **conn);
/* The envelope and what it points at live until done. Right after open, or while usable. */
void smtp_conn_send(struct smtp_conn *conn, const struct smtp_envelope *envelope,
		    const struct smtp_conn_handlers *handlers);
/* The hand-over that was asked for is durable: the last five octets go now; or it is not: the connection is closed instead.
 * Without effect if none is awaited any more: the connection was lost, or it is too late. */
void smtp_conn_hand_over(struct smtp_conn *conn, bool durable);
/* Logged in, no message under way, not closed by the server. */
bool smtp_conn_usable(const struct smtp_conn *conn);

#endif
