#include "common/store/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/store/reply.h"

#define OUT_MAX ((size_t)1 << 30) /* the server's own limit of one client's unread commands */
#define OUT_KEPT ((size_t)1 << 20)
#define READ_BYTES \
	(16 * 1024) /* hiredis moves the rest of its buffer after each reply: keep it small */
#define PASSWORD_MAX 512

struct conn {
	char *address;
	const char *password_file, *client_name;
	int fd;
	redisReplyObjectFunctions functions;
	redisReader *reader;
	struct buf out;
};

static char *copy_string(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		abort();
	return copy;
}

struct conn *conn_new(const char *address, const char *password_file, const char *client_name)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		abort();
	conn->address = copy_string(address);
	conn->password_file = password_file;
	conn->client_name = client_name;
	conn->fd = -1;
	conn->functions = reply_functions();
	buf_init(&conn->out, OUT_MAX);
	return conn;
}

void conn_free(struct conn **conn)
{
	if (!*conn)
		return;
	conn_close(*conn);
	buf_fini(&(*conn)->out);
	free((*conn)->address);
	free(*conn);
	*conn = NULL;
}

const char *conn_address(const struct conn *conn)
{
	return conn->address;
}

bool conn_is_open(const struct conn *conn)
{
	return conn->fd >= 0;
}

void conn_close(struct conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	if (conn->reader)
		redisReaderFree(conn->reader);
	conn->reader = NULL;
	buf_clear(&conn->out);
}

static enum err_code broken(struct conn *conn, struct err *e, const char *what)
{
	conn_close(conn);
	return err_set(e, ERR_TEMP, ERR_PROCESS, "redis_connection", "Redis at %s: %s",
		       conn->address, what);
}

static struct timeval until(int64_t deadline_ms)
{
	int64_t left = deadline_ms - clock_mono_ms();

	if (left < 1)
		left = 1;
	return (struct timeval){.tv_sec = left / 1000, .tv_usec = (left % 1000) * 1000};
}

static redisContext *connect_tcp(const char *host_port, struct timeval limit)
{
	const char *colon = strrchr(host_port, ':');
	uint64_t port = 0;
	char host[256];

	if (!colon || (size_t)(colon - host_port) >= sizeof(host) ||
	    !span_to_u64(span_cstr(colon + 1), UINT16_MAX, &port))
		return NULL;
	size_t n = (size_t)(colon - host_port);

	if (n >= 2 && host_port[0] == '[' && host_port[n - 1] == ']') {
		host_port++;
		n -= 2;
	}
	memcpy(host, host_port, n);
	host[n] = '\0';
	return redisConnectWithTimeout(host, (int)port, limit);
}

static enum err_code connect_socket(struct conn *conn, int64_t deadline_ms, struct err *e)
{
	redisContext *c = NULL;

	if (strncmp(conn->address, "unix:", 5) == 0)
		c = redisConnectUnixWithTimeout(conn->address + 5, until(deadline_ms));
	else if (strncmp(conn->address, "tcp:", 4) == 0)
		c = connect_tcp(conn->address + 4, until(deadline_ms));
	if (!c)
		return broken(conn, e, "the address is neither unix:/path nor tcp:host:port");
	if (c->err != 0) {
		enum err_code code = broken(conn, e, c->errstr);

		redisFree(c);
		return code;
	}
	if (strncmp(conn->address, "tcp:", 4) == 0)
		redisEnableKeepAlive(c);
	conn->fd = redisFreeKeepFd(c);
	fcntl(conn->fd, F_SETFD, FD_CLOEXEC);
	conn->reader = redisReaderCreateWithFunctions(&conn->functions);
	if (!conn->reader)
		abort();
	return ERR_OK;
}

/* Without line ends at the end of the file. */
static enum err_code read_password(struct conn *conn, char out[PASSWORD_MAX],
				   struct span *password_out, struct err *e)
{
	int fd = open(conn->password_file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, PASSWORD_MAX);

	if (fd >= 0)
		close(fd);
	if (n <= 0 || n == PASSWORD_MAX)
		return broken(conn, e, "the password file cannot be read");
	*password_out = span_make(out, (size_t)n);
	while (password_out->n > 0 &&
	       (out[password_out->n - 1] == '\n' || out[password_out->n - 1] == '\r'))
		password_out->n--;
	return ERR_OK;
}

static size_t append_greeting(struct conn *conn, struct span password)
{
	const struct span auth[] = {SPAN_LIT("AUTH"), password};
	const struct span name[] = {SPAN_LIT("CLIENT"), SPAN_LIT("SETNAME"),
				    span_cstr(conn->client_name)};
	size_t count = 0;

	if (password.n > 0) {
		conn_append(conn, &(struct store_command){auth, 2});
		count++;
	}
	if (name[2].n > 0) {
		conn_append(conn, &(struct store_command){name, 3});
		count++;
	}
	return count;
}

static enum err_code greet(struct conn *conn, int64_t deadline_ms, struct err *e)
{
	char secret[PASSWORD_MAX];
	struct span password = {NULL, 0};
	struct arena *arena = NULL;
	enum err_code code = ERR_OK;

	if (conn->password_file && conn->password_file[0] != '\0')
		code = read_password(conn, secret, &password, e);
	if (code != ERR_OK)
		return code;
	size_t count = append_greeting(conn, password);

	explicit_bzero(secret, sizeof(secret));
	code = conn_send(conn, deadline_ms, e);
	buf_wipe(&conn->out);
	arena = arena_new(512);
	for (size_t i = 0; i < count && code == ERR_OK; i++) {
		struct store_reply reply = {0};

		code = conn_receive(conn, arena, deadline_ms, &reply, e);
		if (code == ERR_OK && reply.type == STORE_ERROR)
			code = broken(conn, e, arena_cstr(arena, reply.string));
	}
	arena_free(&arena);
	return code;
}

enum err_code conn_open(struct conn *conn, int64_t deadline_ms, struct err *e)
{
	conn_close(conn);
	enum err_code code = connect_socket(conn, deadline_ms, e);

	return code == ERR_OK ? greet(conn, deadline_ms, e) : code;
}

static void put_header(struct buf *out, char type, size_t n)
{
	char digits[24];
	size_t at = sizeof(digits);

	digits[--at] = '\n';
	digits[--at] = '\r';
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	digits[--at] = type;
	buf_put(out, digits + at, sizeof(digits) - at);
}

void conn_append(struct conn *conn, const struct store_command *command)
{
	put_header(&conn->out, '*', command->count);
	for (size_t i = 0; i < command->count; i++) {
		put_header(&conn->out, '$', command->args[i].n);
		buf_put_span(&conn->out, command->args[i]);
		buf_put(&conn->out, "\r\n", 2);
	}
	if (!buf_ok(&conn->out))
		abort();
}

/* Waits for events until the deadline. */
static enum err_code wait_for(struct conn *conn, short events, int64_t deadline_ms, struct err *e)
{
	struct pollfd p = {.fd = conn->fd, .events = events};

	for (;;) {
		int64_t left = deadline_ms - clock_mono_ms();
		int n = poll(&p, 1, left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left);

		if (n > 0)
			return ERR_OK;
		if (n < 0 && errno != EINTR)
			return broken(conn, e, strerror(errno));
		if (n == 0 || left <= 0)
			return broken(conn, e, "no answer in time");
	}
}

enum err_code conn_send(struct conn *conn, int64_t deadline_ms, struct err *e)
{
	size_t sent = 0;

	if (conn->fd < 0)
		return broken(conn, e, "not connected");
	while (sent < conn->out.n) {
		ssize_t n = send(conn->fd, conn->out.p + sent, conn->out.n - sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return broken(conn, e, strerror(errno));
		enum err_code code = wait_for(conn, POLLOUT, deadline_ms, e);

		if (code != ERR_OK)
			return code;
	}
	if (conn->out.cap > OUT_KEPT) {
		buf_fini(&conn->out);
		buf_init(&conn->out, OUT_MAX);
	}
	buf_clear(&conn->out);
	return ERR_OK;
}

static enum err_code read_some(struct conn *conn, int64_t deadline_ms, struct err *e)
{
	char bytes[READ_BYTES];
	enum err_code code = wait_for(conn, POLLIN, deadline_ms, e);

	if (code != ERR_OK)
		return code;
	ssize_t n = recv(conn->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n == 0)
		return broken(conn, e, "closed by the server");
	if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		return broken(conn, e, strerror(errno));
	if (n > 0 && redisReaderFeed(conn->reader, bytes, (size_t)n) != REDIS_OK)
		abort(); /* out of memory */
	return ERR_OK;
}

enum err_code conn_receive(struct conn *conn, struct arena *arena, int64_t deadline_ms,
			   struct store_reply *reply_out, struct err *e)
{
	void *reply = NULL;

	if (conn->fd < 0)
		return broken(conn, e, "not connected");
	conn->reader->privdata = arena;
	for (;;) {
		if (redisReaderGetReply(conn->reader, &reply) != REDIS_OK) {
			char text[128];

			snprintf(text, sizeof(text), "%s", conn->reader->errstr);
			return broken(conn, e, text);
		}
		if (reply)
			break;
		enum err_code code = read_some(conn, deadline_ms, e);

		if (code != ERR_OK)
			return code;
	}
	*reply_out = *(struct store_reply *)reply;
	return ERR_OK;
}
