/* thread_view: threads as the API shows them. */
#ifndef MW_GATEWAY_THREAD_VIEW_H
#define MW_GATEWAY_THREAD_VIEW_H

#include "gateway/mail_thread.h"

/* The thread object of the API for each of the visible threads, in order, appended to data; those that are not visible
 * are passed over. unread_only leaves out the read ones. Preview, participants and unread are of the newest 20 messages. */
MUST_USE enum err_code thread_view_list(struct http_request *r, const struct mail_thread *threads,
					size_t count, bool unread_only, json_t *data,
					struct err *e);

/* "d" → "deal"; "deal" → 'd', 0 if unknown. */
const char *thread_view_kind(struct span letter);
char thread_view_letter(struct span kind);

#endif
