/*
 * imap_conn: one connection to an IMAP server, over mailconn: commands with tags, many outstanding; answers in any order.
 *
 *   imap_conn_open(net, &target, &handlers) … handlers.ready: logged in, capabilities known, extensions enabled
 *   imap_conn_command(conn, done, ctx, arg, "UID FETCH %u:* (UID FLAGS)", next)
 *
 * The handlers are called from the loop, never from within the calls below. After `closed` (once; also for a failed
 * login) nothing more is called; the owner then calls imap_conn_free, as it may at any other time.
 */
#ifndef MW_FETCHER_IMAP_CONN_H
#define MW_FETCHER_IMAP_CONN_H

#include "fetcher/imap_resp.h"
#include "common/mailconn/loop.h"

#define IMAP_COMMANDS_MAX 64

enum imap_cap {
	IMAP_CAP_IDLE = 1u << 0,
	IMAP_CAP_ID = 1u << 1,
	IMAP_CAP_ENABLE = 1u << 2,
	IMAP_CAP_CONDSTORE = 1u << 3,
	IMAP_CAP_QRESYNC = 1u << 4,
	IMAP_CAP_ESEARCH = 1u << 5,
	IMAP_CAP_LIST_STATUS = 1u << 6,
	IMAP_CAP_SPECIAL_USE = 1u << 7,
	IMAP_CAP_LITERAL_PLUS = 1u << 8,
	IMAP_CAP_UIDPLUS = 1u << 9,
	IMAP_CAP_LIST_EXTENDED = 1u << 10,
	IMAP_CAP_COMPRESS = 1u << 11,
	IMAP_CAP_NAMESPACE = 1u << 12,
	IMAP_CAP_NOTIFY = 1u << 13,
	IMAP_CAP_OBJECTID = 1u << 14, /* RFC 8474 */
	IMAP_CAP_GMAIL = 1u << 15, /* X-GM-EXT-1 */
	IMAP_CAP_UTF8 = 1u << 16, /* RFC 9755 */
	IMAP_CAP_UTF8_ONLY = 1u << 20,
	IMAP_CAP_REV1 = 1u << 21,
	IMAP_CAP_REV2 = 1u << 17, /* RFC 9051 */
	IMAP_CAP_PARTIAL = 1u << 18, /* RFC 9394 */
	IMAP_CAP_LITERAL_MINUS = 1u << 19, /* RFC 7888 */
	IMAP_CAP_MOVE = 1u << 22,
};

struct imap_conn;

typedef void imap_done(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		       uint64_t arg);

struct imap_handlers {
	void *ctx;
	int64_t silence_ms; /* no byte for so long while an answer is due: the connection is dead */
	void (*ready)(void *ctx, struct imap_conn *conn);
	/* Everything that is not tagged. */
	void (*untagged)(void *ctx, struct imap_conn *conn, const struct imap_resp *resp);
	/* A message of so many octets begins. False: no room now; nothing more is read until imap_conn_resume. */
	bool (*body_begin)(void *ctx, struct imap_conn *conn, uint64_t bytes);
	/* Where the next octets of the body are wanted, *n_out of them at least; NULL: anywhere. What is read to there
	 * comes as body_data like all the rest. */
	uint8_t *(*body_place)(void *ctx, struct imap_conn *conn, uint64_t *n_out);
	void (*body_data)(void *ctx, struct imap_conn *conn, struct span data);
	void (*closed)(void *ctx, struct imap_conn *conn, const struct err *e);
	/* Something came or went; last of what is called for it. */
	void (*turned)(void *ctx, struct imap_conn *conn);
};

struct imap_conn *imap_conn_open(struct mailconn_loop *net, const struct mailconn_target *target,
				 const struct imap_handlers *handlers);
void imap_conn_free(struct imap_conn **conn);
/* Right after opening: compress (RFC 4978) if the server offers it and a round trip takes at least so long. */
void imap_conn_compress(struct imap_conn *conn, int64_t round_trip_ms);
unsigned imap_conn_caps(const struct imap_conn *conn);
/* Are mailbox names UTF-8 on this connection, as the server has agreed, and not modified UTF-7? */
bool imap_conn_utf8(const struct imap_conn *conn);
const char *imap_conn_cap_words(const struct imap_conn *conn);
const char *imap_conn_tls(const struct imap_conn *conn);
/* Of a connection that died: was it in the body of a message that we took? As imap_scanner_in_message. */
bool imap_conn_in_message(const struct imap_conn *conn, uint32_t *uid_out);
/* Bytes read since the last call, as they were on the wire within TLS. */
uint64_t imap_conn_bytes(struct imap_conn *conn);

/* Queues a command (without tag and line end); at most IMAP_COMMANDS_MAX may be outstanding. done may be NULL. */
void imap_conn_command(struct imap_conn *conn, imap_done *done, void *ctx, uint64_t arg,
		       const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same with a message as literal at its end (APPEND). The message is copied. */
void imap_conn_append(struct imap_conn *conn, imap_done *done, void *ctx, uint64_t arg,
		      struct span command, struct span message);
size_t imap_conn_outstanding(const struct imap_conn *conn);
/* IDLE, until imap_conn_idle_end; done is called with the tagged answer. No command may be queued in between. */
void imap_conn_idle(struct imap_conn *conn, imap_done *done, void *ctx);
void imap_conn_idle_end(struct imap_conn *conn);
/* After body_begin said no: asks again. */
void imap_conn_resume(struct imap_conn *conn);
/* Once a second or so: notices a silent server. */
void imap_conn_tick(struct imap_conn *conn, int64_t now_mono_ms);
/* When silence becomes too long, mono; INT64_MAX while the server owes nothing. */
int64_t imap_conn_due_ms(const struct imap_conn *conn);

/* A mailbox's path as quoted string, as names are written on this connection. False if it holds what none can (CR, LF, NUL). */
bool imap_mailbox_put(const struct imap_conn *conn, struct buf *out, struct span path);

#endif
