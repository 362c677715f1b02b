/*
 * relink: what a thread would be tied to if its messages came today (LNK-03): each message is decided again, the oldest first,
 * by the people and open items of this moment and whatever its time; the first that links decides. Done on request alone.
 * A decision of before, by hand or not, stays; people are only added.
 */
#ifndef MW_GATEWAY_RELINK_H
#define MW_GATEWAY_RELINK_H

#include "gateway/mail_thread.h"

/* Everything is in the request's arena. */
struct relink_plan {
	struct span kind, item; /* letter and id to link to; empty: none */
	struct span
		reason; /* why it is not linked, or "already_linked", "manual_unlink"; empty if kind is set */
	struct span person; /* of record, if the thread has none; else empty */
	struct span *people; /* matched now, not on the thread before */
	size_t people_count;
	size_t messages; /* that were decided */
	size_t undecided; /* that could not be read */
	struct span *candidates; /* "d:ID", open items of the message that the reason is of */
	size_t candidate_count;
};

/* Reads all messages of the thread, 64 at a time. False: a problem is answered. */
bool relink_plan_make(struct http_request *r, const struct mail_thread *thread,
		      struct relink_plan *plan_out);
/* Does the plan change anything? */
bool relink_plan_changes(const struct relink_plan *plan);
/* Does it; what was decided by others since the plan was made stays. False: a problem is answered. */
bool relink_apply(struct http_request *r, const struct mail_thread *thread,
		  const struct relink_plan *plan);

#endif
