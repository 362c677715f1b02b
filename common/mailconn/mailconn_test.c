/*
 * FAULTS F41, F42: what a server, or who stands between, says before TLS is never believed, and no login goes out in
 * clear. F45: names that are not found for now, addresses that are dead beside one that lives.
 * The servers are threads of this program; the resolver that libcurl asks is the one below.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/mailconn/loop.h"

#define ADDRESSES_MAX 4
#define LINES_MAX 8
#define HELD_MAX 8

/* ---- names ---- */

static const char *addresses[ADDRESSES_MAX]; /* of the host "mail.test"; none: not found for now */

static struct addrinfo *entry(const char *address)
{
	struct addrinfo *one = calloc(1, sizeof(*one));
	struct sockaddr_in6 *v6 = calloc(1, sizeof(*v6));
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)v6;

	assert_true(one && v6);
	one->ai_addr = (struct sockaddr *)v6;
	one->ai_socktype = SOCK_STREAM;
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		one->ai_family = v4->sin_family = AF_INET;
		one->ai_addrlen = sizeof(*v4);
	} else {
		assert_int_equal(inet_pton(AF_INET6, address, &v6->sin6_addr), 1);
		one->ai_family = v6->sin6_family = AF_INET6;
		one->ai_addrlen = sizeof(*v6);
	}
	return one;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		struct addrinfo **out)
{
	struct addrinfo **last = out;
	const in_port_t port = htons((in_port_t)(service ? atoi(service) : 0));

	(void)name;
	(void)hints;
	*out = NULL;
	for (size_t i = 0; i < ADDRESSES_MAX && addresses[i]; i++) {
		*last = entry(addresses[i]);
		((struct sockaddr_in *)(void *)(*last)->ai_addr)->sin_port = port;
		last = &(*last)->ai_next;
	}
	return *out ? 0 : EAI_AGAIN;
}

void freeaddrinfo(struct addrinfo *all)
{
	while (all) {
		struct addrinfo *next = all->ai_next;

		free(all->ai_addr);
		free(all);
		all = next;
	}
}

/* ---- servers ---- */

struct server {
	const char *says[LINES_MAX]; /* the greeting, then an answer to each line */
	int listener;
	uint16_t port;
	pthread_t thread;
	char heard[2048]; /* all that a client said */
	size_t heard_bytes;
	unsigned visits;
};

static int listen_at(const char *address, uint16_t *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(*port)};
	socklen_t n = sizeof(at);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static void talk(struct server *s, int fd)
{
	for (size_t i = 0; i < LINES_MAX && s->says[i]; i++) {
		ssize_t n = write(fd, s->says[i], strlen(s->says[i]));

		if (n <= 0)
			return;
		n = read(fd, s->heard + s->heard_bytes, sizeof(s->heard) - 1 - s->heard_bytes);
		if (n <= 0)
			return;
		s->heard_bytes += (size_t)n;
	}
}

static void *serve(void *ctx)
{
	struct server *s = ctx;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		s->visits++;
		talk(s, fd);
		close(fd);
	}
	return NULL;
}

static void server_up(struct server *s, const char *address)
{
	s->listener = listen_at(address, &s->port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_down(struct server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
}

/* ---- one try ---- */

struct outcome {
	bool told;
	enum err_code code;
	struct err e;
};

static void told(void *ctx, struct mailconn *conn, enum err_code code, const struct err *e)
{
	struct outcome *o = ctx;

	(void)conn;
	o->told = true;
	o->code = code;
	o->e = *e;
}

static struct outcome try(enum mailconn_protocol protocol, enum mailconn_security security,
			  uint16_t port, int64_t connect_ms, int64_t address_ms)
{
	const struct mailconn_target target = {
		.protocol = protocol,
		.security = security,
		.host = "mail.test",
		.port = port,
		.user = "anna",
		.password = SPAN_LIT("secret"),
		.connect_ms = connect_ms,
		.address_ms = address_ms,
	};
	struct mailconn_loop net;
	struct outcome o = {0};
	struct mailconn *conn;
	uv_loop_t loop;

	uv_loop_init(&loop);
	assert_int_equal(mailconn_loop_init(&net, &loop, &o.e), ERR_OK);
	conn = mailconn_open(net.pool, &target, told, &o);
	while (!o.told && uv_run(&loop, UV_RUN_ONCE))
		;
	mailconn_close(&conn);
	mailconn_loop_fini(&net);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	assert_true(o.told);
	return o;
}

static void never_in_clear(enum mailconn_protocol protocol, struct server *s, const char *why)
{
	struct outcome o;

	addresses[0] = "127.0.0.1";
	addresses[1] = NULL;
	server_up(s, "127.0.0.1");
	o = try(protocol, MAILCONN_STARTTLS, s->port, 20000, 0);
	server_down(s);
	assert_int_not_equal(o.code, ERR_OK);
	if (why)
		assert_string_equal(o.e.name, why);
	assert_true(s->visits > 0 && s->heard_bytes > 0);
	assert_null(strcasestr(s->heard, "AUTH"));
	assert_null(strcasestr(s->heard, "LOGIN"));
	assert_null(strstr(s->heard, "secret"));
}

/* F41: octets that came before TLS began are no answer to what is said within it: the connection is dropped. */
static void test_f41_injected_behind_starttls(void **state)
{
	struct server smtp = {.says = {"220 hello\r\n", "250-mail\r\n250 STARTTLS\r\n",
				       "220 go on\r\n250-mail\r\n250 AUTH PLAIN\r\n235 in\r\n",
				       "235 in\r\n"}};
	struct server imap = {
		.says = {"* OK hello\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\nA001 OK done\r\n",
			 "A002 OK go on\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA003 OK done\r\n"}};

	(void)state;
	never_in_clear(MAILCONN_SMTP, &smtp, NULL);
	assert_null(memchr(smtp.heard, 0x16, smtp.heard_bytes)); /* no handshake begun */
	never_in_clear(MAILCONN_IMAP, &imap, NULL);
	assert_null(memchr(imap.heard, 0x16, imap.heard_bytes));
}

/* F42: STARTTLS that is not offered, or refused, or answered before it was asked for: nothing is said in clear. */
static void test_f42_starttls_stripped(void **state)
{
	struct server cases[] = {
		{.says = {"220 hello\r\n", "250-mail\r\n250 AUTH PLAIN LOGIN\r\n", "235 in\r\n"}},
		{.says = {"220 hello\r\n", "250-mail\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n",
			  "454 TLS not available\r\n", "235 in\r\n"}},
		{.says = {"220 hello\r\n", "250-mail\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n",
			  "250 fine without\r\n", "235 in\r\n"}},
	};
	struct server imap[] = {
		{.says = {"* PREAUTH welcome\r\n", "A001 OK done\r\n", "A002 OK done\r\n"}},
		{.says = {"* OK hello\r\n", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA001 OK done\r\n",
			  "A002 OK in\r\n"}},
		{.says = {"* OK hello\r\n",
			  "* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\nA001 OK done\r\n",
			  "A002 NO not now\r\n", "A003 OK in\r\n"}},
		{.says = {"* OK hello\r\nA002 OK begin\r\nA003 OK in\r\n",
			  "* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\nA001 OK done\r\n"}},
	};

	(void)state;
	never_in_clear(MAILCONN_SMTP, &cases[0], "starttls_missing");
	for (size_t i = 1; i < sizeof(cases) / sizeof(cases[0]); i++)
		never_in_clear(MAILCONN_SMTP, &cases[i], NULL);
	for (size_t i = 0; i < sizeof(imap) / sizeof(imap[0]); i++)
		never_in_clear(MAILCONN_IMAP, &imap[i], NULL);
}

/* ---- F45 ---- */

/* Which address answered is told by its server; it speaks no TLS, so the try itself fails in the handshake. */
static void reaches_the_living(const char *first, const char *second, int64_t connect_ms,
			       int64_t address_ms)
{
	struct server alive = {.says = {"* OK no TLS here\r\n", ""}};
	struct outcome o;

	server_up(&alive, "127.0.0.1");
	addresses[0] = first;
	addresses[1] = second;
	addresses[2] = "127.0.0.1";
	addresses[3] = NULL;
	o = try(MAILCONN_IMAP, MAILCONN_TLS, alive.port, connect_ms, address_ms);
	server_down(&alive);
	assert_string_equal(o.e.name, "tls_failed");
	assert_int_equal(alive.visits, 1);
}

static void test_f45_name_not_found_for_now(void **state)
{
	struct outcome o;

	(void)state;
	addresses[0] = NULL;
	o = try(MAILCONN_IMAP, MAILCONN_TLS, 993, 20000, 0);
	assert_int_equal(o.code, ERR_TEMP);
	assert_string_equal(o.e.name, "host_not_found");
}

static void test_f45_addresses_that_refuse(void **state)
{
	(void)state;
	reaches_the_living("127.0.0.2", "127.0.0.3", 60000, 0);
	reaches_the_living("::1", "127.0.0.2", 60000, 0); /* IPv6 broken */
	reaches_the_living("2001:db8::1", "2001:db8::2", 60000, 0); /* or without a way */
}

static void test_f45_all_addresses_refuse(void **state)
{
	struct outcome o;
	uint16_t port = 0;

	(void)state;
	close(listen_at("127.0.0.1", &port)); /* one that is free */
	addresses[0] = "127.0.0.2";
	addresses[1] = "127.0.0.3";
	addresses[2] = NULL;
	o = try(MAILCONN_IMAP, MAILCONN_TLS, port, 20000, 0);
	assert_int_equal(o.code, ERR_TEMP);
	assert_string_equal(o.e.name, "connection_refused");
}

/* Fills the queue of a listener that nobody serves: from then on it answers nothing, as behind a firewall. */
static size_t fill(const char *address, uint16_t port, int held[HELD_MAX])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	size_t n = 0;

	assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
	while (n < HELD_MAX) {
		held[n] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(held[n++], (struct sockaddr *)&at, sizeof(at));
	}
	return n;
}

/* An address that swallows everything costs its own time, not half of all there is: with an hour for the whole, the
 * living one behind it is reached. */
static void test_f45_an_address_that_is_silent(void **state)
{
	struct server alive = {.says = {"* OK no TLS here\r\n", ""}};
	int held[HELD_MAX], silent;
	struct outcome o;
	size_t count;

	(void)state;
	server_up(&alive, "127.0.0.1");
	silent = listen_at("127.0.0.2", &alive.port);
	count = fill("127.0.0.2", alive.port, held);
	addresses[0] = "127.0.0.2";
	addresses[1] = "127.0.0.1";
	addresses[2] = NULL;
	o = try(MAILCONN_IMAP, MAILCONN_TLS, alive.port, 3600000, 1000);
	server_down(&alive);
	for (size_t i = 0; i < count; i++)
		close(held[i]);
	close(silent);
	assert_string_equal(o.e.name, "tls_failed");
	assert_int_equal(alive.visits, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_f41_injected_behind_starttls),
		cmocka_unit_test(test_f42_starttls_stripped),
		cmocka_unit_test(test_f45_name_not_found_for_now),
		cmocka_unit_test(test_f45_addresses_that_refuse),
		cmocka_unit_test(test_f45_all_addresses_refuse),
		cmocka_unit_test(test_f45_an_address_that_is_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
