/* What the CRM should look at in its own data: addresses that lead to several people, or from a person to a user (LNK-11). */
#include <stdlib.h>

#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/json.h"
#include "gateway/mirror.h"
#include "gateway/page.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"

enum { READ_AT_ONCE = 500, PEOPLE_MAX = 1000 /* named of one address */ };
enum { SEVERAL = 's', OF_USER = 'u' };

struct finding {
	char problem;
	struct span address, user; /* user: whose address it is, or empty */
	struct span people; /* packed ids, as in the index */
};

/* A page in the making: one more than its limit is looked for, to know whether another follows. */
struct findings {
	struct finding *items;
	size_t count, wanted;
};

static struct span company_key(struct http_request *r, const char *suffix)
{
	return key_company(r->arena, r->viewer.company, suffix);
}

/* The people of some addresses; those that have none are no finding. */
static enum err_code people_add(struct http_request *r, struct finding *some, size_t count,
				struct findings *f, struct err *e)
{
	struct span *args = arena_array(r->arena, count + 2, sizeof(*args));
	struct store_reply reply;
	enum err_code code;

	args[0] = SPAN_LIT("HMGET");
	args[1] = company_key(r, KEY_C_ADDRESSES);
	for (size_t i = 0; i < count; i++)
		args[2 + i] = some[i].address;
	if (!count)
		return ERR_OK;
	code = store_call(r->store, args, count + 2, r->arena, &reply, e);
	for (size_t i = 0; code == ERR_OK && i < reply.count && f->count < f->wanted; i++) {
		some[i].people = reply.items[i].string;
		if (reply.items[i].type == STORE_STRING)
			f->items[f->count++] = some[i];
	}
	return code;
}

static enum err_code several_find(struct http_request *r, struct span after, struct findings *f,
				  struct err *e)
{
	size_t want = f->wanted - f->count;
	struct finding *some = arena_array(r->arena, want, sizeof(*some));
	struct span from = after.n ? span_cstr(arena_printf(r->arena, "(%.*s", (int)after.n,
							    (const char *)after.p))
				   : SPAN_LIT("-");
	struct store_reply reply;
	enum err_code code = store_do(r->store, r->arena, &reply, e,
				      "ZRANGEBYLEX %b %b + LIMIT 0 %d",
				      company_key(r, KEY_C_MANYADDR), from, (int64_t)want);

	if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < reply.count && i < want; i++)
		some[i] = (struct finding){.problem = SEVERAL, .address = reply.items[i].string};
	return people_add(r, some, reply.count < want ? reply.count : want, f, e);
}

static int by_address(const void *a, const void *b)
{
	const struct finding *left = a, *right = b;

	return span_compare(left->address, right->address);
}

static enum err_code of_users_find(struct http_request *r, struct span after, struct findings *f,
				   struct err *e)
{
	struct store_reply reply;
	struct finding *all;
	size_t count = 0;
	enum err_code code = store_do(r->store, r->arena, &reply, e, "HGETALL %b",
				      company_key(r, KEY_C_USERADDR));

	if (code != ERR_OK)
		return code;
	all = arena_array(r->arena, reply.count / 2 + 1, sizeof(*all));
	for (size_t i = 0; i + 1 < reply.count; i += 2)
		if (!after.n || span_compare(reply.items[i].string, after) > 0)
			all[count++] = (struct finding){.problem = OF_USER,
							.address = reply.items[i].string,
							.user = reply.items[i + 1].string};
	qsort(all, count, sizeof(*all), by_address);
	for (size_t at = 0, n; code == ERR_OK && at < count && f->count < f->wanted; at += n) {
		n = count - at < READ_AT_ONCE ? count - at : READ_AT_ONCE;
		code = people_add(r, all + at, n, f, e);
	}
	return code;
}

/* The ids of an address that the viewer may see. */
static json_t *people_json(struct http_request *r, struct span packed, struct err *e)
{
	struct pack_reader p = pack_reader_make(packed);
	size_t count = pack_read_array(&p), n = count < PEOPLE_MAX ? count : PEOPLE_MAX;
	enum mirror_kind *kinds = arena_array(r->arena, n + 1, sizeof(*kinds));
	struct span *ids = arena_array(r->arena, n + 1, sizeof(*ids));
	json_t **objects = arena_array(r->arena, n + 1, sizeof(json_t *)), *list = json_array();

	for (size_t i = 0; i < n; i++) {
		kinds[i] = MIRROR_PERSON;
		ids[i] = pack_read_bytes(&p);
	}
	if (mirror_get_many(r, kinds, ids, n, objects, e) != ERR_OK) {
		json_decref(list);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		if (objects[i])
			json_array_append_new(list, json_from_span(ids[i]));
		json_decref(objects[i]);
	}
	return list;
}

/* Adds it to data unless what makes it a finding is hidden from the viewer. */
static bool finding_show(struct http_request *r, const struct finding *found, json_t *data,
			 struct err *e)
{
	json_t *people = people_json(r, found->people, e);

	if (!people)
		return false;
	if (json_array_size(people) >= (found->problem == SEVERAL ? 2 : 1))
		json_array_append_new(
			data,
			json_pack("{s:o s:s s:O s:o}", "email", json_from_span(found->address),
				  "problem",
				  found->problem == SEVERAL ? "several_people" : "address_of_user",
				  "people", people, "userId",
				  found->user.n ? json_from_span(found->user) : json_null()));
	json_decref(people);
	return true;
}

static void findings_answer(struct http_request *r, const struct findings *f, size_t limit)
{
	size_t shown = f->count < limit ? f->count : limit;
	json_t *data = json_array();
	struct span next = SPAN_LIT("");
	struct err e;

	for (size_t i = 0; i < shown; i++)
		if (!finding_show(r, &f->items[i], data, &e)) {
			json_decref(data);
			problem_from_err(r, &e);
			return;
		}
	if (f->count > limit)
		next = span_cstr(arena_printf(r->arena, "%c%.*s", f->items[shown - 1].problem,
					      (int)f->items[shown - 1].address.n,
					      (const char *)f->items[shown - 1].address.p));
	page_answer(r, data, next);
}

static void addresses_get(struct http_request *r)
{
	const char *only = http_query(r, "problem");
	bool several = !only || strcmp(only, "several_people") == 0, of_users = !only || !several;
	struct span after = SPAN_LIT("");
	struct findings f = {.count = 0};
	enum err_code code = ERR_OK;
	struct page page;
	struct err e;

	if (!page_read(r, &page))
		return;
	if (page.cursor.n) {
		several = several && page.cursor.p[0] == SEVERAL;
		after = span_sub(page.cursor, 1, page.cursor.n);
	}
	f.wanted = page.limit + 1;
	f.items = arena_array(r->arena, f.wanted, sizeof(*f.items));
	if (several) {
		code = several_find(r, after, &f, &e);
		after = SPAN_LIT("");
	}
	if (code == ERR_OK && of_users && f.count < f.wanted)
		code = of_users_find(r, after, &f, &e);
	if (code == ERR_OK)
		findings_answer(r, &f, page.limit);
	else
		problem_from_err(r, &e);
}

static const char *const PROBLEMS[] = {"several_people", "address_of_user", NULL};
static const struct json_field QUERY[] = {
	{.name = "problem", .type = FIELD_ENUM, .values = PROBLEMS, .help = "Only these."},
	{.name = NULL},
};
static const struct json_field PERSON_ID[] = {{.name = "", .type = FIELD_ID}};
static const struct json_field FINDING[] = {
	{.name = "email", .type = FIELD_ADDRESS},
	{.name = "problem", .type = FIELD_ENUM, .values = PROBLEMS},
	{.name = "people", .type = FIELD_LIST, .fields = PERSON_ID},
	{.name = "userId",
	 .type = FIELD_ID,
	 .flags = FIELD_NULL,
	 .help = "Whose address it is: mail with it matches no person."},
	{.name = NULL},
};

static const struct route ROUTES[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/reports/addresses",
	 .need = NEED_MANAGER,
	 .scope = SCOPE_MIRROR,
	 .flags = ROUTE_PAGED,
	 .handle = addresses_get,
	 .query = QUERY,
	 .status = 200,
	 .answer = FINDING,
	 .summary = "Addresses that are on several people, and people with an address of a user."},
};

ROUTE_TABLE(route_reports_table, "mirror", ROUTES);
