/* Mail servers that say what a script says: stands in the place of common/mailconn. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fetcher/client_testbed.h"

#define MARK 1u
#define SLOTS 8
#define TAGS 64

struct mailconn {
	void (*done)(void *ctx, struct mailconn *conn, enum err_code code, const struct err *e);
	void *ctx;
	int fd; /* always readable: whoever has nothing to read is told so */
	bool told;
	uint32_t tags[TAGS]; /* of commands not answered */
	size_t tag_count;
	struct buf sent; /* a line that is not whole yet */
};

static struct {
	struct span script;
	uint64_t reads;
	struct mailconn *slots[SLOTS];
	size_t current;
} server;

void script_begin(struct span script)
{
	server.script = script;
	server.reads = 0;
	server.current = 0;
}

static void drop(size_t n)
{
	server.script = span_sub(server.script, n, server.script.n);
	server.reads++;
}

uint8_t script_take(void)
{
	const uint8_t first = server.script.n ? server.script.p[0] : 0;

	drop(1);
	return first;
}

bool script_ended(void)
{
	return server.script.n == 0;
}

uint64_t script_reads(void)
{
	return server.reads;
}

/* The sign the script stands at; 0: plain octets, or its end. */
static int sign(void)
{
	return server.script.n > 1 && server.script.p[0] == MARK ? server.script.p[1] : 0;
}

static void next(void)
{
	for (size_t i = 0; i < SLOTS; i++) {
		server.current = (server.current + 1) % SLOTS;
		if (server.slots[server.current])
			return;
	}
}

void server_skip(bool hard)
{
	if (hard && (sign() == 't' || sign() == 'o'))
		drop(2);
	else if (hard || !server.slots[server.current])
		next();
}

static void tell(struct mailconn *conn)
{
	struct err e;
	enum err_code code = ERR_OK;

	err_clear(&e);
	conn->told = true;
	if (sign() == 'f') {
		drop(2);
		code = err_set(&e, ERR_AUTH, ERR_ACCOUNT, "wrong_credentials", "not today");
	}
	conn->done(conn->ctx, conn, code, &e);
}

void server_turn(void)
{
	if (sign() == 'T') {
		drop(2);
		world_pass(30000);
	}
	for (size_t i = 0; i < SLOTS; i++)
		if (server.slots[i] && !server.slots[i]->told)
			tell(server.slots[i]);
}

struct mailconn *mailconn_open(struct mailconn_pool *pool, const struct mailconn_target *target,
			       void (*done)(void *ctx, struct mailconn *conn, enum err_code code,
					    const struct err *e),
			       void *ctx)
{
	struct mailconn *conn = calloc(1, sizeof(*conn));
	size_t i = 0;

	(void)pool;
	(void)target;
	while (i < SLOTS && server.slots[i])
		i++;
	if (!conn || i == SLOTS)
		abort(); /* an account has three connections at the most */
	server.slots[i] = conn;
	conn->done = done;
	conn->ctx = ctx;
	conn->fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	buf_init(&conn->sent, 1u << 20);
	return conn;
}

void mailconn_close(struct mailconn **at)
{
	struct mailconn *conn = *at;

	*at = NULL;
	if (!conn)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		if (server.slots[i] == conn)
			server.slots[i] = NULL;
	close(conn->fd);
	buf_fini(&conn->sent);
	free(conn);
}

int mailconn_fd(const struct mailconn *conn)
{
	return conn->fd;
}

int64_t mailconn_round_trip_us(const struct mailconn *conn)
{
	(void)conn;
	return 50000;
}

const char *mailconn_tls(const struct mailconn *conn)
{
	(void)conn;
	return "none";
}

void mailconn_expect(struct mailconn *conn, uint64_t bytes)
{
	(void)conn;
	(void)bytes;
}

enum err_code mailconn_loop_init(struct mailconn_loop *m, uv_loop_t *loop, struct err *e)
{
	(void)e;
	m->loop = loop;
	return ERR_OK;
}

void mailconn_loop_fini(struct mailconn_loop *m)
{
	(void)m;
}

/* ---- what the client says ---- */

static void take_line(struct mailconn *conn, struct span line)
{
	uint64_t tag;
	size_t end = span_find_byte(line, ' ');

	if (line.n > 1 && line.p[0] == 'a' && conn->tag_count < TAGS &&
	    span_to_u64(span_sub(line, 1, end - 1), UINT32_MAX, &tag))
		conn->tags[conn->tag_count++] = (uint32_t)tag;
}

enum err_code mailconn_send(struct mailconn *conn, struct span data, size_t *n_out, struct err *e)
{
	const uint8_t *end;

	(void)e;
	*n_out = data.n;
	buf_put_span(&conn->sent, data);
	while (conn->sent.n && (end = memchr(conn->sent.p, '\n', conn->sent.n)) != NULL) {
		const size_t n = (size_t)(end - conn->sent.p) + 1;

		take_line(conn, span_make(conn->sent.p, n));
		buf_consume(&conn->sent, n);
	}
	return ERR_OK;
}

/* ---- what the server says ---- */

static size_t put_tag(struct mailconn *conn, uint8_t *p, size_t room, const char *after)
{
	char text[40];
	int n;

	n = snprintf(text, sizeof(text), "a%u%s", conn->tags[0], after);
	memmove(conn->tags, conn->tags + 1, --conn->tag_count * sizeof(conn->tags[0]));
	if (n < 0 || (size_t)n > room)
		return 0;
	memcpy(p, text, (size_t)n);
	return (size_t)n;
}

static enum err_code plain(uint8_t *p, size_t room, size_t *n_out)
{
	size_t n = 1;

	while (n < server.script.n && n < room && server.script.p[n] != MARK)
		n++;
	memcpy(p, server.script.p, n);
	drop(n);
	*n_out = n;
	return ERR_OK;
}

static enum err_code closed(struct err *e)
{
	return err_set(e, ERR_PEER, ERR_ACCOUNT, "connection_closed", "cut");
}

enum err_code mailconn_recv(struct mailconn *conn, void *p, size_t n, size_t *n_out, struct err *e)
{
	const int what = sign();

	if (server.slots[server.current] != conn || script_ended() || what == 'T')
		return ERR_AGAIN;
	*n_out = 0;
	switch (what) {
	case 't':
	case 'o':
		if (conn->tag_count == 0)
			return ERR_AGAIN;
		*n_out = put_tag(conn, p, n, what == 't' ? "" : " OK done\r\n");
		break;
	case 'n':
		next();
		break;
	case 'w':
		break;
	case 'x':
	case 'f':
		drop(2);
		return closed(e);
	default:
		return plain(p, n, n_out);
	}
	drop(2);
	return *n_out ? ERR_OK : ERR_AGAIN;
}
