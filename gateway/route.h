/*
 * route: the table of everything the API answers. Each route_<noun>.c has one array of struct route and gives it out as
 * `const struct route_table route_<noun>_table`, listed in routes.c. From the tables come the dispatch, the 405 answers
 * and /v1/openapi.json.
 */
#ifndef MW_GATEWAY_ROUTE_H
#define MW_GATEWAY_ROUTE_H

#include "gateway/auth.h"
#include "gateway/http.h"
#include "gateway/json.h"

enum route_flag {
	ROUTE_SLOW = 1, /* waits on others: runs on the slow workers */
	ROUTE_IDEMPOTENT = 2, /* a POST that honours Idempotency-Key (idempotency.h) */
	ROUTE_STREAMED = 4, /* the body is read by the handler as it arrives (upload.h) */
	ROUTE_PAGED =
		8, /* takes limit and cursor; for the OpenAPI file and the check of query names */
	ROUTE_OPEN_QUERY = 16, /* unknown query parameters are let through */
};

struct route {
	enum http_method method;
	/* Segments; {id} takes a client id (1–64 of A-Za-z0-9_.-: anything else is 404, or 400 for PUT); other names such
	 * as {thread}, {part} take any non-empty segment, percent-decoded, at most 512 octets ({token}: as long as a path). A literal segment goes
	 * before {…} of the same place. */
	const char *pattern;
	enum route_need need;
	unsigned scope; /* one SCOPE_, or SCOPE_NONE */
	unsigned flags;
	void (*handle)(struct http_request *r);
	const struct json_field *body; /* fields of the request's JSON object; NULL: no body */
	const struct json_field
		*query; /* its query parameters, beside limit and cursor; NULL: none */
	unsigned status; /* of success, for the OpenAPI file */
	const struct json_field *
		answer; /* fields of the answer for the OpenAPI file; NULL: an object not described */
	const char *summary; /* one sentence, for the OpenAPI file */
};

struct route_table {
	const char *tag; /* for the OpenAPI file: "threads" */
	const struct route *routes;
	size_t count;
};

#define ROUTE_TABLE(name, tag_text, array) \
	const struct route_table name = {  \
		.tag = tag_text, .routes = array, .count = sizeof(array) / sizeof((array)[0])}

/* Answers that route_match gives. allow_out: bit 1 << method for each method the path has (for 405's Allow). */
enum route_match_result { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };
enum route_match_result route_match(const struct route_table *const *tables, const char *path,
				    enum http_method method, struct arena *arena,
				    const struct route **route_out,
				    struct span ids_out[HTTP_IDS_MAX], unsigned *allow_out);
/* Finds r->route and r->ids; answers 404 and 405. */
bool route_find(struct http_request *r);
/* A worker's part: token, query names, body against the schema, idempotency, handler. Always answers. */
void route_run(struct http_request *r);

#endif
