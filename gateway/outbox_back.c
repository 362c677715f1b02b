#include "gateway/outbox_back.h"

#include <stdlib.h>

#include "common/base/address.h"
#include "common/base/code.h"
#include "gateway/json.h"

/* The public id of the message whose id stands there in hex; NULL if none does. */
static const char *message_id(struct http_request *r, struct span account, const char *hex)
{
	char text[ID_CHARS + 1], two[3] = "";
	struct id id;

	if (!hex || strlen(hex) != 2 * (size_t)ID_BYTES)
		return NULL;
	for (size_t i = 0; i < ID_BYTES; i++) {
		memcpy(two, hex + 2 * i, 2);
		id.b[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	id_format(&id, text);
	return arena_printf(r->arena, "%.*s~%s", (int)account.n, (const char *)account.p, text);
}

static void put_one(struct http_request *r, struct span account, const json_t *back,
		    json_t *recipient)
{
	const char *what = json_get_text(back, "what"), *status = json_get_text(back, "status");

	if (!what || !status)
		return;
	if (strcmp(what, "bounced") == 0 && status[0] == '5')
		json_object_set_new(recipient, "status", json_string("bounced"));
	json_object_set_new(
		recipient, "back",
		json_pack("{s:s s:s? s:o s:s?}", "what", what, "status", *status ? status : NULL,
			  "at", json_from_time(json_integer_value(json_object_get(back, "at"))),
			  "messageId", message_id(r, account, json_get_text(back, "id"))));
}

void outbox_back_put(struct http_request *r, struct span account, struct span back,
		     json_t *submission)
{
	json_t *known = back.n ? json_loadb((const char *)back.p, back.n, 0, NULL) : NULL;
	json_t *list = json_object_get(submission, "recipients"), *recipient;
	size_t i;

	json_array_foreach(list, i, recipient)
	{
		const char *email = json_get_text(recipient, "email");
		char normal[ADDRESS_MAX + 1];
		json_t *one;

		if (!known || !email || !address_normalize(span_cstr(email), normal))
			continue;
		one = json_object_get(known, normal);
		if (one)
			put_one(r, account, one, recipient);
	}
	json_decref(known);
}
