#include "gateway/mirror.h"

#include <stdlib.h>

#include "common/base/address.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/mirror_fields.h"
#include "gateway/visible.h"

#define ARGS_OF_ONE 5
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

/* One command a hash: the fields of all that lie in that of `of`. count_out: how many. */
static struct store_command hash_command(struct http_request *r, enum mirror_kind of,
					 const enum mirror_kind *kinds, const struct span *ids,
					 size_t count, size_t *places, size_t *count_out)
{
	struct span *args = arena_array(r->arena, count + 2, sizeof(*args));
	size_t n = 0;

	args[0] = SPAN_LIT("HMGET");
	args[1] = key_company(r->arena, r->viewer.company, DEFS[of].key);
	for (size_t i = 0; i < count; i++)
		if (strcmp(DEFS[kinds[i]].key, DEFS[of].key) == 0) {
			places[n] = i;
			args[2 + n++] = field_name(r->arena, kinds[i], ids[i]);
		}
	*count_out = n;
	return (struct store_command){args, n + 2};
}

enum err_code mirror_get_many(struct http_request *r, const enum mirror_kind *kinds,
			      const struct span *ids, size_t count, json_t **objects_out,
			      struct err *e)
{
	/* The first kind of each hash: people, organizations, items, users. */
	static const enum mirror_kind HASHES[] = {MIRROR_PERSON, MIRROR_ORGANIZATION, MIRROR_DEAL,
						  MIRROR_USER};
	enum { MOST = sizeof(HASHES) / sizeof(HASHES[0]) };
	struct store_command commands[MOST];
	struct store_reply replies[MOST];
	size_t *places[MOST], counts[MOST], n = 0;
	enum err_code code;

	memset(objects_out, 0, count * sizeof(json_t *));
	for (size_t h = 0; h < MOST; h++) {
		places[n] = arena_array(r->arena, count + 1, sizeof(size_t));
		commands[n] = hash_command(r, HASHES[h], kinds, ids, count, places[n], &counts[n]);
		n += counts[n] > 0;
	}
	code = n ? store_pipeline(r->store, commands, n, r->arena, replies, e) : ERR_OK;
	for (size_t h = 0; code == ERR_OK && h < n; h++)
		for (size_t i = 0; i < counts[h] && i < replies[h].count; i++)
			if (replies[h].items[i].type == STORE_STRING)
				objects_out[places[h][i]] = object_open(r, ids[places[h][i]],
									replies[h].items[i].string);
	return code;
}

/* The normalized addresses of a person or user, each once. */
struct addresses {
	struct span *items;
	size_t count;
	bool as_written; /* the CRM wrote them so itself */
};

static bool has_address(const struct addresses *a, struct span address)
{
	for (size_t i = 0; i < a->count; i++)
		if (span_eq(a->items[i], address))
			return true;
	return false;
}

static void address_add(struct arena *arena, struct addresses *a, struct span raw)
{
	char normal[ADDRESS_MAX + 1];

	if (!address_normalize(raw, normal) || has_address(a, span_cstr(normal))) {
		a->as_written = false;
		return;
	}
	a->as_written = a->as_written && span_eq(raw, span_cstr(normal));
	a->items[a->count++] = arena_span(arena, span_cstr(normal));
}

static void addresses_read(struct arena *arena, const json_t *object, struct addresses *out)
{
	const json_t *emails = json_object_get(object, "emails"), *one;
	struct span login = json_get_span(object, "loginEmail");
	size_t count = json_array_size(emails);

	*out = (struct addresses){arena_array(arena, count + 1, sizeof(struct span)), 0, true};
	for (size_t i = 0; i < count; i++) {
		one = json_array_get(emails, i);
		address_add(arena, out, span_make(json_string_value(one), json_string_length(one)));
	}
	if (login.n)
		address_add(arena, out, login);
}

static json_t *addresses_json(const struct addresses *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->count; i++)
		json_array_append_new(list, json_from_span(a->items[i]));
	return list;
}

static struct span pack_spans(struct arena *arena, const struct span *items, size_t count)
{
	struct span packed;
	struct buf b;

	buf_init(&b, PACKED_MAX);
	pack_put_array(&b, count);
	for (size_t i = 0; i < count; i++)
		pack_put_str(&b, items[i]);
	packed = arena_span(arena, buf_span(&b));
	buf_fini(&b);
	return packed;
}

static size_t address_args(struct arena *arena, enum mirror_kind kind, json_t *object,
			   struct span *args)
{
	struct addresses a;

	addresses_read(arena, object, &a);
	args[0] = pack_spans(arena, a.items, a.count);
	/* always for users: what is put on behind their record needs a member before it */
	if (kind == MIRROR_USER || !a.as_written)
		json_object_set_new(object, "_addresses", addresses_json(&a));
	return 1;
}

static size_t open_args(struct arena *arena, json_t *object, struct span *args)
{
	const char *status = json_get_text(object, "status");
	int64_t created = json_get_time_ms(object, "createdAt", 0);
	struct span *people;
	size_t count = json_get_spans(arena, object, "personIds", &people);

	args[0] = status && strcmp(status, "open") != 0 ? SPAN_LIT("0") : SPAN_LIT("1");
	if (!status)
		json_object_set_new(object, "status", json_string("open"));
	args[1] = created ? span_cstr(arena_printf(arena, "%lld", (long long)created))
			  : SPAN_LIT("");
	args[2] = pack_spans(arena, people, count);
	return 3;
}

/* The arguments of one object in its batch function. */
static size_t item_args(struct arena *arena, enum mirror_kind kind, const struct mirror_item *item,
			struct span *args)
{
	json_t *object = item->object;
	size_t count = 2;

	args[0] = arena_span(arena, field_name(arena, kind, item->id));
	json_object_del(object, "id");
	if (kind == MIRROR_PERSON || kind == MIRROR_USER)
		count += address_args(arena, kind, object, args + count);
	else if (DEFS[kind].key[0] == KEY_C_ITEMS[0])
		count += open_args(arena, object, args + count);
	args[1] = json_text(arena, object);
	return count;
}

enum err_code mirror_put(struct http_request *r, enum mirror_kind kind,
			 const struct mirror_item *items, size_t count, const char **refused_out,
			 struct err *e)
{
	struct span args[MIRROR_PUT_MAX * ARGS_OF_ONE + 1], key;
	struct store_reply reply;
	enum err_code code;
	size_t n = 0;

	if (count > MIRROR_PUT_MAX)
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
