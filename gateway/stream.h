/*
 * stream: answers made over time (long poll, server-sent events). While nothing is to be sent the connection is parked
 * and costs no thread.
 */
#ifndef MW_GATEWAY_STREAM_H
#define MW_GATEWAY_STREAM_H

#include "gateway/http.h"

enum stream_verdict {
	STREAM_MORE, /* nothing else for now */
	STREAM_AGAIN, /* there is more already: call again soon, when what was made is on its way */
	STREAM_END,
};

struct http_stream_def {
	/*
	 * Runs on a worker, never twice at once for one stream: right after the answer, whenever it is woken, and every
	 * every_ms. Appends what is to be sent now to out (nothing is fine); STREAM_END ends the answer after that.
	 * r is the request that asked: its viewer, query and arena live on; r->store is this worker's store.
	 */
	enum stream_verdict (*next)(struct http_request *r, void *ctx, struct buf *out);
	void (*free)(void *ctx); /* may be NULL */
	int64_t every_ms; /* at least 100 */
};

/* Answers with a body made by def->next; def is static, ctx is taken over (freed by def->free, also on disconnect). */
void http_answer_stream(struct http_request *r, unsigned status, const char *type,
			const struct http_stream_def *def, void *ctx);

/* Wakes the streams of a company (empty: all). Any thread. Called by the bus client when "events" rings. */
void http_streams_wake(struct http_streams *streams, struct span company);

#endif
