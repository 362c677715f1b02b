/*
 * mailconn: an authenticated, encrypted connection to a mail server, made by libcurl (CURLOPT_CONNECT_ONLY on imaps://,
 * smtps:// and smtp:// with required STARTTLS): DNS, TLS, SASL, proxies. Our own IMAP and SMTP run over it afterwards.
 *
 * All connections of a process live in one mailconn_pool (one curl_multi, one shared CA store, TLS read-ahead, released
 * buffers). Event driven: the pool tells which descriptors and which timeout it wants; the owner's loop calls back in.
 * libcurl swallows what follows the login's tagged OK in the same read: begin with a tagged command of your own (IMAP
 * CAPABILITY, SMTP EHLO) and ignore what comes before its answer.
 */
#ifndef MW_MAILCONN_MAILCONN_H
#define MW_MAILCONN_MAILCONN_H

#include <sys/socket.h>

#include "common/base/buf.h"
#include "common/base/err.h"

struct mailconn_pool;
struct mailconn;

enum mailconn_protocol { MAILCONN_IMAP, MAILCONN_SMTP };
/* MAILCONN_NONE: without TLS, to loopback addresses alone, for benchmarks (the caller's allow_plaintext). */
enum mailconn_security { MAILCONN_TLS, MAILCONN_STARTTLS, MAILCONN_NONE };

struct mailconn_target {
	enum mailconn_protocol protocol;
	enum mailconn_security security;
	const char *host;
	uint16_t port;
	const char *user;
	struct span password; /* UTF-8; copied, wiped on close */
	struct span
		bearer; /* OAuth access token instead of a password (XOAUTH2/OAUTHBEARER); n 0: none */
	const char *ca_file; /* NULL: the system's store */
	const char *ehlo; /* SMTP: our name */
	int64_t connect_ms; /* whole of DNS, TCP, TLS and login */
	int64_t address_ms; /* one address of the host, before the next is tried; 0: 10,000 */
	/* May this address be connected to? NULL: any. What counts is the address, whatever its name led to before. */
	bool (*allowed)(const struct sockaddr *address);
};

struct mailconn_pool_handlers {
	void *ctx;
	/* The owner's loop shall watch fd for readable (1) and/or writable (2); 0: stop watching. */
	void (*watch)(void *ctx, int fd, int events);
	/* Call mailconn_pool_timeout after this many ms; -1: no timer. */
	void (*timer)(void *ctx, int64_t ms);
};

MUST_USE enum err_code mailconn_pool_new(const struct mailconn_pool_handlers *handlers,
					 struct mailconn_pool **pool_out, struct err *e);
void mailconn_pool_free(struct mailconn_pool **pool);
void mailconn_pool_ready(struct mailconn_pool *pool, int fd, int events);
void mailconn_pool_timeout(struct mailconn_pool *pool);

/*
 * Starts connecting; done is called once, later, from the pool's calls. code ERR_OK: logged in, mailconn_fd is to be
 * watched by the owner itself from now on. Otherwise e has the ACC-02 name: host_not_found, connection_refused,
 * connection_timed_out, connection_closed, tls_failed, certificate_untrusted, wrong_credentials, token_refused, no_login_mechanism, app_password_needed,
 * host_not_allowed, login_disabled, rate_limited, too_many_connections, … and the server's own words (printable, cut).
 */
struct mailconn *mailconn_open(struct mailconn_pool *pool, const struct mailconn_target *target,
			       void (*done)(void *ctx, struct mailconn *conn, enum err_code code,
					    const struct err *e),
			       void *ctx);
void mailconn_close(struct mailconn **conn);
int mailconn_fd(const struct mailconn *conn);
/* Up to n bytes. ERR_OK with *n_out > 0; ERR_AGAIN: wait for readable (always read until this); ERR_PEER: closed. */
MUST_USE enum err_code mailconn_recv(struct mailconn *conn, void *p, size_t n, size_t *n_out,
				     struct err *e);
/* When nothing more can be read now: at least so many octets are still to come before the other side waits for us.
 * The descriptor may then become readable only when a good part of them is there (SO_RCVLOWAT), which spares both
 * sides a wake-up for every packet. Holds until the next call. */
void mailconn_expect(struct mailconn *conn, uint64_t bytes);
/* ERR_OK with *n_out ≥ 1 taken; ERR_AGAIN: wait for writable. */
MUST_USE enum err_code mailconn_send(struct mailconn *conn, struct span data, size_t *n_out,
				     struct err *e);
/* What the server said at login and greeting, printable, for findings. */
const char *mailconn_server_text(const struct mailconn *conn);
/* The least time the network took to answer, so far; 0 if the system does not say. */
int64_t mailconn_round_trip_us(const struct mailconn *conn);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
const char *mailconn_tls(const struct mailconn *conn);

#endif
