#include "gateway/export_keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/store/keys.h"

#define PART "512"

static int compare(const void *a, const void *b)
{
	const struct export_key *left = a, *right = b;

	if (left->ms != right->ms)
		return left->ms < right->ms ? -1 : 1;
	return memcmp(left->name, right->name, EXPORT_NAME_MAX);
}

static void add(struct export_keys *keys, int64_t ms, struct span name)
{
	struct export_key *key;

	if (keys->count == keys->room) {
		keys->room = keys->room ? keys->room * 2 : 1024;
		keys->items = reallocarray(keys->items, keys->room, sizeof(*keys->items));
		if (!keys->items)
			abort();
	}
	key = &keys->items[keys->count++];
	memset(key, 0, sizeof(*key));
	key->ms = ms;
	memcpy(key->name, name.p, name.n);
}

/* What a scan gave twice goes. */
static void finish(struct export_keys *keys)
{
	size_t kept = 0;

	if (keys->count)
		qsort(keys->items, keys->count, sizeof(*keys->items), compare);
	for (size_t i = 0; i < keys->count; i++)
		if (!kept ||
		    memcmp(keys->items[kept - 1].name, keys->items[i].name, EXPORT_NAME_MAX) != 0)
			keys->items[kept++] = keys->items[i];
	keys->count = kept;
	keys->complete = true;
}

enum err_code export_keys_read(struct http_request *r, struct span account, const char *family,
			       size_t name_bytes, struct export_keys *keys, struct err *e)
{
	struct span key = key_account_tag(r->arena, r->viewer.company, account);
	struct span args[] = {span_cstr(family), span_cstr(keys->cursor[0] ? keys->cursor : "0"),
			      SPAN_LIT(PART)};
	struct store_reply reply;
	enum err_code code = store_fcall(r->store, "gateway_1_export_scan", &key, 1, args, 3,
					 r->arena, &reply, e);

	if (code != ERR_OK)
		return code;
	if (reply.count != 2 || reply.items[0].string.n >= sizeof(keys->cursor))
		return err_set(e, ERR_PERM, ERR_ACCOUNT, "function_answer", "not a part of a scan");
	for (size_t i = 0; i + 1 < reply.items[1].count; i += 2) {
		struct span name = reply.items[1].items[i + 1].string;
		uint64_t ms;

		if (name.n == name_bytes &&
		    span_to_u64(reply.items[1].items[i].string, INT64_MAX, &ms))
			add(keys, (int64_t)ms, name);
	}
	snprintf(keys->cursor, sizeof(keys->cursor), "%.*s", (int)reply.items[0].string.n,
		 (const char *)reply.items[0].string.p);
	if (strcmp(keys->cursor, "0") == 0)
		finish(keys);
	return ERR_OK;
}

void export_keys_reset(struct export_keys *keys)
{
	free(keys->items);
	*keys = (struct export_keys){0};
}
