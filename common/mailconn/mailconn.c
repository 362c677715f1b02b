#include "common/mailconn/mailconn.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/code.h"
#include "common/mailconn/finding.h"

#define WORDS_MAX 240
#define READ_BYTES (64u << 10) /* four TLS records a system call */
#define RECORD_BYTES \
	(17u << 10) /* of a TLS record that we may hold already (RFC 8446 section 5.2) */
#define ADDRESS_MS 10000
#define DEAD_MS 60000
#define WAKE_MIN (16 << 10)
#define WAKE_MAX (128 << 10)
#define SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"

struct mailconn_pool {
	struct mailconn_pool_handlers handlers;
	CURLM *multi;
	struct mailconn *stuck; /* an address failed, and libcurl has not begun with the next */
};

struct mailconn {
	struct mailconn_pool *pool;
	struct mailconn *next_stuck;
	CURL *easy;
	void (*done)(void *ctx, struct mailconn *conn, enum err_code code, const struct err *e);
	void *ctx;
	int fd;
	int wake_at; /* octets there that make fd readable (SO_RCVLOWAT) */
	unsigned address_ms;
	enum mailconn_security security;
	bool (*allowed)(const struct sockaddr *address);
	bool not_allowed; /* an address was refused by it */
	SSL_CTX *tls_context; /* our own reference: libcurl drops its with the connection */
	SSL *ssl; /* libcurl's, from the handshake on; it lives only where the login succeeded */
	char detail[CURL_ERROR_SIZE];
	char words[WORDS_MAX]; /* the server's last words, printable */
	char challenge[WORDS_MAX]; /* what it sent about an access token, in clear and printable */
	bool bearer;
	char tls[80];
};

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *userp, void *socketp)
{
	struct mailconn_pool *pool = userp;
	int events = what == CURL_POLL_REMOVE
			     ? 0
			     : (what & CURL_POLL_IN ? 1 : 0) | (what & CURL_POLL_OUT ? 2 : 0);

	(void)easy;
	(void)socketp;
	pool->handlers.watch(pool->handlers.ctx, fd, events);
	return 0;
}

static int set_timer(CURLM *multi, long ms, void *userp)
{
	struct mailconn_pool *pool = userp;

	(void)multi;
	pool->handlers.timer(pool->handlers.ctx, ms);
	return 0;
}

enum err_code mailconn_pool_new(const struct mailconn_pool_handlers *handlers,
				struct mailconn_pool **pool_out, struct err *e)
{
	struct mailconn_pool *pool;

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return err_set(e, ERR_PERM, ERR_PROCESS, "curl_failed", "libcurl does not start");
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		abort();
	pool->handlers = *handlers;
	pool->multi = curl_multi_init();
	if (!pool->multi)
		abort();
	curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
	curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
	*pool_out = pool;
	return ERR_OK;
}

void mailconn_pool_free(struct mailconn_pool **pool)
{
	if (!*pool)
		return;
	curl_multi_cleanup((*pool)->multi);
	free(*pool);
	*pool = NULL;
}

static void put_printable(char *to, struct span from)
{
	size_t used = 0;

	for (size_t i = 0; i < from.n && used + 1 < WORDS_MAX; i++)
		if (from.p[i] >= ' ' && from.p[i] < 127)
			to[used++] = (char)from.p[i];
	if (used)
		to[used] = '\0';
}

/* `+ base64` or `334 base64` in answer to a token is JSON that says what is wrong with it (RFC 7628 section 3.2.2). */
static void keep_challenge(struct mailconn *conn)
{
	const size_t skip = strncmp(conn->words, "+ ", 2) == 0	   ? 2
			    : strncmp(conn->words, "334 ", 4) == 0 ? 4
								   : 0;
	struct buf clear;

	if (!conn->bearer || !skip)
		return;
	buf_init(&clear, WORDS_MAX);
	if (base64_decode(span_cstr(conn->words + skip), &clear))
		put_printable(conn->challenge, buf_span(&clear));
	buf_fini(&clear);
}

/* Keeps the last line a server said, without what is not printable. */
static size_t keep_words(char *bytes, size_t size, size_t count, void *userp)
{
	struct mailconn *conn = userp;
	const size_t n = size * count;

	put_printable(conn->words, span_make(bytes, n));
	keep_challenge(conn);
	return n;
}

/* A connection that only waits costs 44 KB instead of 66. */
static void handshake_told(const SSL *ssl, int where, int value)
{
	struct mailconn *conn = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	(void)value;
	if ((where & SSL_CB_HANDSHAKE_DONE) && conn)
		conn->ssl = (SSL *)(uintptr_t)ssl;
}

static void context_keep(struct mailconn *conn, SSL_CTX *context)
{
	if (conn->tls_context)
		SSL_CTX_set_app_data(conn->tls_context, NULL);
	SSL_CTX_free(conn->tls_context);
	conn->tls_context = context;
	conn->ssl = NULL;
}

static CURLcode tune_tls(CURL *easy, void *ssl_ctx, void *userp)
{
	(void)easy;
	if (!SSL_CTX_up_ref(ssl_ctx))
		return CURLE_OUT_OF_MEMORY;
	context_keep(userp, ssl_ctx);
	SSL_CTX_set_mode(ssl_ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_app_data(ssl_ctx, userp);
	SSL_CTX_set_info_callback(ssl_ctx, handshake_told);
	return CURLE_OK;
}

/* Nobody acknowledged anything for so long: the address, or the connection, is dead. */
static void set_patience(curl_socket_t fd, unsigned ms)
{
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

/* Of several addresses libcurl gives the first half of all the time there is; one that is dead is to cost less (F45). */
static int tune_socket(void *userp, curl_socket_t fd, curlsocktype purpose)
{
	const struct mailconn *conn = userp;
	int on = 1;

	(void)purpose;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	set_patience(fd, conn->address_ms);
	return CURL_SOCKOPT_OK;
}

static curl_socket_t open_socket(void *userp, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct mailconn *conn = userp;

	(void)purpose;
	if (!conn->allowed || conn->allowed(&address->addr))
		return socket(address->family, address->socktype, address->protocol);
	conn->not_allowed = true;
	return CURL_SOCKET_BAD;
}

static void unstick(struct mailconn *conn)
{
	struct mailconn **at = &conn->pool->stuck;

	while (*at && *at != conn)
		at = &(*at)->next_stuck;
	if (*at)
		*at = conn->next_stuck;
}

static int close_socket(void *userp, curl_socket_t fd)
{
	struct mailconn *conn = userp;

	if (conn->fd < 0) {
		unstick(conn);
		conn->next_stuck = conn->pool->stuck;
		conn->pool->stuck = conn;
	}
	return close(fd);
}

/* libcurl 7.88 begins with the next address of a host only when something else wakes it: half of all the time there is
 * may pass (F45). To go on after a pause wakes it at once. */
static void go_on(struct mailconn_pool *pool)
{
	while (pool->stuck) {
		struct mailconn *conn = pool->stuck;

		pool->stuck = conn->next_stuck;
		curl_easy_pause(conn->easy, CURLPAUSE_RECV);
		curl_easy_pause(conn->easy, CURLPAUSE_CONT);
	}
}

static bool host_is_loopback(const char *host)
{
	struct in_addr v4;

	return (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127) ||
	       strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0;
}

/* A host's name only: nothing that could turn the URL into another one. */
static bool host_is_plain(const char *host)
{
	size_t n =
		strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:");

	return n > 0 && n <= 255 && host[n] == '\0';
}

static bool set_url(struct mailconn *conn, const struct mailconn_target *t)
{
	const char *scheme = t->protocol == MAILCONN_IMAP ? "imap" : "smtp";
	const char *ehlo = t->protocol == MAILCONN_SMTP && t->ehlo ? t->ehlo : "";
	const bool v6 = strchr(t->host, ':') != NULL;
	char url[600];
	int n;

	if (!host_is_plain(t->host) || (*ehlo && !host_is_plain(ehlo)))
		return false;
	if (t->security == MAILCONN_NONE && !host_is_loopback(t->host))
		return false;
	n = snprintf(url, sizeof(url), "%s%s://%s%s%s:%u/%s", scheme,
		     t->security == MAILCONN_TLS ? "s" : "", v6 ? "[" : "", t->host, v6 ? "]" : "",
		     t->port, ehlo);
	return n > 0 && (size_t)n < sizeof(url) &&
	       curl_easy_setopt(conn->easy, CURLOPT_URL, url) == CURLE_OK;
}

static void set_login(CURL *easy, const struct mailconn_target *t)
{
	char *secret = calloc(1, t->password.n + t->bearer.n + 1);
	const struct span from = t->bearer.n ? t->bearer : t->password;

	if (!secret)
		abort();
	memcpy(secret, from.p, from.n);
	curl_easy_setopt(easy, CURLOPT_USERNAME, t->user);
	curl_easy_setopt(easy, t->bearer.n ? CURLOPT_XOAUTH2_BEARER : CURLOPT_PASSWORD, secret);
	curl_easy_setopt(easy, CURLOPT_SASL_IR, 1L);
	if (t->bearer.n) /* else what wants a password comes first, and there is none */
		curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=OAUTHBEARER;AUTH=XOAUTH2");
	OPENSSL_cleanse(secret, from.n);
	free(secret);
}

static void set_options(struct mailconn *conn, const struct mailconn_target *t)
{
	CURL *easy = conn->easy;
	const char *ca = t->ca_file && *t->ca_file ? t->ca_file : SYSTEM_CA;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, conn);
	curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, conn->detail);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, keep_words);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, conn);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, tune_socket);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, conn);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, conn);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, conn);
	/* A resolver that hangs is left behind: closing does not wait for it. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 1024L); /* ours is used, not curl's */
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)t->connect_ms);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)t->connect_ms);
	curl_easy_setopt(easy, CURLOPT_USE_SSL,
			 (long)(t->security == MAILCONN_NONE ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* Without a CA directory libcurl keeps one parsed store in the multi for all connections. */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, tune_tls);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, conn);
	set_login(easy, t);
}

struct mailconn *mailconn_open(struct mailconn_pool *pool, const struct mailconn_target *target,
			       void (*done)(void *ctx, struct mailconn *conn, enum err_code code,
					    const struct err *e),
			       void *ctx)
{
	struct mailconn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		abort();
	conn->easy = curl_easy_init();
	if (!conn->easy)
		abort();
	conn->pool = pool;
	conn->done = done;
	conn->ctx = ctx;
	conn->fd = -1;
	conn->security = target->security;
	conn->address_ms = target->address_ms > 0 ? (unsigned)target->address_ms : ADDRESS_MS;
	conn->allowed = target->allowed;
	conn->bearer = target->bearer.n > 0;
	/* A URL that is refused fails like any other connection: later, by done. */
	if (!set_url(conn, target))
		curl_easy_setopt(conn->easy, CURLOPT_URL, "refused://host");
	set_options(conn, target);
	if (curl_multi_add_handle(pool->multi, conn->easy))
		abort();
	return conn;
}

void mailconn_close(struct mailconn **conn)
{
	if (!*conn)
		return;
	context_keep(*conn, NULL);
	curl_multi_remove_handle((*conn)->pool->multi, (*conn)->easy);
	curl_easy_cleanup((*conn)->easy);
	unstick(*conn);
	free(*conn);
	*conn = NULL;
}

/* After the login only: libcurl asks SSL_pending before it waits, which does not count what was read ahead, and would
 * wait for ever for an answer that it already has. We read until nothing is left. */
static void read_ahead(struct mailconn *conn)
{
	if (!conn->ssl)
		return;
	SSL_set_read_ahead(conn->ssl, 1);
	SSL_set_default_read_buffer_len(conn->ssl, READ_BYTES);
	snprintf(conn->tls, sizeof(conn->tls), "%s %s", SSL_get_version(conn->ssl),
		 SSL_get_cipher_name(conn->ssl));
}

static void tell_failure(struct mailconn *conn, CURLcode result, long os_errno)
{
	struct err e;
	enum err_code code = mailconn_finding(result, os_errno, conn->words, conn->detail, &e);

	if (conn->bearer && strcmp(e.name, "wrong_credentials") == 0)
		code = mailconn_token_finding(conn->challenge, &e);
	conn->done(conn->ctx, conn, code, &e);
}

static void finish(struct mailconn *conn, CURLcode result)
{
	struct err e;
	curl_socket_t fd = CURL_SOCKET_BAD;
	long os_errno = 0;

	err_clear(&e);
	if (result == CURLE_OK)
		curl_easy_getinfo(conn->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd != CURL_SOCKET_BAD) {
		conn->fd = fd;
		conn->wake_at = 1;
		set_patience(fd, DEAD_MS);
		read_ahead(conn);
		conn->done(conn->ctx, conn, ERR_OK, &e);
		return;
	}
	curl_easy_getinfo(conn->easy, CURLINFO_OS_ERRNO, &os_errno);
	if (result == CURLE_OK)
		result = CURLE_RECV_ERROR;
	if (conn->not_allowed) {
		conn->done(conn->ctx, conn,
			   err_set(&e, ERR_PERM, ERR_ACCOUNT, "host_not_allowed",
				   "This host and port cannot be used."),
			   &e);
		return;
	}
	tell_failure(conn, result, os_errno);
}

static void act(struct mailconn_pool *pool, curl_socket_t fd, int mask)
{
	CURLMsg *message;
	int running, left;

	curl_multi_socket_action(pool->multi, fd, mask, &running);
	go_on(pool);
	while ((message = curl_multi_info_read(pool->multi, &left)) != NULL) {
		struct mailconn *conn = NULL;
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&conn);
		finish(conn, result);
	}
}

void mailconn_pool_ready(struct mailconn_pool *pool, int fd, int events)
{
	act(pool, fd, (events & 1 ? CURL_CSELECT_IN : 0) | (events & 2 ? CURL_CSELECT_OUT : 0));
}

void mailconn_pool_timeout(struct mailconn_pool *pool)
{
	act(pool, CURL_SOCKET_TIMEOUT, 0);
}

int mailconn_fd(const struct mailconn *conn)
{
	return conn->fd;
}

static enum err_code closed(struct mailconn *conn, CURLcode code, struct err *e)
{
	return err_set(e, ERR_PEER, ERR_ACCOUNT, "connection_closed", "%s",
		       code == CURLE_OK ? "the server closed the connection"
		       : *conn->detail	? conn->detail
					: curl_easy_strerror(code));
}

enum err_code mailconn_recv(struct mailconn *conn, void *p, size_t n, size_t *n_out, struct err *e)
{
	CURLcode code = curl_easy_recv(conn->easy, p, n, n_out);

	if (code == CURLE_AGAIN)
		return ERR_AGAIN;
	return code == CURLE_OK && *n_out > 0 ? ERR_OK : closed(conn, code, e);
}

void mailconn_expect(struct mailconn *conn, uint64_t bytes)
{
	const uint64_t sure = bytes > RECORD_BYTES ? bytes - RECORD_BYTES : 0;
	const int mark = sure < WAKE_MIN ? 1 : sure < WAKE_MAX ? (int)sure : WAKE_MAX;

	if (mark == conn->wake_at)
		return;
	/* Refused, it is only slower. */
	if (setsockopt(conn->fd, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof(mark)) == 0)
		conn->wake_at = mark;
}

enum err_code mailconn_send(struct mailconn *conn, struct span data, size_t *n_out, struct err *e)
{
	CURLcode code = curl_easy_send(conn->easy, data.p, data.n, n_out);

	if (code == CURLE_AGAIN || (code == CURLE_OK && *n_out == 0 && data.n > 0))
		return ERR_AGAIN;
	return code == CURLE_OK ? ERR_OK : closed(conn, code, e);
}

const char *mailconn_server_text(const struct mailconn *conn)
{
	return conn->words;
}

const char *mailconn_tls(const struct mailconn *conn)
{
	return conn->tls;
}
