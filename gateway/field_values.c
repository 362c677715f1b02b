#include "gateway/field_values.h"

#include "common/base/address.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/json.h"
#include "gateway/mirror.h"
#include "gateway/problem.h"

#define PEOPLE_MAX 8 /* of one address, that are looked at */

static const struct {
	const char *name, *id;
	enum mirror_kind kind;
} OBJECTS[] = {
	{"person", "personId", MIRROR_PERSON},
	{"organization", "organizationId", MIRROR_ORGANIZATION},
	{"deal", "dealId", MIRROR_DEAL},
	{"lead", "leadId", MIRROR_LEAD},
	{"project", "projectId", MIRROR_PROJECT},
};
enum { OBJECT_COUNT = sizeof(OBJECTS) / sizeof(OBJECTS[0]) };

static bool put_object(struct http_request *r, struct field_values *v, size_t which, struct span id)
{
	json_t *object;
	struct err e;

	if (!id.n || json_object_get(v->root, OBJECTS[which].name))
		return true;
	object = mirror_get(r, OBJECTS[which].kind, id, &e);
	if (!object && e.code != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (object)
		json_object_set_new(v->root, OBJECTS[which].name, object);
	return true;
}

/* The first that the viewer sees of those who have the recipient's address. */
static bool put_person_of(struct http_request *r, struct field_values *v, struct span email)
{
	char normal[ADDRESS_MAX + 1];
	struct store_reply reply;
	struct pack_reader p;
	struct err e;

	if (!address_normalize(email, normal))
		return true;
	if (store_do(r->store, r->arena, &reply, &e, "HGET %b %b",
		     key_company(r->arena, r->viewer.company, KEY_C_ADDRESSES),
		     span_cstr(normal)) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (reply.type != STORE_STRING)
		return true;
	p = pack_reader_make(reply.string);
	for (size_t n = pack_read_array(&p), i = 0; i < n && i < PEOPLE_MAX && !p.bad; i++)
		if (!put_object(r, v, 0, pack_read_bytes(&p)))
			return false;
	return true;
}

/* Who writes, from where, to whom. */
static void put_own(struct http_request *r, struct field_values *v, const json_t *to,
		    const struct outbox_account *account)
{
	struct span text = r->viewer.user_json;
	json_t *user = json_loadb((const char *)text.p, text.n, 0, NULL);

	json_object_set_new(v->root, "user", json_is_object(user) ? user : json_object());
	if (!json_is_object(user))
		json_decref(user);
	json_object_set_new(v->root, "account",
			    json_pack("{s:o}", "email", json_from_span(span_cstr(account->email))));
	json_object_set_new(v->root, "recipient",
			    json_pack("{s:o s:o}", "name",
				      json_from_span(json_get_span(to, "name")), "email",
				      json_from_span(json_get_span(to, "email"))));
}

/* The organization of the deal, else of the person, where none is named. */
static bool put_organization(struct http_request *r, struct field_values *v)
{
	static const char *const FROM[] = {"deal", "lead", "project", "person"};

	for (size_t i = 0; i < sizeof(FROM) / sizeof(FROM[0]); i++)
		if (!put_object(r, v, 1,
				json_get_span(json_object_get(v->root, FROM[i]), "organizationId")))
			return false;
	return true;
}

bool field_values_load(struct http_request *r, const json_t *message,
		       const struct outbox_account *account, struct field_values *v)
{
	json_t *given = json_object_get(message, "fields");
	const json_t *to = json_array_get(json_object_get(message, "to"), 0);

	*v = (struct field_values){r->arena, json_object()};
	put_own(r, v, to, account);
	for (size_t i = 0; i < OBJECT_COUNT; i++)
		if (!put_object(r, v, i, json_get_span(given, OBJECTS[i].id)))
			return false;
	if (!json_get_text(given, "personId") && !put_person_of(r, v, json_get_span(to, "email")))
		return false;
	if (given)
		json_object_set(v->root, "given", given);
	return put_organization(r, v);
}

void field_values_free(struct field_values *values)
{
	json_decref(values->root);
	values->root = NULL;
}

/* ---- reading ---- */

/* "first_name" → firstName, as the API names it. */
static const json_t *member(const json_t *object, struct span name, bool api)
{
	char text[TEMPLATE_NAME_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < name.n && n < TEMPLATE_NAME_MAX; i++) {
		uint8_t c = name.p[i];

		if (api && c == '_' && i + 1 < name.n && name.p[i + 1] >= 'a' &&
		    name.p[i + 1] <= 'z')
			c = (uint8_t)(name.p[++i] - 32);
		text[n++] = (char)c;
	}
	text[n] = '\0';
	return json_object_get(object, text);
}

static const json_t *walk(const json_t *object, struct span path)
{
	while (object && path.n) {
		size_t dot = span_find_byte(path, '.');

		object = member(object, span_sub(path, 0, dot), false);
		path = span_sub(path, dot + 1, path.n);
	}
	return object;
}

/* Of a person, item, …: what the API has of it by that name and may be written to others, else of the CRM's own fields. */
static const json_t *of_object(const json_t *object, struct span path)
{
	static const char *const OPEN[] = {"name", "first_name", "last_name", "title", "status"};
	const json_t *emails = json_object_get(object, "emails");

	if (span_eq(path, SPAN_LIT("email")))
		return json_array_size(emails) ? json_array_get(emails, 0)
					       : json_object_get(object, "email");
	for (size_t i = 0; i < sizeof(OPEN) / sizeof(OPEN[0]); i++)
		if (span_eq(path, span_cstr(OPEN[i])))
			return member(object, path, true);
	return walk(json_object_get(object, "fields"), path);
}

static struct span value_text(struct arena *arena, const json_t *value)
{
	if (json_is_string(value))
		return span_trim(span_make(json_string_value(value), json_string_length(value)));
	if (json_is_integer(value))
		return span_cstr(arena_printf(arena, "%lld", (long long)json_integer_value(value)));
	if (json_is_real(value))
		return span_cstr(arena_printf(arena, "%.15g", json_real_value(value)));
	return json_is_true(value) ? SPAN_LIT("true") : SPAN_LIT("");
}

static bool is_root(struct span name)
{
	static const char *const OTHERS[] = {"user", "account", "recipient"};

	for (size_t i = 0; i < OBJECT_COUNT; i++)
		if (span_eq(name, span_cstr(OBJECTS[i].name)))
			return true;
	for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++)
		if (span_eq(name, span_cstr(OTHERS[i])))
			return true;
	return false;
}

enum template_value field_values_get(void *ctx, struct span name, struct span *value_out)
{
	const struct field_values *v = ctx;
	size_t dot = span_find_byte(name, '.');
	struct span root = span_sub(name, 0, dot), path = span_sub(name, dot + 1, name.n);
	const json_t *given = json_object_get(v->root, "given");
	const json_t *value = member(given, name, false);

	if (!value)
		value = walk(given, name);
	if (!value && is_root(root) && path.n)
		value = of_object(member(v->root, root, false), path);
	*value_out = value_text(v->arena, value);
	if (value_out->n)
		return TEMPLATE_FOUND;
	return value || (is_root(root) && path.n) ? TEMPLATE_EMPTY : TEMPLATE_UNKNOWN;
}
