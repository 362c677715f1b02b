#include "gateway/suppression.h"

#include "common/base/address.h"
#include "common/store/keys.h"
#include "gateway/json.h"

#define LOOKED_AT_MAX 1500 /* recipients of a message: three lists of 500 */

struct looked_at {
	const char *field, *email;
	struct span normal;
};

static size_t collect(struct http_request *r, const json_t *message, struct looked_at *list)
{
	static const char *const fields[] = {"to", "cc", "bcc"};
	size_t count = 0;

	for (size_t l = 0; l < sizeof(fields) / sizeof(*fields); l++) {
		const json_t *addresses = json_object_get(message, fields[l]);

		for (size_t i = 0; i < json_array_size(addresses) && count < LOOKED_AT_MAX; i++) {
			const char *email = json_get_text(json_array_get(addresses, i), "email");
			char normal[ADDRESS_MAX + 1];

			if (email && address_normalize(span_cstr(email), normal))
				list[count++] = (struct looked_at){
					fields[l], email, arena_span(r->arena, span_cstr(normal))};
		}
	}
	return count;
}

static void say(const struct looked_at *recipient, struct span stored,
		struct message_findings *findings)
{
	json_t *entry = json_loadb((const char *)stored.p, stored.n, 0, NULL);
	const char *reason = json_get_text(entry, "reason");

	message_findings_stop(findings, PROBLEM_SUPPRESSED_RECIPIENT, recipient->field,
			      "Nothing is sent to %.200s any more (%.20s)", recipient->email,
			      reason ? reason : "listed");
	json_decref(entry);
}

bool suppression_check(struct http_request *r, const json_t *message,
		       struct message_findings *findings)
{
	struct span key = key_company(r->arena, r->viewer.company, KEY_C_SUPPRESSED);
	struct looked_at *list = arena_array(r->arena, LOOKED_AT_MAX, sizeof(*list));
	size_t count = collect(r, message, list);
	struct store_command *commands = arena_array(r->arena, count, sizeof(*commands));
	struct store_reply *replies = arena_array(r->arena, count, sizeof(*replies));
	struct err e;

	for (size_t i = 0; i < count; i++)
		commands[i] = store_command(r->arena, "HGET %b %b", key, list[i].normal);
	if (count && store_pipeline(r->store, commands, count, r->arena, replies, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (replies[i].type == STORE_STRING)
			say(&list[i], replies[i].string, findings);
	return true;
}
