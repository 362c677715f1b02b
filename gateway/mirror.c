#include "gateway/mirror.h"

#include <stdlib.h>

#include "common/base/address.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/mirror_fields.h"
#include "gateway/visible.h"

#define ARGS_OF_ONE 5
#define MANY_MAX 64
#define PACKED_MAX (512u << 10)

static const struct mirror_def DEFS[MIRROR_KINDS] = {
	[MIRROR_PERSON] = {"person", "people", KEY_C_PEOPLE, "", "gateway_1_person_put",
			   mirror_person_fields},
	[MIRROR_ORGANIZATION] = {"organization", "organizations", KEY_C_ORGS, "",
				 "gateway_1_org_put", mirror_org_fields},
	[MIRROR_DEAL] = {"deal", "deals", KEY_C_ITEMS, "d:", "gateway_1_item_put",
			 mirror_item_fields},
	[MIRROR_LEAD] = {"lead", "leads", KEY_C_ITEMS, "l:", "gateway_1_item_put",
			 mirror_item_fields},
	[MIRROR_PROJECT] = {"project", "projects", KEY_C_ITEMS, "p:", "gateway_1_item_put",
			    mirror_item_fields},
	[MIRROR_USER] = {"user", "users", KEY_C_USERS, "", "gateway_1_user_put",
			 mirror_user_fields},
};

const struct mirror_def *mirror_def(enum mirror_kind kind)
{
	return &DEFS[kind];
}

enum mirror_kind mirror_kind_parse(struct span name)
{
	enum mirror_kind kind = MIRROR_PERSON;

	while (kind < MIRROR_KINDS && !span_eq(name, span_cstr(DEFS[kind].kind)))
		kind++;
	return kind;
}

static struct span field_name(struct arena *arena, enum mirror_kind kind, struct span id)
{
	const char *prefix = DEFS[kind].prefix;

	return *prefix ? span_cstr(arena_printf(arena, "%s%.*s", prefix, (int)id.n,
						(const char *)id.p))
		       : id;
}

static bool list_has(const json_t *list, struct span id)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (span_eq(id, span_cstr(json_string_value(json_array_get(list, i)))))
			return true;
	return false;
}

/* A user sees what visible_object_to says; the company's own token, which acts for no user, all that is stored. */
static bool is_visible(const struct http_request *r, const json_t *stored)
{
	struct visible_viewer viewer = {r->viewer.user, r->viewer.groups, r->viewer.group_count};
	const json_t *to = json_object_get(stored, "visibleTo");
	struct visible_object object = {.exists = true,
					.company = !json_is_object(to),
					.owner = json_get_span(stored, "ownerId")};
	struct span *users, *groups;

	if (!viewer.user.n)
		return true;
	object.user_count = json_get_spans(r->arena, to, "users", &users);
	object.group_count = json_get_spans(r->arena, to, "groups", &groups);
	object.users = users;
	object.groups = groups;
	return visible_object_to(&viewer, &object);
}

/* From the stored text to what the API shows: with the id, without what is ours alone. */
static json_t *object_open(struct http_request *r, struct span id, struct span text)
{
	json_t *object = text.n ? json_loadb((const char *)text.p, text.n, 0, NULL) : NULL;
	int64_t created;

	if (!json_is_object(object) || !is_visible(r, object)) {
		json_decref(object);
		return NULL;
	}
	created = json_get_int(object, "_created", 0);
	if (created && !json_get_text(object, "createdAt"))
		json_object_set_new(object, "createdAt", json_from_time(created));
	json_object_del(object, "_created");
	json_object_del(object, "_addresses");
	json_object_del(object, "preferences");
	json_object_set_new(object, "id", json_from_span(id));
	return object;
}

json_t *mirror_get(struct http_request *r, enum mirror_kind kind, struct span id, struct err *e)
{
	json_t *object = NULL;

	if (mirror_get_many(r, &kind, &id, 1, &object, e) != ERR_OK)
		return NULL;
	err_clear(e);
	return object;
}

enum err_code mirror_get_many(struct http_request *r, const enum mirror_kind *kinds,
			      const struct span *ids, size_t count, json_t **objects_out,
			      struct err *e)
{
	struct store_command *commands = arena_array(r->arena, count + 1, sizeof(*commands));
	struct store_reply *replies = arena_array(r->arena, count + 1, sizeof(*replies));
	enum err_code code;

	memset(objects_out, 0, count * sizeof(json_t *));
	for (size_t i = 0; i < count; i++)
		commands[i] =
			store_command(r->arena, "HGET %b %b",
				      key_company(r->arena, r->viewer.company, DEFS[kinds[i]].key),
				      field_name(r->arena, kinds[i], ids[i]));
	if (!count)
		return ERR_OK;
	code = store_pipeline(r->store, commands, count, r->arena, replies, e);
	for (size_t i = 0; code == ERR_OK && i < count; i++)
		if (replies[i].type == STORE_STRING)
			objects_out[i] = object_open(r, ids[i], replies[i].string);
	return code;
}

/* The normalized addresses of a person or user, each once. */
static json_t *addresses_normalize(const json_t *object)
{
	const json_t *emails = json_object_get(object, "emails");
	size_t count = json_array_size(emails);
	json_t *list = json_array();

	for (size_t i = 0; i <= count; i++) {
		struct span raw = i < count
					  ? span_cstr(json_string_value(json_array_get(emails, i)))
					  : json_get_span(object, "loginEmail");
		char address[ADDRESS_MAX + 1];

		if (address_normalize(raw, address) && !list_has(list, span_cstr(address)))
			json_array_append_new(list, json_from_span(span_cstr(address)));
	}
	return list;
}

static json_t *addresses_written(const json_t *object)
{
	const json_t *emails = json_object_get(object, "emails");
	struct span login = json_get_span(object, "loginEmail");
	json_t *list = json_is_array(emails) ? json_copy((json_t *)(uintptr_t)emails)
					     : json_array();

	if (login.n)
		json_array_append_new(list, json_from_span(login));
	return list;
}

static struct span pack_strings(struct arena *arena, const json_t *list)
{
	struct span packed;
	struct buf b;

	buf_init(&b, PACKED_MAX);
	pack_put_array(&b, json_array_size(list));
	for (size_t i = 0; i < json_array_size(list); i++)
		pack_put_cstr(&b, json_string_value(json_array_get(list, i)));
	packed = arena_span(arena, buf_span(&b));
	buf_fini(&b);
	return packed;
}

/* The arguments of one object in its batch function. */
static size_t item_args(struct arena *arena, enum mirror_kind kind, const struct mirror_item *item,
			struct span *args)
{
	json_t *object = json_copy((json_t *)(uintptr_t)item->object), *normal, *written;
	const char *status = json_get_text(object, "status");
	int64_t created = json_get_time_ms(object, "createdAt", 0);
	size_t count = 2;

	json_object_del(object, "id");
	args[0] = field_name(arena, kind, item->id);
	if (kind == MIRROR_PERSON || kind == MIRROR_USER) {
		normal = addresses_normalize(object);
		written = addresses_written(object);
		args[count++] = pack_strings(arena, normal);
		/* always for users: what is put on behind their record needs a member before it */
		if (kind == MIRROR_USER || !json_equal(normal, written))
			json_object_set(object, "_addresses", normal);
		json_decref(normal);
		json_decref(written);
	} else if (DEFS[kind].key[0] == KEY_C_ITEMS[0]) {
		if (!status)
			json_object_set_new(object, "status", json_string("open"));
		args[count++] = status && strcmp(status, "open") != 0 ? SPAN_LIT("0")
								      : SPAN_LIT("1");
		args[count++] = created ? span_cstr(arena_printf(arena, "%lld", (long long)created))
					: SPAN_LIT("");
		args[count++] = pack_strings(arena, json_object_get(object, "personIds"));
	}
	args[1] = json_text(arena, object);
	json_decref(object);
	return count;
}

enum err_code mirror_put(struct http_request *r, enum mirror_kind kind,
			 const struct mirror_item *items, size_t count, const char **refused_out,
			 struct err *e)
{
	struct span args[MANY_MAX * ARGS_OF_ONE + 1], key;
	struct store_reply reply;
	enum err_code code;
	size_t n = 0;

	if (count > MANY_MAX)
		abort();
	if (DEFS[kind].key[0] == KEY_C_ITEMS[0])
		args[n++] = span_cstr(arena_printf(r->arena, "%lld", (long long)r->now_ms));
	for (size_t i = 0; i < count; i++)
		n += item_args(r->arena, kind, &items[i], args + n);
	key = key_company_tag(r->arena, r->viewer.company);
	code = store_fcall(r->store, DEFS[kind].function, &key, 1, args, n, r->arena, &reply, e);
	if (code != ERR_OK)
		return code;
	if (reply.type != STORE_ARRAY || reply.count != count)
		return err_set(e, ERR_PERM, ERR_ITEM, "function_answer",
			       "%s answered something else", DEFS[kind].function);
	for (size_t i = 0; i < count; i++)
		refused_out[i] = reply.items[i].string.n
					 ? arena_cstr(r->arena, reply.items[i].string)
					 : NULL;
	return ERR_OK;
}
