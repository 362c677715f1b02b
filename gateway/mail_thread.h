/*
 * mail_thread: threads as a viewer has them: loaded from the account's own records, resolved through merges, and asked
 * visible() at this moment. Whoever reads mail starts here.
 */
#ifndef MW_GATEWAY_MAIL_THREAD_H
#define MW_GATEWAY_MAIL_THREAD_H

#include "gateway/account.h"
#include "gateway/http.h"
#include "gateway/thread_state.h"
#include "gateway/visible.h"

struct mail_ref {
	const struct account_entry *account;
	struct id id;
};

struct mail_thread {
	const struct account_entry *account;
	struct id id; /* of the survivor, if the one asked for was merged */
	enum visibility
		visibility; /* VISIBLE_NONE: not there, or not for this viewer; nothing else is set then */
	struct thread_state state;
	/* What of the thread's ties this viewer may know: all for its owner. */
	bool link_seen, person_seen;
	bool *people_seen; /* state.people_count */
};

/* Many at once: at most 200. Two round trips: the threads; and, if some are in mailboxes of others, what of the mirror they
 * are tied to. What is not there and what the viewer may not see cost the same. */
MUST_USE enum err_code mail_threads_load(struct http_request *r, const struct mail_ref *refs,
					 size_t count, struct mail_thread *threads_out,
					 struct err *e);
/* One by its id in the API. False: a problem is answered: 404 for what is not there or not visible. */
bool mail_thread_get(struct http_request *r, struct span public_id, struct mail_thread *thread_out);
/* As above, for a change: 403 not_owner for who sees it but does not own it. */
bool mail_thread_own(struct http_request *r, struct span public_id, struct mail_thread *thread_out);
/* `<account>~<id>` of a thread or message, in the arena. */
char *mail_public_id(struct http_request *r, const struct account_entry *account,
		     const struct id *id);
/* The key or tag of the account's slot. */
struct span mail_key(struct http_request *r, const struct account_entry *account,
		     const char *suffix);
struct span mail_tag(struct http_request *r, const struct account_entry *account);

#endif
