/* What goes to an IMAP server: commands with tags, literals, IDLE and its end. */
#include <stdarg.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "fetcher/imap_conn_impl.h"
#include "fetcher/mailbox_name.h"

#define NAME_BYTES_MAX 4096u
#define LITERAL_MINUS_MAX 4096u /* RFC 7888 section 5 */

/* Large only while a message goes out. */
static void shrink(struct buf *b)
{
	const size_t max = b->max;

	if (b->n == 0 && b->cap > IMAP_START_MAX) {
		buf_fini(b);
		buf_init(b, max);
	}
}

void imap_conn_flush(struct imap_conn *conn)
{
	struct buf *wire = conn->deflate ? &conn->wire : &conn->out;
	struct err e;
	size_t taken;

	if (conn->deflate)
		imap_deflate_put(conn->deflate, &conn->out, wire);
	while (!conn->dead && wire->n > 0) {
		enum err_code code = mailconn_send(conn->mail, buf_span(wire), &taken, &e);

		if (code == ERR_AGAIN)
			return;
		if (code != ERR_OK) {
			imap_conn_die(conn, &e);
			return;
		}
		buf_consume(wire, taken);
	}
	shrink(&conn->out);
	shrink(&conn->wire);
}

static struct buf *sink(struct imap_conn *conn)
{
	return conn->holding ? &conn->held : &conn->out;
}

static void push_command(struct imap_conn *conn, imap_done *done, void *ctx, uint64_t arg)
{
	struct imap_command *command;

	if (conn->count == IMAP_COMMANDS_MAX)
		abort();
	command = &conn->commands[(conn->first + conn->count++) % IMAP_COMMANDS_MAX];
	*command = (struct imap_command){done, ctx, arg, ++conn->tag, false};
	if (conn->count == 1)
		conn->last_ms = clock_mono_ms();
	buf_printf(sink(conn), "a%u ", command->tag);
}

void imap_conn_command(struct imap_conn *conn, imap_done *done, void *ctx, uint64_t arg,
		       const char *format, ...)
{
	struct buf *out = sink(conn);
	char text[512];
	va_list args;
	int n;

	push_command(conn, done, ctx, arg);
	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(text)) {
		buf_put(out, text, (size_t)n);
	} else if (n > 0) {
		uint8_t *room = buf_reserve(out, (size_t)n + 1);

		if (!room)
			abort();
		va_start(args, format);
		vsnprintf((char *)room, (size_t)n + 1, format, args);
		va_end(args);
		out->n += (size_t)n;
	}
	buf_put_cstr(out, "\r\n");
	imap_conn_schedule(conn);
}

void imap_conn_append(struct imap_conn *conn, imap_done *done, void *ctx, uint64_t arg,
		      struct span command, struct span message)
{
	const bool plus = conn->caps & IMAP_CAP_LITERAL_PLUS ||
			  (conn->caps & IMAP_CAP_LITERAL_MINUS && message.n <= LITERAL_MINUS_MAX);

	push_command(conn, done, ctx, arg);
	buf_put_span(sink(conn), command);
	buf_printf(sink(conn), plus ? " {%zu+}\r\n" : " {%zu}\r\n", message.n);
	if (!plus)
		conn->holding = true;
	buf_put_span(sink(conn), message);
	buf_put_cstr(sink(conn), "\r\n");
	imap_conn_schedule(conn);
}

size_t imap_conn_outstanding(const struct imap_conn *conn)
{
	return conn->count;
}

void imap_conn_idle(struct imap_conn *conn, imap_done *done, void *ctx)
{
	imap_conn_command(conn, done, ctx, 0, "IDLE");
	conn->idle = IMAP_IDLE_ASKED;
}

void imap_conn_idle_end(struct imap_conn *conn)
{
	if (conn->idle == IMAP_IDLE_ON) {
		buf_put_cstr(sink(conn), "DONE\r\n");
		conn->last_ms = clock_mono_ms();
		imap_conn_schedule(conn);
	}
	if (conn->idle != IMAP_IDLE_NONE)
		conn->idle = IMAP_IDLE_ENDING;
}

/* Any octets but those that no quoted string has. */
static bool quoted_put(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
			return false;
	buf_put_quoted(out, s);
	return true;
}

bool imap_mailbox_put(const struct imap_conn *conn, struct buf *out, struct span path)
{
	struct span name = path;
	struct buf text;
	bool good;

	buf_init(&text, NAME_BYTES_MAX);
	if (conn->utf8) {
		mailbox_name_to_utf8(path, &text);
		name = buf_span(&text);
	}
	good = quoted_put(out, name);
	buf_fini(&text);
	return good;
}
