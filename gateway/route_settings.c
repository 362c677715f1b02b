#include "common/base/clock.h"
#include "common/store/keys.h"
#include "gateway/audit.h"
#include "gateway/hit_class.h"
#include "gateway/json.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"

#define ATTEMPTS 5

static const char *const LINKING[] = {"automatic", "manual", NULL};
static const char *const SHARING[] = {"shared", "private", NULL};
static const char *const KINDS[] = {"deal", "lead", "project", NULL};
static const struct json_field KIND[] = {{.name = "", .type = FIELD_ENUM, .values = KINDS}};
static const struct json_field BLOCKED[] = {{.name = "", .type = FIELD_LINE, .min = 2, .max = 320}};

static const struct json_field NETWORK[] = {{.name = "", .type = FIELD_LINE, .min = 2, .max = 64}};

static const struct json_field SETTINGS[] = {
	{.name = "linkItems", .type = FIELD_ENUM, .values = LINKING},
	{.name = "autoLinkKinds", .type = FIELD_LIST, .max = 3, .fields = KIND},
	{.name = "defaultSharing", .type = FIELD_ENUM, .values = SHARING},
	{.name = "blocked",
	 .type = FIELD_LIST,
	 .max = 10000,
	 .fields = BLOCKED,
	 .help = "a@b.c, @b.c (that domain alone) or @*.b.c (its subdomains)."},
	{.name = "trackingDomain",
	 .type = FIELD_LINE,
	 .flags = FIELD_NULL,
	 .max = 253,
	 .help = "Its own host name for tracked links, which leads to /t/ of this API."},
	{.name = "trackFirstMessage",
	 .type = FIELD_BOOL,
	 .help = "Tracks the first message to a person too."},
	{.name = "ownNetworks",
	 .type = FIELD_LIST,
	 .max = 100,
	 .fields = NETWORK,
	 .help = "Addresses and prefixes whose opens and clicks are the company's own."},
	{.name = "undoSeconds",
	 .type = FIELD_INT,
	 .max = 300,
	 .help = "How long a message can be taken back. Default: 10."},
	{.name = NULL},
};

static json_t *defaults(void)
{
	return json_pack("{s:s s:[s,s] s:s s:[] s:n s:b s:[] s:i}", "linkItems", "automatic",
			 "autoLinkKinds", "deal", "lead", "defaultSharing", "shared", "blocked",
			 "trackingDomain", "trackFirstMessage", 1, "ownNetworks", "undoSeconds",
			 10);
}

/* What is stored over the defaults. text_out: as stored. */
static json_t *settings_load(struct http_request *r, struct span *text_out, struct err *e)
{
	json_t *all = defaults(), *stored;
	struct store_reply reply;

	if (store_do(r->store, r->arena, &reply, e, "HGET %b settings",
		     key_company(r->arena, r->viewer.company, KEY_C_COMPANY)) != ERR_OK) {
		json_decref(all);
		return NULL;
	}
	*text_out = reply.type == STORE_STRING ? reply.string : SPAN_LIT("");
	stored = json_loadb((const char *)text_out->p, text_out->n, 0, NULL);
	if (stored)
		json_object_update(all, stored);
	json_decref(stored);
	return all;
}

static void settings_get(struct http_request *r)
{
	struct span text;
	struct err e;
	json_t *all = settings_load(r, &text, &e);

	if (all)
		http_answer_json(r, 200, all);
	else
		problem_from_err(r, &e);
}

/* One attempt: `ok`, or `stale` if another changed the settings meanwhile. Empty: a problem is answered. */
static struct span settings_try(struct http_request *r, json_t **after_out)
{
	struct span key = key_company_tag(r->arena, r->viewer.company), args[3] = {{NULL, 0}};
	json_t *before, *after;
	struct store_reply reply;
	enum err_code code;
	struct err e;

	*after_out = NULL;
	before = settings_load(r, &args[0], &e);
	if (!before) {
		problem_from_err(r, &e);
		return SPAN_LIT("");
	}
	after = json_copy(before);
	json_object_update(after, r->json);
	args[1] = json_text(r->arena, after);
	args[2] = audit_entry(r, before, after);
	code = store_fcall(r->store, "gateway_1_settings_put", &key, 1, args, 3, r->arena, &reply,
			   &e);
	json_decref(before);
	*after_out = after;
	if (code == ERR_OK)
		return reply.string;
	problem_from_err(r, &e);
	return SPAN_LIT("");
}

static bool host_ok(const char *name)
{
	return !name ||
	       (*name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
					    "UVWXYZ0123456789.-")]);
}

/* False: a problem is answered. */
static bool tracking_ok(struct http_request *r)
{
	const json_t *networks = json_object_get(r->json, "ownNetworks");

	if (!host_ok(json_get_text(r->json, "trackingDomain"))) {
		problem_answer(r, PROBLEM_INVALID_FIELD, "`trackingDomain` is no host name.");
		return false;
	}
	for (size_t i = 0; i < json_array_size(networks); i++)
		if (!hit_network_is(json_string_value(json_array_get(networks, i)))) {
			problem_answer(r, PROBLEM_INVALID_FIELD,
				       "`ownNetworks` has what is no address or prefix.");
			return false;
		}
	return true;
}

static void settings_patch(struct http_request *r)
{
	struct span status = SPAN_LIT("stale");
	json_t *after = NULL;

	if (!tracking_ok(r))
		return;
	for (int i = 0; i < ATTEMPTS && span_eq(status, SPAN_LIT("stale")); i++) {
		json_decref(after);
		status = settings_try(r, &after);
	}
	if (span_eq(status, SPAN_LIT("ok")))
		http_answer_json(r, 200, json_incref(after));
	else if (status.n)
		problem_answer(r, PROBLEM_UNAVAILABLE,
			       "Others change the settings at the same time.");
	json_decref(after);
}

static const struct route ROUTES[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/settings",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_SETTINGS,
	 .handle = settings_get,
	 .status = 200,
	 .answer = SETTINGS,
	 .summary = "The company's settings."},
	{.method = HTTP_PATCH,
	 .pattern = "/v1/settings",
	 .need = NEED_MANAGER,
	 .scope = SCOPE_SETTINGS,
	 .handle = settings_patch,
	 .body = SETTINGS,
	 .status = 200,
	 .answer = SETTINGS,
	 .summary = "Changes some settings; each change is on record."},
};

ROUTE_TABLE(route_settings_table, "settings", ROUTES);
