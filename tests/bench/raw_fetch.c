/*
 * raw_fetch HOST PORT USER PASSWORD CAFILE [MAILBOX]: the limit that any IMAP client has here. Logs in over TLS, asks for
 * every message of the mailbox in one command, throws the bytes away, prints `messages bytes`.
 */
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

/* Reads until the tagged answer; its text up to LINE_BYTES is left in tail. */
static int read_answer(SSL *ssl, const char *tag, struct tail *tail, uint64_t *bytes)
{
	static char chunk[CHUNK_BYTES];

	tail->n = 0;
	while (!tail_is_tagged(tail, tag)) {
		int n = SSL_read(ssl, chunk, sizeof(chunk));

		if (n <= 0)
			return fail("the server closed the connection");
		*bytes += (uint64_t)n;
		tail_add(tail, chunk, (size_t)n);
	}
	return 0;
}

static int command(SSL *ssl, const char *tag, const char *text, struct tail *tail, uint64_t *bytes)
{
	char line[LINE_BYTES];
	int n = snprintf(line, sizeof(line), "%s %s\r\n", tag, text);

	if (n < 0 || (size_t)n >= sizeof(line) || SSL_write(ssl, line, n) != n)
		return fail("write failed");
	if (read_answer(ssl, tag, tail, bytes) != 0)
		return -1;
	line[0] = '\0';
	snprintf(line, sizeof(line), "\n%s OK", tag);
	return memmem(tail->p, tail->n, line, strlen(line)) ||
			       memcmp(tail->p, line + 1, strlen(line) - 1) == 0
		       ? 0
		       : fail("the server refused a command");
}

static uint64_t exists_of(const struct tail *tail)
{
	const char *end = memmem(tail->p, tail->n, " EXISTS\r\n", 9), *p = end;

	while (p && p > tail->p && p[-1] >= '0' && p[-1] <= '9')
		p--;
	return p ? strtoull(p, NULL, 10) : 0;
}

static int session(SSL *ssl, char **argv, const char *mailbox)
{
	struct tail tail = {.n = 0};
	uint64_t bytes = 0, count;
	char text[LINE_BYTES / 2];

	snprintf(text, sizeof(text), "LOGIN \"%s\" \"%s\"", argv[3], argv[4]);
	if (command(ssl, "raw1", text, &tail, &bytes) != 0)
		return 1;
	snprintf(text, sizeof(text), "EXAMINE \"%s\"", mailbox);
	if (command(ssl, "raw2", text, &tail, &bytes) != 0)
		return 1;
	count = exists_of(&tail);
	bytes = 0;
	if (command(ssl, "raw3", "UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])",
		    &tail, &bytes) != 0)
		return 1;
	printf("%llu %llu\n", (unsigned long long)count, (unsigned long long)bytes);
	return 0;
}

int main(int argc, char **argv)
{
	SSL_CTX *ctx;
	SSL *ssl;
	int status = 1;

	if (argc < 6) {
		fprintf(stderr, "usage: raw_fetch HOST PORT USER PASSWORD CAFILE [MAILBOX]\n");
		return 2;
	}
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx || SSL_CTX_load_verify_locations(ctx, argv[5], NULL) != 1)
		return fail("CA file") ? 1 : 0;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	ssl = tls_open(ctx, argv[1], argv[2]);
	if (ssl) {
		status = session(ssl, argv, argc > 6 ? argv[6] : "INBOX");
		SSL_free(ssl);
	}
	SSL_CTX_free(ctx);
	return status;
}
