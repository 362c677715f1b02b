#include "sender/smtp_conn.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "common/base/clock.h"

#define READ_OCTETS 8192
#define IN_FLIGHT_MAX (32 << 10) /* octets that may be unacknowledged at the hand-over */
#define ACKNOWLEDGED_MS 5 /* how often the socket is asked whether all has arrived */

struct smtp_conn {
	struct mailconn_loop *net;
	struct mailconn *mail;
	struct smtp_limits limits;
	struct smtp_dialog dialog;
	struct smtp_conn_handlers handlers; /* of the message under way */
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned handles; /* that libuv has not closed yet */
	int unacknowledged; /* octets in the socket when last asked, before the hand-over */
	int64_t progress_ms; /* when that number changed */
	int64_t asked_ms; /* when the hand-over was asked for */
	enum {
		HAND_OVER_NOT_ASKED,
		HAND_OVER_ASKED,
		HAND_OVER_DURABLE,
		HAND_OVER_REFUSED
	} hand_over;
	bool connected, closing, polling, turning;
	struct err login; /* code not ERR_OK: no connection came about */
};

static void turn(struct smtp_conn *conn);

static void handle_closed(uv_handle_t *handle)
{
	struct smtp_conn *conn = handle->data;

	if (--conn->handles == 0)
		free(conn);
}

/* Says goodbye if a command is due; whether it is heard does not matter. */
static void say_quit(struct smtp_conn *conn)
{
	size_t n;

	if (conn->connected && conn->dialog.phase == SMTP_IDLE &&
	    mailconn_send(conn->mail, SPAN_LIT("QUIT\r\n"), &n, NULL) != ERR_OK)
		conn->dialog.phase = SMTP_OVER;
}

void smtp_conn_free(struct smtp_conn **at)
{
	struct smtp_conn *conn = *at;

	if (!conn)
		return;
	*at = NULL;
	conn->closing = true;
	uv_timer_stop(&conn->timer);
	if (conn->polling)
		uv_poll_stop(&conn->poll);
	say_quit(conn);
	mailconn_close(&conn->mail);
	smtp_dialog_fini(&conn->dialog);
	if (conn->polling)
		uv_close((uv_handle_t *)&conn->poll, handle_closed);
	uv_close((uv_handle_t *)&conn->timer, handle_closed);
}

bool smtp_conn_usable(const struct smtp_conn *conn)
{
	return conn->connected && conn->dialog.phase == SMTP_IDLE && !conn->dialog.busy;
}

static const char NOT_RECORDED[] = "The hand-over could not be recorded in time; nothing was sent.";

static void expired(uv_timer_t *timer)
{
	struct smtp_conn *conn = timer->data;
	enum smtp_phase phase = conn->dialog.phase;

	smtp_dialog_lost(&conn->dialog,
			 phase == SMTP_HAND_OVER ? NOT_RECORDED
			 : phase == SMTP_FINAL
				 ? "The mail server did not say whether it took the message."
				 : "The mail server did not answer in time.");
	turn(conn);
}

static void pushed(uv_timer_t *timer)
{
	turn(timer->data);
}

/* What is left of the time in which the hand-over may become durable. */
static uint64_t hand_over_left_ms(const struct smtp_conn *conn)
{
	int64_t left = conn->asked_ms + SMTP_HAND_OVER_MS - clock_mono_ms();

	return left > 0 ? (uint64_t)left : 0;
}

/* Anew at each turn: any octet in or out is progress, except in FINAL, where only the answer counts. */
static void set_deadline(struct smtp_conn *conn, enum smtp_phase before)
{
	enum smtp_phase phase = conn->dialog.phase;

	if (phase == SMTP_IDLE || phase == SMTP_OVER)
		uv_timer_stop(&conn->timer);
	else if (phase == SMTP_HAND_OVER && conn->hand_over == HAND_OVER_NOT_ASKED)
		uv_timer_start(&conn->timer, pushed, ACKNOWLEDGED_MS, 0);
	else if (phase == SMTP_HAND_OVER)
		uv_timer_start(&conn->timer, expired, hand_over_left_ms(conn), 0);
	else if (phase != SMTP_FINAL)
		uv_timer_start(&conn->timer, expired, (uint64_t)conn->limits.reply_ms, 0);
	else if (before != SMTP_FINAL)
		uv_timer_start(&conn->timer, expired, (uint64_t)conn->limits.final_ms, 0);
}

static void read_all(struct smtp_conn *conn)
{
	uint8_t bytes[READ_OCTETS];
	struct err e;
	size_t n;

	while (conn->dialog.phase != SMTP_OVER) {
		enum err_code code = mailconn_recv(conn->mail, bytes, sizeof(bytes), &n, &e);

		if (code == ERR_AGAIN)
			return;
		if (code == ERR_OK)
			smtp_dialog_input(&conn->dialog, span_make(bytes, n));
		else
			smtp_dialog_lost(&conn->dialog, e.text);
	}
}

enum written { WRITTEN_NOTHING, WRITTEN_ALL, WRITTEN_SOME /* the rest waits for the socket */ };

static enum written write_all(struct smtp_conn *conn)
{
	enum written written = WRITTEN_NOTHING;
	struct smtp_dialog *d = &conn->dialog;
	struct err e;
	size_t n;

	while (d->phase != SMTP_OVER && (d->out.n || smtp_dialog_fill(d))) {
		enum err_code code = mailconn_send(conn->mail, buf_span(&d->out), &n, &e);

		if (code == ERR_AGAIN)
			return WRITTEN_SOME;
		if (code == ERR_OK)
			buf_consume(&d->out, n);
		else
			smtp_dialog_lost(d, e.text);
		written = WRITTEN_ALL;
	}
	return written;
}

/* Until there is nothing to read and nothing to write. */
static enum written exchange(struct smtp_conn *conn)
{
	enum written written;

	do {
		read_all(conn);
		written = write_all(conn);
	} while (written == WRITTEN_ALL);
	return written;
}

/* Is every octet on its way, and all but the last ones acknowledged? A connection that died under the message is so known to
 * be dead before the hand-over, and little is a riddle afterwards. To wait for the last acknowledgements would cost each
 * message the 40 ms by which its receiver may delay them; the answer to DATA came over this connection a moment ago. */
static bool arrived(struct smtp_conn *conn)
{
	int64_t now_ms = clock_mono_ms();
	int left = 0, unsent = 0, fd = mailconn_fd(conn->mail);

	if (ioctl(fd, SIOCOUTQ, &left) || left == 0)
		return true;
	if (left <= IN_FLIGHT_MAX && (ioctl(fd, SIOCOUTQNSD, &unsent) || unsent == 0))
		return true;
	if (left != conn->unacknowledged) {
		conn->unacknowledged = left;
		conn->progress_ms = now_ms;
	} else if (now_ms - conn->progress_ms > conn->limits.reply_ms) {
		smtp_dialog_lost(&conn->dialog,
				 "The mail server did not take the message in time.");
	}
	return false;
}

/* Asks for the hand-over once, and acts on what is known of it. */
static void hand_over(struct smtp_conn *conn)
{
	if (conn->hand_over == HAND_OVER_NOT_ASKED) {
		if (!arrived(conn))
			return;
		conn->unacknowledged = 0;
		conn->hand_over = HAND_OVER_ASKED;
		conn->asked_ms = clock_mono_ms();
		conn->handlers.hand_over(conn->handlers.ctx);
	}
	if (conn->hand_over == HAND_OVER_ASKED)
		return;
	if (conn->hand_over == HAND_OVER_DURABLE &&
	    clock_mono_ms() - conn->asked_ms <= SMTP_HAND_OVER_MS)
		smtp_dialog_hand_over(&conn->dialog);
	else
		smtp_dialog_lost(&conn->dialog, NOT_RECORDED);
}

void smtp_conn_hand_over(struct smtp_conn *conn, bool durable)
{
	if (conn->hand_over != HAND_OVER_ASKED || conn->dialog.phase != SMTP_HAND_OVER)
		return;
	conn->hand_over = durable ? HAND_OVER_DURABLE : HAND_OVER_REFUSED;
	if (!conn->turning)
		turn(conn);
}

static void poll_ready(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	turn(poll->data);
}

static void watch(struct smtp_conn *conn, bool writable)
{
	if (conn->dialog.phase == SMTP_OVER)
		uv_poll_stop(&conn->poll);
	else
		uv_poll_start(&conn->poll, UV_READABLE | (writable ? UV_WRITABLE : 0), poll_ready);
}

/* done may free the connection: nothing is touched behind it. */
static void tell(struct smtp_conn *conn)
{
	struct smtp_conn_handlers handlers = conn->handlers;
	struct smtp_result result = conn->dialog.result;

	handlers.done(handlers.ctx, &result, conn->login.code != ERR_OK ? &conn->login : NULL);
}

static void turn(struct smtp_conn *conn)
{
	enum smtp_phase before = conn->dialog.phase;
	enum written written = WRITTEN_NOTHING;
	enum smtp_step step;

	if (conn->closing)
		return;
	conn->turning = true;
	if (conn->connected)
		written = exchange(conn);
	step = smtp_dialog_step(&conn->dialog);
	if (step == SMTP_STEP_HAND_OVER) {
		hand_over(conn);
		written = exchange(conn);
		step = smtp_dialog_step(&conn->dialog);
	}
	if (conn->connected)
		watch(conn, written == WRITTEN_SOME);
	set_deadline(conn, before);
	conn->turning = false;
	if (step == SMTP_STEP_DONE)
		tell(conn);
}

/* After the pool's own turn: done may close the connection, and the pool's watch of the descriptor is gone. */
static void begin(uv_timer_t *timer)
{
	struct smtp_conn *conn = timer->data;

	if (conn->login.code != ERR_OK) {
		smtp_dialog_lost(&conn->dialog, conn->login.text);
	} else if (uv_poll_init(conn->net->loop, &conn->poll, mailconn_fd(conn->mail))) {
		smtp_dialog_lost(&conn->dialog, "The connection could not be watched.");
	} else {
		conn->poll.data = conn;
		conn->handles++;
		conn->connected = conn->polling = true;
		conn->handlers.logged_in(conn->handlers.ctx);
	}
	turn(conn);
}

static void connected(void *ctx, struct mailconn *mail, enum err_code code, const struct err *e)
{
	struct smtp_conn *conn = ctx;

	(void)mail;
	if (code != ERR_OK)
		conn->login = *e;
	conn->login.code = code;
	uv_timer_start(&conn->timer, begin, 0, 0);
}

struct smtp_conn *smtp_conn_open(struct mailconn_loop *net, const struct mailconn_target *target,
				 const struct smtp_limits *limits)
{
	struct smtp_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		abort();
	conn->net = net;
	conn->limits = *limits;
	smtp_dialog_init(&conn->dialog, target->ehlo);
	uv_timer_init(net->loop, &conn->timer);
	conn->timer.data = conn;
	conn->handles = 1;
	conn->mail = mailconn_open(net->pool, target, connected, conn);
	return conn;
}

void smtp_conn_send(struct smtp_conn *conn, const struct smtp_envelope *envelope,
		    const struct smtp_conn_handlers *handlers)
{
	conn->handlers = *handlers;
	conn->hand_over = HAND_OVER_NOT_ASKED;
	smtp_dialog_begin(&conn->dialog, envelope);
	if (conn->connected)
		uv_timer_start(&conn->timer, pushed, 0, 0);
}
