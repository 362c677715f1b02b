/* imap_conn_impl: what imap_conn.c (reading, life), imap_out.c (writing) and imap_start.c (the first
 * words) share. */
#ifndef MW_FETCHER_IMAP_CONN_IMPL_H
#define MW_FETCHER_IMAP_CONN_IMPL_H

#include "fetcher/imap_conn.h"
#include "fetcher/imap_deflate.h"

#define IMAP_OUT_MAX (64u << 20)
#define IMAP_START_MAX (16u << 10)

struct imap_command {
	imap_done *done;
	void *ctx;
	uint64_t arg;
	uint32_t tag;
	bool answered;
};

enum imap_idle { IMAP_IDLE_NONE = 0, IMAP_IDLE_ASKED, IMAP_IDLE_ON, IMAP_IDLE_ENDING };

struct imap_conn {
	struct mailconn_loop *net;
	struct mailconn *mail;
	struct imap_handlers handlers;
	struct imap_scanner scanner;
	uv_poll_t poll;
	uv_idle_t again; /* runs while TLS may hold bytes that the descriptor does not show */
	struct imap_command commands[IMAP_COMMANDS_MAX];
	size_t first, count;
	struct buf out; /* to be written */
	struct imap_deflate *deflate; /* NULL: plain */
	struct buf wire; /* out, compressed, to be written */
	struct buf held; /* what follows a literal that the server must ask for */
	struct buf start; /* bytes before our first answer */
	struct buf rest; /* read, not yet scanned: while paused */
	char cap_words[512];
	unsigned caps;
	enum imap_idle idle;
	uint32_t tag;
	uint64_t bytes;
	int64_t last_ms;
	int64_t compress_ms; /* from such a round trip on */
	int watched; /* events that the loop waits for */
	int handles; /* that libuv has not let go of */
	bool polling, started, paused, holding, in_turn, dead, freed, compress;
	bool rev2, utf8; /* agreed with the server */
};

/* The connection is of no more use: told once, to the owner. */
void imap_conn_die(struct imap_conn *conn, const struct err *e);
void imap_conn_die_of(struct imap_conn *conn, const char *name, const char *text);
/* Begins the dialogue; it ends in handlers.ready. */
void imap_start(struct imap_conn *conn);
/* A list of capabilities came; of those that are in force now. */
void imap_start_caps(struct imap_conn *conn, struct span words);
void imap_start_enabled(struct imap_conn *conn, struct span words);
/* Sends what there is until the socket is full. */
void imap_conn_flush(struct imap_conn *conn);
/* Lets the loop call the connection soon, without waiting for its descriptor. */
void imap_conn_schedule(struct imap_conn *conn);

#endif
