/*
 * event_view: events as one viewer has them: CloudEvents 1.0 envelopes. Who may see an event is asked when it is made,
 * on the records as they are then (SHR-06): of a thread's event visible(), of a mailbox's event whose it is. A company
 * token without acting user gets the company's events, ids alone of threads that are shared, and that one no longer
 * is; no viewer is told of what was left out: neither pages nor what is in them depend on it.
 */
#ifndef MW_GATEWAY_EVENT_VIEW_H
#define MW_GATEWAY_EVENT_VIEW_H

#include "gateway/event_feed.h"

/* Names wanted, as bits; 0: all. */
struct event_types {
	uint64_t bits;
};

/* "thread.linked,thread.shared". False: unknown_out (in the arena) is not a name of ours. */
bool event_types_parse(struct http_request *r, const char *text, struct event_types *types_out,
		       const char **unknown_out);

struct event_made {
	const char *name; /* a literal */
	char id[EVENT_ID_CHARS + 1];
	json_t *json; /* the envelope; to json_decref */
};

/*
 * The next events for this viewer, at most limit, from *at on, which is moved behind them; fewer only
 * if nothing is left to look at (*end_out) or looking took seconds. After an error nothing is given and *at is as it was.
 */
MUST_USE enum err_code event_view_next(struct http_request *r, struct event_types types,
				       size_t limit, struct event_position *at,
				       struct event_made *events_out, size_t *count_out,
				       bool *end_out, struct err *e);

#endif
