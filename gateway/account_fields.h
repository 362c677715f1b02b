/* account_fields: what the API takes and shows of a mail account. */
#ifndef MW_GATEWAY_ACCOUNT_FIELDS_H
#define MW_GATEWAY_ACCOUNT_FIELDS_H

#include "gateway/json.h"

extern const struct json_field account_change_fields[], account_post_fields[],
	account_verify_fields[], account_patch_fields[], account_reauthenticate_fields[],
	account_answer_fields[];

#endif
