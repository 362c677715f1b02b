/*
 * http: one request and its answer, without any server: a handler sees only this. The server (server.h) fills the
 * request, a worker thread runs the handler, the server sends the answer. A handler answers exactly once, by one of
 * the http_answer_ functions, page_answer or problem_answer; a later answer replaces an earlier one.
 */
#ifndef MW_GATEWAY_HTTP_H
#define MW_GATEWAY_HTTP_H

#include <jansson.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/store/store.h"
#include "gateway/app.h"
#include "gateway/auth.h"

enum http_method { HTTP_GET = 0, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_METHODS };

#define HTTP_IDS_MAX 4 /* {…} in one pattern */
#define HTTP_HEADERS_MAX 8 /* headers of one answer beside the standing ones */
#define HTTP_ANSWER_MAX (66u << 20)

struct http_pair {
	const char *name, *value;
};

struct http_pairs {
	struct http_pair *items;
	size_t count;
};

struct http_stream_def;
struct http_upload;
struct route;

struct http_answer {
	unsigned status; /* 0: nothing answered yet */
	const char *type;
	struct buf body;
	struct http_pair
		headers[HTTP_HEADERS_MAX]; /* names are literals, values live in the arena */
	size_t header_count;
	const struct http_stream_def *stream; /* NULL: body is all there is (stream.h) */
	void *stream_ctx;
};

struct http_request {
	struct app *app;
	struct arena *arena; /* lives as long as the request */
	struct store *store; /* the worker's own: set while the handler runs */
	enum http_method method;
	bool head; /* a GET that was a HEAD */
	const char *peer; /* the address it came from, without a port; NULL: not known */
	const char *path; /* as sent, percent-encoded, without the query */
	struct http_pairs query, headers; /* query decoded */
	const struct route *route; /* the matched line of the table */
	struct span ids[HTTP_IDS_MAX]; /* what its {…} matched, decoded, in order */
	struct viewer viewer; /* who asks; the route's need and scope are already checked */
	struct span body; /* as sent; empty for a route with ROUTE_STREAMED */
	json_t *json; /* the body, parsed and checked against route->body; NULL without one */
	struct http_upload *upload; /* the body of a ROUTE_STREAMED route (upload.h) */
	int64_t now_ms; /* wall clock at arrival */
	int64_t deadline_mono_ms; /* answer before; blocking calls get what is left of it */
	struct http_answer answer;
};

/* NULL if absent. Header names in any case. */
const char *http_query(const struct http_request *r, const char *name);
const char *http_header(const struct http_request *r, const char *name);
/* Query parameter that is true: `1`, `true`, `yes` or empty value. */
bool http_query_true(const struct http_request *r, const char *name);
/* What is left of the request's time, at least 1. */
int64_t http_left_ms(const struct http_request *r);

/* json is taken over. */
void http_answer_json(struct http_request *r, unsigned status, json_t *json);
/* Ready-made JSON text. */
void http_answer_json_text(struct http_request *r, unsigned status, struct span text);
/* body is moved out of: it is empty afterwards. type is a literal or lives in the arena. */
void http_answer_bytes(struct http_request *r, unsigned status, const char *type, struct buf *body);
void http_answer_empty(struct http_request *r, unsigned status);
/* Adds a header; value is copied. Refuses (returns false, adds nothing) a value with CR, LF or NUL. */
bool http_answer_header(struct http_request *r, const char *name, const char *value);

/* For the server and tests: makes and frees a request without transport. */
struct http_request *http_request_new(struct app *app, enum http_method method, const char *uri);
void http_request_free(struct http_request **r);
/* Splits uri at '?', decodes the query into r->query. False: bad percent-encoding or a NUL in it. */
bool http_request_uri(struct http_request *r, const char *uri);
/* Decodes %XX (and, with plus, '+' to blank). False on a bad code or %00. */
bool http_decode(struct arena *arena, struct span s, bool plus, struct span *out);

#endif
