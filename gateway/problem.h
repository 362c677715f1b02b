/*
 * problem: answers that say no (RFC 9457): type, title, status, code, detail, remedy, retryAfter. `code` is stable; the
 * table of codes is problem_codes.h, from which the OpenAPI file lists them.
 */
#ifndef MW_GATEWAY_PROBLEM_H
#define MW_GATEWAY_PROBLEM_H

#include <jansson.h>

#include "common/base/err.h"
#include "gateway/problem_codes.h"

struct http_request;

enum problem {
#define PROBLEM_ENUM(name, code, status, title, remedy) PROBLEM_##name,
	PROBLEM_CODES(PROBLEM_ENUM)
#undef PROBLEM_ENUM
		PROBLEM_COUNT
};

struct problem_def {
	const char *code, *title, *remedy;
	unsigned status;
};

const struct problem_def *problem_def(enum problem problem);

/* Answers with the problem's status and application/problem+json. detail: one sentence about this case, for people; it
 * never holds what the viewer may not see. */
void problem_answer(struct http_request *r, enum problem problem, const char *detail, ...)
	__attribute__((format(printf, 3, 4)));
/* The one 404 for everything that is not there or not to be seen: same body always. */
void problem_not_found(struct http_request *r);
/* A failed call of store, blob or bus: 503 with retryAfter (temp, stale, again), 404 (gone), 413 (limit), else 500. */
void problem_from_err(struct http_request *r, const struct err *e);
/* Adds a member to the problem just answered; value is taken over. */
void problem_extend(struct http_request *r, const char *name, json_t *value);
/* retryAfter and the Retry-After header of the problem just answered. */
void problem_retry_after(struct http_request *r, int64_t seconds);
/* Another remedy or code than the table's for the problem just answered (findings of mail servers). */
void problem_remedy(struct http_request *r, const char *remedy);

#endif
