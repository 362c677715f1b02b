/*
 * raw_fetch HOST PORT USER PASSWORD CAFILE [BATCH [FILE]]: the limit that any IMAP client has here. Logs in over TLS, asks
 * for every message of INBOX in one command, throws the bytes away, prints `messages bytes`. With a BATCH it asks for so
 * many messages a command, four commands at once, newest first (0: all in one). With a FILE the bytes are kept there, as
 * raw_keep.h says: what no program can spare that stores mail durably and sealed.
 */
#include "tests/bench/raw_keep.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK_BYTES (256u << 10)
#define LINE_BYTES 4096
#define COMMANDS 4u /* outstanding */

/* One connection and what becomes of what it brings. */
struct session {
	SSL *ssl;
	struct keep *keep; /* NULL: nothing */
	uint64_t bytes;
};

/* The last bytes of the stream: enough to see a tagged line. */
struct tail {
	char p[LINE_BYTES];
	size_t n;
};

static int fail(const char *what)
{
	fprintf(stderr, "raw_fetch: %s\n", what);
	ERR_print_errors_fp(stderr);
	return -1;
}

static int connect_to(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
	int fd = -1;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		return fail("host not found");
	for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	return fd < 0 ? fail("no connection") : fd;
}

static SSL *tls_open(SSL_CTX *ctx, const char *host, const char *port)
{
	int fd = connect_to(host, port);
	SSL *ssl = fd < 0 ? NULL : SSL_new(ctx);

	if (!ssl)
		return NULL;
	SSL_set_fd(ssl, fd);
	SSL_set_read_ahead(ssl, 1);
	if (SSL_connect(ssl) != 1) {
		fail("TLS failed");
		SSL_free(ssl);
		close(fd);
		return NULL;
	}
	return ssl;
}

static void tail_add(struct tail *tail, const char *p, size_t n)
{
	size_t keep;

	if (n >= LINE_BYTES) {
		memcpy(tail->p, p + n - LINE_BYTES, LINE_BYTES);
		tail->n = LINE_BYTES;
		return;
	}
	keep = tail->n + n > LINE_BYTES ? LINE_BYTES - n : tail->n;
	memmove(tail->p, tail->p + tail->n - keep, keep);
	memcpy(tail->p + keep, p, n);
	tail->n = keep + n;
}

/* The stream ends with a whole line that begins with the tag. */
static bool tail_is_tagged(const struct tail *tail, const char *tag)
{
	size_t at = tail->n;

	if (at < 2 || tail->p[at - 1] != '\n')
		return false;
	for (at--; at > 0 && tail->p[at - 1] != '\n'; at--)
		;
	return tail->n - at > strlen(tag) && memcmp(tail->p + at, tag, strlen(tag)) == 0;
}

static int receive(struct session *s, char *chunk, size_t room)
{
	int n = SSL_read(s->ssl, chunk, (int)room);

	if (n <= 0)
		return fail("the server closed the connection");
	s->bytes += (uint64_t)n;
	if (s->keep)
		keep_add(s->keep, chunk, (size_t)n);
	return n;
}

/* Reads until the tagged answer; its text up to LINE_BYTES is left in tail. */
static int read_answer(struct session *s, const char *tag, struct tail *tail)
{
	static char chunk[CHUNK_BYTES];

	tail->n = 0;
	while (!tail_is_tagged(tail, tag)) {
		int n = receive(s, chunk, sizeof(chunk));

		if (n < 0)
			return -1;
		tail_add(tail, chunk, (size_t)n);
	}
	return 0;
}

static int ask(struct session *s, const char *tag, const char *text)
{
	char line[LINE_BYTES];
	int n = snprintf(line, sizeof(line), "%s %s\r\n", tag, text);

	if (n < 0 || (size_t)n >= sizeof(line) || SSL_write(s->ssl, line, n) != n)
		return fail("write failed");
	return 0;
}

static int command(struct session *s, const char *tag, const char *text, struct tail *tail)
{
	char line[LINE_BYTES];

	if (ask(s, tag, text) != 0 || read_answer(s, tag, tail) != 0)
		return -1;
	snprintf(line, sizeof(line), "\n%s OK", tag);
	return memmem(tail->p, tail->n, line, strlen(line)) ||
			       memcmp(tail->p, line + 1, strlen(line) - 1) == 0
		       ? 0
		       : fail("the server refused a command");
}

/* The answers in what was read, whose last octets are kept for what is read next. */
static size_t answers(char *held, size_t *n, const char *mark)
{
	const size_t length = strlen(mark);
	size_t found = 0, rest;
	char *at = held, *next;

	while ((next = memmem(at, *n - (size_t)(at - held), mark, length)) != NULL) {
		at = next + length;
		found++;
	}
	rest = *n - (size_t)(at - held);
	rest = rest < length - 1 ? rest : length - 1;
	memmove(held, held + *n - rest, rest);
	*n = rest;
	return found;
}

static int fetch_batches(struct session *s, uint64_t count, uint64_t batch)
{
	static char held[CHUNK_BYTES];
	size_t outstanding = 0, n = 0;
	char text[LINE_BYTES / 2];

	while (count > 0 || outstanding > 0) {
		for (; count > 0 && outstanding < COMMANDS; outstanding++) {
			const uint64_t low = count > batch ? count - batch + 1 : 1;

			snprintf(text, sizeof(text),
				 "FETCH %llu:%llu (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])",
				 (unsigned long long)low, (unsigned long long)count);
			if (ask(s, "raw-window", text) != 0)
				return -1;
			count = low - 1;
		}
		int more = receive(s, held + n, sizeof(held) - n);

		if (more < 0)
			return -1;
		n += (size_t)more;
		outstanding -= answers(held, &n, "\nraw-window OK ");
	}
	return 0;
}

static uint64_t exists_of(const struct tail *tail)
{
	const char *end = memmem(tail->p, tail->n, " EXISTS\r\n", 9), *p = end;

	while (p && p > tail->p && p[-1] >= '0' && p[-1] <= '9')
		p--;
	return p ? strtoull(p, NULL, 10) : 0;
}

static int session(struct session *s, char **argv, uint64_t batch)
{
	struct tail tail = {.n = 0};
	uint64_t count;
	char text[LINE_BYTES / 2];
	struct keep *keep = s->keep;

	s->keep = NULL;
	snprintf(text, sizeof(text), "LOGIN \"%s\" \"%s\"", argv[3], argv[4]);
	if (command(s, "raw1", text, &tail) != 0 || command(s, "raw2", "EXAMINE INBOX", &tail) != 0)
		return 1;
	count = exists_of(&tail);
	s->bytes = 0;
	s->keep = keep;
	if ((batch ? fetch_batches(s, count, batch)
		   : command(s, "raw3",
			     "UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])",
			     &tail)) != 0)
		return 1;
	printf("%llu %llu\n", (unsigned long long)count, (unsigned long long)s->bytes);
	return 0;
}

int main(int argc, char **argv)
{
	SSL_CTX *ctx;
	struct session s = {.bytes = 0};
	int status = 1;

	if (argc < 6) {
		fprintf(stderr, "usage: raw_fetch HOST PORT USER PASSWORD CAFILE [BATCH [FILE]]\n");
		return 2;
	}
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx || SSL_CTX_load_verify_locations(ctx, argv[5], NULL) != 1)
		return fail("CA file") ? 1 : 0;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	s.ssl = tls_open(ctx, argv[1], argv[2]);
	if (s.ssl) {
		s.keep = argc > 7 ? keep_open(argv[7]) : NULL;
		status = session(&s, argv, argc > 6 ? strtoull(argv[6], NULL, 10) : 0);
		keep_close(s.keep);
		SSL_free(s.ssl);
	}
	SSL_CTX_free(ctx);
	return status;
}
