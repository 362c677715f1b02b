/* webhook_store: endpoints in Redis (webhook.lua): their records, how far each has come, and what came of its requests. */
#ifndef MW_GATEWAY_WEBHOOK_STORE_H
#define MW_GATEWAY_WEBHOOK_STORE_H

#include "gateway/http.h"
#include "gateway/webhook.h"

#define WEBHOOK_COMPANY_MAX 200 /* endpoints of one company */
#define WEBHOOK_LEASE_MS 40000 /* longer than a request may take */

struct webhook_state {
	struct span epoch, at_text; /* what a lease and an end are about */
	struct event_position at; /* all before it was delivered */
	uint64_t failures; /* since the last delivery */
	uint64_t delivered; /* events, ever */
	int64_t failing_ms, next_ms, tried_ms, delivered_ms, stopped_ms; /* Unix time; 0: none */
	unsigned status; /* of the last attempt; 0: no answer */
	struct span error; /* of the last attempt, empty if it went well */
	struct span stopped; /* why it was turned off: `failed`, `gone`; empty: it was not */
};

/* One of r's company with its state. False with e->code ERR_OK: not there. */
bool webhook_load(struct http_request *r, struct span id, struct webhook *webhook_out,
		  struct webhook_state *state_out, struct span *json_out, struct err *e);
/* Ids of the company's, with their records: pairs in reply_out. */
MUST_USE enum err_code webhook_list(struct http_request *r, struct store_reply *reply_out,
				    struct err *e);
/* Many at once: states_out[count]. */
MUST_USE enum err_code webhook_states(struct http_request *r, const struct span *ids, size_t count,
				      struct webhook_state *states_out, struct err *e);

/* Calls gateway_1_webhook_<verb> of r's company: the answer's text, or its number in digits. */
MUST_USE enum err_code webhook_call(struct http_request *r, const char *function,
				    const struct span *args, size_t count, struct span *answer_out,
				    struct err *e);
/* Behind the newest event. */
MUST_USE enum err_code webhook_now(struct http_request *r, struct event_position *position_out,
				   struct err *e);

/* What came of one request: an entry of {c}:whd:<id>. */
struct webhook_delivery {
	int64_t at_ms, duration_ms;
	struct span id, type; /* webhook-id; type of the first event */
	uint64_t events, attempt;
	unsigned status;
	struct span error; /* empty: delivered */
	int64_t next_ms;
};

struct span webhook_delivery_write(struct arena *arena, const struct webhook_delivery *delivery);
bool webhook_delivery_read(struct span packed, struct webhook_delivery *delivery_out);

#endif
