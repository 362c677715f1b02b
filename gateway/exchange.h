/*
 * exchange: one request on its connection, between the server's threads and a worker. For server.c, exchange.c and
 * stream.c alone.
 *
 * Two holders: libmicrohttpd (from the first line to its completed call) and the job that is queued or running. `parked`
 * is true exactly while the connection is suspended; who sets it back to false resumes. All under `lock`.
 */
#ifndef MW_GATEWAY_EXCHANGE_H
#define MW_GATEWAY_EXCHANGE_H

#include <microhttpd.h>
#include <pthread.h>

#include "gateway/http.h"
#include "gateway/stream.h"
#include "gateway/worker.h"

struct exchange {
	struct worker_job job; /* first: a job is its exchange */
	pthread_mutex_t lock;
	unsigned holders;
	struct MHD_Connection *connection;
	struct app *app;
	struct worker_pool *pool; /* where it runs */
	struct http_request *request;
	const char *uri; /* until the request is made */
	struct buf body;
	uint64_t received; /* octets of the body, kept or not */
	int64_t body_deadline_mono_ms;
	bool begun; /* the first call was made */
	bool refused; /* answered before the body was read */
	bool busy; /* a job is queued or running */
	bool parked; /* the connection is suspended */
	bool ready; /* the answer can be sent */
	bool closed; /* libmicrohttpd is done with it */
	/* streams */
	struct buf out;
	bool wake; /* asked for again while busy */
	bool ended;
	int64_t due_mono_ms;
	struct exchange *previous, *next; /* in http_streams */
};

struct exchange *exchange_new(struct app *app, const char *uri);
void exchange_hold(struct exchange *x);
void exchange_release(struct exchange *x);
/* With the lock held: suspend, and resume if suspended. */
void exchange_park(struct exchange *x);
void exchange_unpark(struct exchange *x);
/* Queues a job; with the lock held, not busy. False: too many. */
bool exchange_put(struct exchange *x, void (*run)(struct worker_job *job, struct store *store));
/* The job of an ordinary request. */
void exchange_run(struct worker_job *job, struct store *store);

/* stream.c: the set of all streams. */
struct http_streams *http_streams_new(void);
void http_streams_free(struct http_streams **streams);
/* After the handler answered with a stream, on its worker: the first `next`, then it is in the set. */
void http_streams_begin(struct http_streams *streams, struct exchange *x);
void http_streams_remove(struct http_streams *streams, struct exchange *x);
/* libmicrohttpd's reader of the body. */
ssize_t http_streams_read(void *ctx, uint64_t at, char *p, size_t n);
void http_streams_tick(struct http_streams *streams, int64_t now_mono_ms);
/* Ends all, and each that begins later. */
void http_streams_end(struct http_streams *streams);

#endif
