/* message_fields: what POST /v1/messages takes, what its check answers, and what the outbox shows. */
#ifndef MW_GATEWAY_MESSAGE_FIELDS_H
#define MW_GATEWAY_MESSAGE_FIELDS_H

#include "gateway/json.h"

extern const struct json_field message_post_fields[], message_check_answer_fields[],
	outbox_answer_fields[];

#endif
