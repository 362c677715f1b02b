#include "gateway/message_copies.h"

#include <stdlib.h>
#include <string.h>

void message_copies_check(const json_t *message, struct message_findings *findings)
{
	static const char *const ALONE[] = {"cc", "bcc", "reference"};

	for (size_t i = 0; i < sizeof(ALONE) / sizeof(ALONE[0]); i++) {
		const json_t *value = json_object_get(message, ALONE[i]);

		if (json_is_object(value) || json_array_size(value))
			message_findings_stop(
				findings, PROBLEM_INVALID_SEPARATE, ALONE[i],
				"One copy each goes to the addresses in `to` alone, so not with: "
				"%s",
				ALONE[i]);
	}
}

void message_copies_make(const json_t *message, struct message_copies *copies)
{
	const json_t *to = json_object_get(message, "to");

	copies->count = json_array_size(to);
	copies->items = calloc(copies->count + 1, sizeof(json_t *));
	if (!copies->items)
		abort();
	for (size_t i = 0; i < copies->count; i++) {
		copies->items[i] = json_copy((json_t *)(uintptr_t)message);
		json_object_set_new(copies->items[i], "to",
				    json_pack("[O]", json_array_get(to, i)));
	}
}

void message_copies_free(struct message_copies *copies)
{
	for (size_t i = 0; i < copies->count; i++)
		json_decref(copies->items[i]);
	free(copies->items);
	*copies = (struct message_copies){NULL, 0};
}

static bool same_in_all(const struct message_copies *copies, const char *name, const json_t *value)
{
	for (size_t i = 1; i < copies->count; i++)
		if (!json_equal(value, json_object_get(copies->items[i], name)))
			return false;
	return true;
}

json_t *message_copies_share(struct message_copies *copies)
{
	json_t *shared = json_object(), *first = copies->items[0], *value;
	const char *name;
	void *next;

	json_object_foreach_safe(first, next, name, value)
	{
		if (strcmp(name, "to") == 0 || !same_in_all(copies, name, value))
			continue;
		json_object_set(shared, name, value);
		for (size_t i = copies->count; i-- > 1;)
			json_object_del(copies->items[i], name);
		json_object_del(first, name);
	}
	return shared;
}
