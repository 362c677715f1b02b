/* audit: changes of settings on record (CFG-01): who, when, from, to. Streams, capped; the function that makes a change writes it. */
#ifndef MW_GATEWAY_AUDIT_H
#define MW_GATEWAY_AUDIT_H

#include "gateway/json.h"
#include "gateway/http.h"

/* The entry as it is stored, of the members that differ; empty if none does. Either may be NULL: then it had none. */
struct span audit_entry(struct http_request *r, const json_t *before, const json_t *after);
/* Answers with a page of a record, newest first. */
void audit_answer(struct http_request *r, struct span key);
extern const struct json_field audit_answer_fields[];

#endif
