/* mirror: the CRM's people, organizations and items as stored, and who may see them. */
#ifndef MW_GATEWAY_MIRROR_H
#define MW_GATEWAY_MIRROR_H

#include "gateway/http.h"
#include "gateway/json.h"

enum mirror_kind {
	MIRROR_PERSON,
	MIRROR_ORGANIZATION,
	MIRROR_DEAL,
	MIRROR_LEAD,
	MIRROR_PROJECT,
	MIRROR_USER,
	MIRROR_KINDS
};

struct mirror_def {
	const char *kind; /* "person": as in import lines */
	const char *plural; /* "people": as in paths */
	const char *key; /* key suffix of the hash */
	const char *prefix; /* of the field, "d:" for deals */
	const char *function; /* batch function of the Lua library */
	const struct json_field *fields;
};
const struct mirror_def *mirror_def(enum mirror_kind kind);
/* "deal" → MIRROR_DEAL; MIRROR_KINDS if unknown. */
enum mirror_kind mirror_kind_parse(struct span name);

/* The stored object (to json_decref), or NULL: not there, not visible to the viewer (nothing answered), or the store
 * failed (then e->code is not ERR_OK). A viewer without a user sees all of the company. */
json_t *mirror_get(struct http_request *r, enum mirror_kind kind, struct span id, struct err *e);
/* Of many: kinds[i], ids[i] → objects_out[i] (NULL: not there or not visible). One pipeline. */
MUST_USE enum err_code mirror_get_many(struct http_request *r, const enum mirror_kind *kinds,
				       const struct span *ids, size_t count, json_t **objects_out,
				       struct err *e);

/* Many of one kind, objects checked against the kind's fields, each with its id: indexes kept in the same call. At most
 * MIRROR_PUT_MAX. refused_out[i]: NULL, or why that one was refused (in the arena). */
#define MIRROR_PUT_MAX 256
struct mirror_item {
	struct span id; /* not the object's own member, or with a reference of the caller's on it */
	json_t *object; /* the caller's; made into what is stored: loses its id, gets what is ours alone */
};
MUST_USE enum err_code mirror_put(struct http_request *r, enum mirror_kind kind,
				  const struct mirror_item *items, size_t count,
				  const char **refused_out, struct err *e);

#endif
