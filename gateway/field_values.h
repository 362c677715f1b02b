/*
 * field_values: what the fields of a message stand for (SND-03): `person`, `organization`, `deal`, `lead`, `project`, `user`,
 * `account`, `recipient`, and whatever the request gives. What the viewer may not see has no value.
 */
#ifndef MW_GATEWAY_FIELD_VALUES_H
#define MW_GATEWAY_FIELD_VALUES_H

#include "gateway/outbox.h"
#include "gateway/template.h"

struct field_values {
	struct arena *arena;
	json_t *root; /* `person` → the object as the API shows it, and so on; `given` → as the request has it */
};

/*
 * For a message to its first `to`. Its `fields` may have personId, organizationId, dealId, leadId and projectId; all else in
 * them are values by name, which go before those of the mirror. Without a personId the person is whoever has the address.
 * False: a problem is answered. field_values_free in either case.
 */
bool field_values_load(struct http_request *r, const json_t *message,
		       const struct outbox_account *account, struct field_values *values_out);
void field_values_free(struct field_values *values);
/* For struct template_fields; ctx: the values. */
enum template_value field_values_get(void *ctx, struct span name, struct span *value_out);

#endif
