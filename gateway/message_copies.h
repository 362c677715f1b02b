/* message_copies: one message to many separately (SND-12): the copies, one for each address in To, and what they share. Pure. */
#ifndef MW_GATEWAY_MESSAGE_COPIES_H
#define MW_GATEWAY_MESSAGE_COPIES_H

#include "gateway/message_findings.h"

#define MESSAGE_COPIES_MAX 500 /* as many as one outbox_put takes */

struct message_copies {
	json_t **items;
	size_t count;
};

/* What `separate` does not go with is a stop. */
void message_copies_check(const json_t *message, struct message_findings *findings);
/* message's members are shared by the copies, but for `to`: of each one address. message_copies_free. */
void message_copies_make(const json_t *message, struct message_copies *copies_out);
void message_copies_free(struct message_copies *copies);
/* Takes out of the copies the members that are the same in all, `to` excepted. At least one. A new reference. */
json_t *message_copies_share(struct message_copies *copies);

#endif
