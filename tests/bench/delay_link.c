/*
 * delay_link PORT ROUND_TRIP_MS WINDOW_BYTES OCTETS_PER_SECOND: a far way to 127.0.0.1:PORT for measuring (OCTETS_PER_SECOND
 * 0: as fast as it goes). Prints the port it listens on, then carries every connection to it until it is ended.
 *
 * What is read at one end comes out at the other half a round trip later, in order, at the line's rate; of what was read
 * in the last round trip there are never more octets than the window, as TCP's would let through. The connection itself is
 * made without delay.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PIECE_BYTES (64u << 10)
#define WAYS_MAX 64u

struct piece {
	struct piece *next;
	int64_t out_us, freed_us; /* when it arrives; when that is known where it came from */
	size_t n, done;
	uint8_t bytes[PIECE_BYTES];
};

/* One direction of a connection. */
struct way {
	int from, to;
	struct piece *first, *last;
	struct piece *at; /* the first that is not through */
	size_t bytes; /* of the window, in use */
	int64_t line_us; /* until when the line is busy */
	bool ended, told; /* nothing more comes; the other end knows */
};

struct relay {
	int port, listener;
	int64_t half_us, window, rate;
	struct way ways[WAYS_MAX];
	size_t count; /* two a connection */
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in local(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons((uint16_t)port)};

	return address;
}

static void tune(int fd)
{
	int on = 1;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void accept_one(struct relay *r)
{
	struct sockaddr_in address = local(r->port);
	int near = accept(r->listener, NULL, NULL), far = socket(AF_INET, SOCK_STREAM, 0);

	if (near < 0 || far < 0 || r->count + 2 > WAYS_MAX)
		fail("accept");
	if (connect(far, (struct sockaddr *)&address, sizeof(address)) != 0)
		fail("connect");
	tune(near);
	tune(far);
	r->ways[r->count++] = (struct way){.from = near, .to = far};
	r->ways[r->count++] = (struct way){.from = far, .to = near};
}

static bool may_read(const struct relay *r, const struct way *w)
{
	return !w->ended && (int64_t)w->bytes < r->window;
}

static void take(struct relay *r, struct way *w, int64_t now)
{
	struct piece *p = malloc(sizeof(*p));
	ssize_t n;

	if (!p)
		fail("malloc");
	n = read(w->from, p->bytes, sizeof(p->bytes));
	if (n <= 0) {
		w->ended = n == 0 || (errno != EAGAIN && errno != EINTR);
		free(p);
		return;
	}
	p->next = NULL;
	p->n = (size_t)n;
	p->done = 0;
	w->line_us = (w->line_us > now ? w->line_us : now) + (r->rate ? n * 1000000 / r->rate : 0);
	p->out_us = w->line_us + r->half_us;
	p->freed_us = p->out_us + r->half_us;
	w->bytes += p->n;
	*(w->last ? &w->last->next : &w->first) = p;
	w->last = p;
	w->at = w->at ? w->at : p;
}

/* True: the socket is full. */
static bool bring(struct way *w, int64_t now)
{
	while (w->at && w->at->out_us <= now) {
		ssize_t n = send(w->to, w->at->bytes + w->at->done, w->at->n - w->at->done,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0)
			n = (ssize_t)(w->at->n - w->at->done); /* nobody is there any more */
		w->at->done += (size_t)n;
		if (w->at->done == w->at->n)
			w->at = w->at->next;
	}
	if (w->ended && !w->at && !w->told) {
		shutdown(w->to, SHUT_WR);
		w->told = true;
	}
	return false;
}

static void forget(struct way *w, int64_t now)
{
	while (w->first && w->first != w->at && w->first->freed_us <= now) {
		struct piece *p = w->first;

		w->first = p->next;
		w->last = w->first ? w->last : NULL;
		w->bytes -= p->n;
		free(p);
	}
}

/* Both directions of a connection are over. */
static void drop_over(struct relay *r)
{
	size_t i = 0;

	while (i < r->count) {
		if (!r->ways[i].told || !r->ways[i + 1].told) {
			i += 2;
			continue;
		}
		close(r->ways[i].from);
		close(r->ways[i].to);
		for (size_t k = i; k < i + 2; k++) {
			r->ways[k].at = NULL;
			forget(&r->ways[k], INT64_MAX);
		}
		memmove(&r->ways[i], &r->ways[i + 2], (r->count - i - 2) * sizeof(r->ways[0]));
		r->count -= 2;
	}
}

static void sooner(int64_t *wait, int64_t at, int64_t now)
{
	const int64_t left = at > now ? at - now : 0;

	if (*wait < 0 || left < *wait)
		*wait = left;
}

static void turn(struct relay *r)
{
	struct pollfd polls[1 + 2 * WAYS_MAX] = {{.fd = r->listener, .events = POLLIN}};
	const int64_t now = now_us();
	const size_t count = r->count;
	int64_t wait = -1;
	struct timespec t;

	for (size_t i = 0; i < count; i++) {
		struct way *w = &r->ways[i];
		const bool full = bring(w, now);

		forget(w, now);
		if (w->at && !full)
			sooner(&wait, w->at->out_us, now);
		if (w->first && w->first != w->at)
			sooner(&wait, w->first->freed_us, now);
		polls[1 + 2 * i] =
			(struct pollfd){.fd = may_read(r, w) ? w->from : -1, .events = POLLIN};
		polls[2 + 2 * i] = (struct pollfd){.fd = full ? w->to : -1, .events = POLLOUT};
	}
	t = (struct timespec){wait / 1000000, wait % 1000000 * 1000};
	if (ppoll(polls, 1 + 2 * count, wait < 0 ? NULL : &t, NULL) < 0 && errno != EINTR)
		fail("poll");
	for (size_t i = 0; i < count; i++)
		if (polls[1 + 2 * i].fd >= 0 && polls[1 + 2 * i].revents)
			take(r, &r->ways[i], now_us());
	drop_over(r);
	if (polls[0].revents)
		accept_one(r);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = local(0);
	socklen_t n = sizeof(address);
	static struct relay r;

	if (argc != 5) {
		fprintf(stderr, "usage: delay_link PORT ROUND_TRIP_MS WINDOW_BYTES "
				"OCTETS_PER_SECOND\n");
		return 2;
	}
	r.port = (int)strtol(argv[1], NULL, 10);
	r.half_us = strtoll(argv[2], NULL, 10) * 500;
	r.window = strtoll(argv[3], NULL, 10);
	r.rate = strtoll(argv[4], NULL, 10);
	r.listener = socket(AF_INET, SOCK_STREAM, 0);
	if (r.listener < 0 || bind(r.listener, (struct sockaddr *)&address, n) != 0 ||
	    listen(r.listener, 16) != 0 ||
	    getsockname(r.listener, (struct sockaddr *)&address, &n) != 0)
		fail("listen");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	for (;;)
		turn(&r);
}
