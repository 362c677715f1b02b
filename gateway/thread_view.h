/* thread_view: threads as the API shows them. */
#ifndef MW_GATEWAY_THREAD_VIEW_H
#define MW_GATEWAY_THREAD_VIEW_H

#include "gateway/mail_thread.h"

/* The thread object of the API for each thread: NULL for one that is not visible and, with unread_only, for a read one.
 * views_out[count]; new references. Preview, participants and unread are of the newest 20 messages. */
MUST_USE enum err_code thread_views(struct http_request *r, const struct mail_thread *threads,
				    size_t count, bool unread_only, json_t **views_out,
				    struct err *e);
/* The same of one. */
MUST_USE enum err_code thread_view(struct http_request *r, const struct mail_thread *thread,
				   json_t **view_out, struct err *e);

/* "d" → "deal"; "deal" → 'd', 0 if unknown. */
const char *thread_view_kind(struct span letter);
char thread_view_letter(struct span kind);

#endif
