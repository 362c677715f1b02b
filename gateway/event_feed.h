/*
 * event_feed: the company's stream of references ({c}:ev) with what they refer to: entries of the accounts' journals.
 * Nothing here asks who may see it: event_view.h does.
 */
#ifndef MW_GATEWAY_EVENT_FEED_H
#define MW_GATEWAY_EVENT_FEED_H

#include "gateway/account.h"
#include "gateway/event_id.h"
#include "gateway/journal.h"

#define EVENT_FEED_MAX 128 /* references read at once */

/* All before event `next` of the reference at this stream id was delivered. All zero: the oldest kept. */
struct event_position {
	uint64_t ms, sequence;
	unsigned next;
};

/* A position as a client keeps it: sealed, another text each time, bound to company and user. */
void event_position_format(const struct http_request *r, const struct event_position *position,
			   struct buf *out);
bool event_position_parse(const struct http_request *r, struct span text,
			  struct event_position *position_out);

/* What is known of the company's accounts while a page is made. */
struct event_accounts {
	struct account_entry *entries;
	size_t count;
};

struct event_item {
	uint64_t ms, sequence; /* where it stands in the stream */
	/* An account's: */
	const struct account_entry *account; /* NULL: the company's own, or its account is gone */
	uint64_t n;
	struct journal_entry entry;
	/* The company's own: */
	struct span name; /* empty: an account's */
	struct span data; /* JSON */
	int64_t at_ms; /* of both */
};

/*
 * The next references from a position on, at most max (≤ EVENT_FEED_MAX), in order; what cannot be read (its account or
 * journal entry is gone) is left out. *at_out: behind the last one looked at. *end_out: there were no more.
 */
MUST_USE enum err_code event_feed_read(struct http_request *r,
				       const struct event_accounts *accounts,
				       const struct event_position *from, size_t max,
				       struct event_item *items_out, size_t *count_out,
				       struct event_position *at_out, bool *end_out, struct err *e);

/* One entry of an account's journal. *found_out false: it is no longer kept. */
MUST_USE enum err_code event_feed_entry(struct http_request *r, const struct account_entry *account,
					uint64_t n, struct journal_entry *entry_out,
					bool *found_out, struct err *e);

/* Right behind an event. *found_out false: it is no longer kept; position_out is then the oldest kept. */
MUST_USE enum err_code event_feed_find(struct http_request *r,
				       const struct event_accounts *accounts,
				       const struct event_ref *ref,
				       struct event_position *position_out, bool *found_out,
				       struct err *e);

#endif
