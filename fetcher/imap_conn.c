#include "fetcher/imap_conn_impl.h"

#include <stdlib.h>

#include "common/base/clock.h"

#define READS_A_TURN 256
#define PLACED_MIN 4096u /* less of a body is read together with what follows it */

static void watch(struct imap_conn *conn);
static void turn_again(uv_idle_t *again);

void imap_conn_die(struct imap_conn *conn, const struct err *e)
{
	if (conn->dead)
		return;
	conn->dead = true;
	watch(conn);
	if (!conn->freed)
		conn->handlers.closed(conn->handlers.ctx, conn, e);
}

void imap_conn_die_of(struct imap_conn *conn, const char *name, const char *text)
{
	struct err e;

	if (err_set(&e, ERR_PEER, ERR_ACCOUNT, name, "%s", text) != ERR_OK)
		imap_conn_die(conn, &e);
}

/* Bytes go out from the loop, so that a failure is told from there and not from within the caller. */
void imap_conn_schedule(struct imap_conn *conn)
{
	if (!conn->dead)
		uv_idle_start(&conn->again, turn_again);
}

/* ---- reading ---- */

/* Servers may answer out of order (RFC 3501 5.5); Dovecot does, with NOOP before STATUS. */
static struct imap_command *find_command(struct imap_conn *conn, struct span tag)
{
	for (size_t i = 0; i < conn->count; i++) {
		struct imap_command *command =
			&conn->commands[(conn->first + i) % IMAP_COMMANDS_MAX];
		char text[16];

		snprintf(text, sizeof(text), "a%u", command->tag);
		if (!command->answered && span_eq(tag, span_cstr(text)))
			return command;
	}
	return NULL;
}

static void take_tagged(struct imap_conn *conn, const struct imap_resp *resp)
{
	struct imap_command *found = find_command(conn, resp->tag), command;

	if (!found) {
		imap_conn_die_of(conn, "protocol_error",
				 "an answer with a tag that was not asked for");
		return;
	}
	command = *found;
	found->answered = true;
	while (conn->count > 0 && conn->commands[conn->first].answered) {
		conn->first = (conn->first + 1) % IMAP_COMMANDS_MAX;
		conn->count--;
	}
	conn->idle = IMAP_IDLE_NONE; /* nothing is queued behind IDLE: any tagged answer ends it */
	if (conn->holding) { /* the literal was refused before it was sent */
		conn->holding = false;
		buf_clear(&conn->held);
	}
	if (command.done)
		command.done(command.ctx, conn, resp, command.arg);
}

static void take_continue(struct imap_conn *conn)
{
	if (conn->idle == IMAP_IDLE_ASKED) {
		conn->idle = IMAP_IDLE_ON;
	} else if (conn->idle == IMAP_IDLE_ENDING) {
		buf_put_cstr(&conn->out, "DONE\r\n");
	} else if (conn->holding) {
		conn->holding = false;
		buf_put_span(&conn->out, buf_span(&conn->held));
		buf_fini(&conn->held);
		buf_init(&conn->held, IMAP_OUT_MAX);
	}
}

static void take_goodbye(struct imap_conn *conn, const struct imap_resp *resp)
{
	struct err e;
	const int n = (int)(resp->text.n < 200 ? resp->text.n : 200);

	if (err_set(&e, ERR_PEER, ERR_ACCOUNT, "connection_closed", "the server said goodbye: %.*s",
		    n, (const char *)resp->text.p))
		imap_conn_die(conn, &e);
}

/* True: what follows it (rest) is compressed, and was taken. */
static bool take_response(struct imap_conn *conn, const struct imap_resp *resp, struct span rest)
{
	const bool was_plain = conn->deflate == NULL;

	if (resp->kind == IMAP_CAPABILITY)
		imap_start_caps(conn, resp->attributes);
	if (resp->kind == IMAP_ENABLED)
		imap_start_enabled(conn, resp->attributes);
	if (resp->kind == IMAP_TAGGED)
		take_tagged(conn, resp);
	else if (resp->kind == IMAP_CONTINUE)
		take_continue(conn);
	else if (resp->kind == IMAP_UNTAGGED && resp->status == IMAP_BYE)
		take_goodbye(conn, resp);
	else
		conn->handlers.untagged(conn->handlers.ctx, conn, resp);
	if (conn->freed || !was_plain || !conn->deflate)
		return false;
	if (!imap_deflate_add_span(conn->deflate, rest))
		imap_conn_die_of(conn, "protocol_error", "the server says more than it was asked");
	return true;
}

static void pause_with(struct imap_conn *conn, struct span rest)
{
	struct buf kept = conn->rest;

	buf_init(&conn->rest, MAILCONN_SCRATCH_BYTES + IMAP_START_MAX);
	buf_put_span(&conn->rest, rest);
	buf_fini(&kept);
	conn->paused = true;
	watch(conn);
}

static void scan(struct imap_conn *conn, struct span in)
{
	while (!conn->dead && !conn->freed && !conn->paused) {
		switch (imap_scanner_next(&conn->scanner, &in)) {
		case IMAP_MORE:
			return;
		case IMAP_BAD:
			imap_conn_die_of(conn, "protocol_error",
					 "the server sent what is not IMAP");
			return;
		case IMAP_RESPONSE:
			if (take_response(conn, &conn->scanner.resp, in))
				return;
			break;
		case IMAP_BODY_BEGIN:
			if (!conn->handlers.body_begin(conn->handlers.ctx, conn,
						       conn->scanner.body_bytes) &&
			    !conn->freed)
				pause_with(conn, in);
			break;
		case IMAP_BODY_DATA:
			conn->handlers.body_data(conn->handlers.ctx, conn, conn->scanner.data);
			break;
		}
	}
}

/* libcurl has swallowed an unknown part of what the server said before: begin at the answer to our own command. */
static void scan_start(struct imap_conn *conn, struct span in)
{
	static const char mark[] = "* CAPABILITY";
	const uint8_t *at;
	struct buf all;

	buf_put_span(&conn->start, in);
	if (!buf_ok(&conn->start)) {
		imap_conn_die_of(conn, "protocol_error", "the server does not answer CAPABILITY");
		return;
	}
	if (conn->start.n == 0)
		return;
	at = memmem(conn->start.p, conn->start.n, mark, sizeof(mark) - 1);
	if (!at || (at > conn->start.p && at[-1] != '\n'))
		return;
	conn->started = true;
	all = conn->start;
	buf_init(&conn->start, IMAP_START_MAX);
	scan(conn, span_make(at, all.n - (size_t)(at - all.p)));
	buf_fini(&all);
}

static void feed(struct imap_conn *conn, struct span in)
{
	if (conn->started)
		scan(conn, in);
	else
		scan_start(conn, in);
}

/* Where the next octets go: those of a body to their place at once. */
static uint8_t *read_place(struct imap_conn *conn, size_t *n_out)
{
	uint64_t left = imap_scanner_body_left(&conn->scanner), room = 0;
	uint8_t *place = NULL;

	if (left >= PLACED_MIN)
		place = conn->handlers.body_place(conn->handlers.ctx, conn, &room);
	if (!place || room == 0) {
		*n_out = MAILCONN_SCRATCH_BYTES;
		return conn->net->scratch;
	}
	*n_out = (size_t)(left < room ? left : room);
	return place;
}

/* Plain octets, whatever is on the wire. */
static enum err_code receive(struct imap_conn *conn, uint8_t *place, size_t n, size_t *n_out,
			     struct err *e)
{
	enum err_code code;
	uint8_t *to;
	size_t room;

	for (;;) {
		if (!conn->deflate)
			code = mailconn_recv(conn->mail, place, n, n_out, e);
		else
			code = imap_deflate_take(conn->deflate, place, n, n_out);
		if (code == ERR_OK && !conn->deflate)
			conn->bytes += *n_out;
		if (!conn->deflate || code == ERR_OK)
			return code;
		if (code != ERR_AGAIN)
			return err_set(e, ERR_PEER, ERR_ACCOUNT, "protocol_error",
				       "what the server compressed cannot be read");
		to = imap_deflate_room(conn->deflate, &room);
		code = mailconn_recv(conn->mail, to, room, &room, e);
		if (code != ERR_OK)
			return code;
		imap_deflate_add(conn->deflate, room);
		conn->bytes += room;
	}
}

/* Of a compressed body nobody knows how many octets are on their way. */
static void expect(struct imap_conn *conn)
{
	mailconn_expect(conn->mail, conn->deflate ? 0 : imap_scanner_body_left(&conn->scanner));
}

/* True if it stopped before the connection ran dry. */
static bool read_some(struct imap_conn *conn)
{
	struct err e;
	size_t n;
	uint8_t *place;

	for (int i = 0; i < READS_A_TURN; i++) {
		enum err_code code;

		if (conn->dead || conn->freed || conn->paused)
			return false;
		place = read_place(conn, &n);
		code = receive(conn, place, n, &n, &e);
		if (code == ERR_AGAIN) {
			expect(conn);
			return false;
		}
		if (code != ERR_OK) {
			imap_conn_die(conn, &e);
			return false;
		}
		feed(conn, span_make(place, n));
	}
	return true;
}

static void release(struct imap_conn *conn)
{
	if (conn->handles == 0 && conn->freed && !conn->in_turn)
		free(conn);
}

static void turn(struct imap_conn *conn)
{
	bool more;

	const uint64_t before = conn->bytes;

	conn->in_turn = true;
	imap_conn_flush(conn);
	more = read_some(conn);
	if (conn->bytes != before)
		conn->last_ms = clock_mono_ms();
	if (!conn->freed)
		imap_conn_flush(conn);
	if (!conn->freed)
		conn->handlers.turned(conn->handlers.ctx, conn);
	conn->in_turn = false;
	if (conn->freed) {
		release(conn);
		return;
	}
	if (!more)
		uv_idle_stop(&conn->again);
	else
		imap_conn_schedule(conn);
	watch(conn);
}

static void turn_again(uv_idle_t *again)
{
	turn(again->data);
}

static void poll_ready(uv_poll_t *poll, int status, int events)
{
	struct imap_conn *conn = poll->data;

	(void)status;
	(void)events;
	turn(conn);
}

/* The one place that says what the loop waits for. */
static void watch(struct imap_conn *conn)
{
	int events = 0;

	if (!conn->polling || conn->freed)
		return;
	if (!conn->dead) {
		events |= conn->paused ? 0 : UV_READABLE;
		events |= conn->out.n + conn->wire.n > 0 ? UV_WRITABLE : 0;
	}
	if (events && events != conn->watched)
		uv_poll_start(&conn->poll, events, poll_ready);
	else if (!events)
		uv_poll_stop(&conn->poll);
	conn->watched = events;
	if (conn->dead)
		uv_idle_stop(&conn->again);
}

void imap_conn_resume(struct imap_conn *conn)
{
	struct buf rest;

	if (!conn->paused || conn->dead)
		return;
	if (!conn->handlers.body_begin(conn->handlers.ctx, conn, conn->scanner.body_bytes))
		return;
	conn->paused = false;
	conn->last_ms = clock_mono_ms();
	rest = conn->rest;
	buf_init(&conn->rest, MAILCONN_SCRATCH_BYTES + IMAP_START_MAX);
	conn->in_turn = true;
	scan(conn, buf_span(&rest));
	conn->in_turn = false;
	buf_fini(&rest);
	if (conn->freed)
		release(conn);
	else
		imap_conn_schedule(conn);
}

int64_t imap_conn_due_ms(const struct imap_conn *conn)
{
	const bool owed = conn->count > 0 && conn->idle != IMAP_IDLE_ON && !conn->paused;

	return conn->polling && owed ? conn->last_ms + conn->handlers.silence_ms + 1 : INT64_MAX;
}

void imap_conn_tick(struct imap_conn *conn, int64_t now_mono_ms)
{
	if (now_mono_ms >= imap_conn_due_ms(conn))
		imap_conn_die_of(conn, "server_silent", "the server does not answer");
}

/* ---- life ---- */

static void connected(void *ctx, struct mailconn *mail, enum err_code code, const struct err *e)
{
	struct imap_conn *conn = ctx;
	struct err failed;

	(void)mail;
	if (code != ERR_OK) {
		imap_conn_die(conn, e);
		return;
	}
	if (uv_poll_init(conn->net->loop, &conn->poll, mailconn_fd(conn->mail))) {
		if (err_set(&failed, ERR_TEMP, ERR_PROCESS, "poll_failed",
			    "the descriptor cannot be watched"))
			imap_conn_die(conn, &failed);
		return;
	}
	conn->poll.data = conn;
	conn->polling = true;
	conn->handles++;
	imap_start(conn);
}

struct imap_conn *imap_conn_open(struct mailconn_loop *net, const struct mailconn_target *target,
				 const struct imap_handlers *handlers)
{
	struct imap_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		abort();
	conn->net = net;
	conn->handlers = *handlers;
	imap_scanner_init(&conn->scanner);
	buf_init(&conn->out, IMAP_OUT_MAX);
	buf_init(&conn->wire, 2 * IMAP_OUT_MAX);
	buf_init(&conn->held, IMAP_OUT_MAX);
	buf_init(&conn->start, IMAP_START_MAX);
	buf_init(&conn->rest, MAILCONN_SCRATCH_BYTES + IMAP_START_MAX);
	uv_idle_init(net->loop, &conn->again);
	conn->again.data = conn;
	conn->handles = 1;
	conn->last_ms = clock_mono_ms();
	conn->mail = mailconn_open(net->pool, target, connected, conn);
	return conn;
}

static void handle_closed(uv_handle_t *handle)
{
	struct imap_conn *conn = handle->data;

	conn->handles--;
	release(conn);
}

void imap_conn_free(struct imap_conn **at)
{
	struct imap_conn *conn = *at;

	*at = NULL;
	if (!conn)
		return;
	conn->freed = conn->dead = true;
	if (conn->polling)
		uv_close((uv_handle_t *)&conn->poll, handle_closed);
	uv_close((uv_handle_t *)&conn->again, handle_closed);
	mailconn_close(&conn->mail);
	imap_scanner_fini(&conn->scanner);
	imap_deflate_free(&conn->deflate);
	buf_fini(&conn->out);
	buf_fini(&conn->wire);
	buf_fini(&conn->held);
	buf_fini(&conn->start);
	buf_fini(&conn->rest);
}

unsigned imap_conn_caps(const struct imap_conn *conn)
{
	return conn->caps;
}

bool imap_conn_utf8(const struct imap_conn *conn)
{
	return conn->utf8;
}

const char *imap_conn_cap_words(const struct imap_conn *conn)
{
	return conn->cap_words;
}

const char *imap_conn_tls(const struct imap_conn *conn)
{
	return conn->mail ? mailconn_tls(conn->mail) : "";
}

bool imap_conn_in_message(const struct imap_conn *conn, uint32_t *uid_out)
{
	return !conn->paused && imap_scanner_in_message(&conn->scanner, uid_out);
}

void imap_conn_compress(struct imap_conn *conn, int64_t round_trip_ms)
{
	conn->compress = true;
	conn->compress_ms = round_trip_ms;
}

uint64_t imap_conn_bytes(struct imap_conn *conn)
{
	uint64_t bytes = conn->bytes;

	conn->bytes = 0;
	return bytes;
}
