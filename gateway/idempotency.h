/*
 * idempotency: a POST with `Idempotency-Key` is carried out once. {c}:idem:<hash of viewer, path and key> holds
 * `p <body hash>` for 60 s while it is worked on, then `d <body hash> <answer>` for 24 h; the answer is sealed with the
 * token key, since it may hold a fresh token. A refusal (4xx, 5xx) is not kept.
 */
#ifndef MW_GATEWAY_IDEMPOTENCY_H
#define MW_GATEWAY_IDEMPOTENCY_H

#include "gateway/http.h"

enum idempotency { IDEMPOTENCY_NONE, IDEMPOTENCY_BEGUN, IDEMPOTENCY_ANSWERED };

/* NONE: no key came. BEGUN: carry it out, then call idempotency_end. ANSWERED: answered again, or with a problem. */
enum idempotency idempotency_begin(struct http_request *r);
void idempotency_end(struct http_request *r);
/* A stable value of viewer, path and key, to derive ids from, so that a repeated request makes the same thing even if the
 * first one died half way. False: no key came. */
bool idempotency_digest(struct http_request *r, uint8_t digest_out[32]);
/* prefix and an id made of that value, or a random one if no key came; in the request's arena. */
struct span idempotency_id(struct http_request *r, const char *prefix);
/* One of several ids that follow from the first, the same whenever it is. */
struct span idempotency_id_nth(struct http_request *r, struct span first, size_t n);

#endif
