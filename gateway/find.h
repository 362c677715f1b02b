/* find: where a message is that somebody misses, or why it is not here (SYN-11). For the mailbox's people alone. */
#ifndef MW_GATEWAY_FIND_H
#define MW_GATEWAY_FIND_H

#include "gateway/account.h"
#include "gateway/json.h"
#include "gateway/mail_message.h"

void find_get(struct http_request *r);
extern const struct json_field find_query_fields[], find_answer_fields[];

/* find_stored.c: all that is stored under this Message-ID (without angle brackets); *count_out 0 if nothing is, or if it
 * is not the viewer's. The arrays live in the arena. */
MUST_USE enum err_code find_same_id(struct http_request *r, const struct account_entry *account,
				    struct span message_id, struct mail_thread *thread_out,
				    struct mail_message **messages_out, size_t *count_out,
				    struct err *e);
/* find_stored.c: the message of this Message-ID (without angle brackets) among what is stored, wherever the provider has
 * it now: message and thread by their ids in the API, NULL if there is none. False: a problem is answered. */
bool find_stored(struct http_request *r, const struct account_entry *account,
		 struct span message_id, const char **message_out, const char **thread_out);

#endif
