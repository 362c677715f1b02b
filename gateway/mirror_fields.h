/* mirror_fields: what the CRM's objects consist of, for PUT, import and the OpenAPI file. */
#ifndef MW_GATEWAY_MIRROR_FIELDS_H
#define MW_GATEWAY_MIRROR_FIELDS_H

#include "gateway/json.h"

extern const struct json_field mirror_person_fields[], mirror_org_fields[], mirror_item_fields[],
	mirror_user_fields[];
/* A user's preferences, PATCH and GET. */
extern const struct json_field mirror_preference_fields[];

#endif
