/* message_fields: what POST /v1/messages takes, and what the outbox shows. */
#ifndef MW_GATEWAY_MESSAGE_FIELDS_H
#define MW_GATEWAY_MESSAGE_FIELDS_H

#include "gateway/json.h"

extern const struct json_field message_post_fields[], outbox_answer_fields[];

#endif
