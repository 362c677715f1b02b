#include "gateway/tracking.h"

#include "common/base/address.h"
#include "common/base/log.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/json.h"

#define PEOPLE_MAX 64 /* looked at: of one message */

static json_t *load(struct span text)
{
	return text.n ? json_loadb((const char *)text.p, text.n, 0, NULL) : NULL;
}

/* "https://…" without a slash at the end; "" if nothing is set up. */
static const char *base_of(struct http_request *r, const json_t *settings)
{
	const char *domain = json_get_text(settings, "trackingDomain");

	if (domain && *domain)
		return arena_printf(r->arena, "https://%s", domain);
	return r->app->conf->tracking_url;
}

/* On a timeline that the author sees? people: packed list of person ids. */
static enum err_code person_known(struct http_request *r, struct span people, bool *known_out,
				  struct err *e)
{
	struct pack_reader p = pack_reader_make(people);
	size_t count = people.n ? pack_read_array(&p) : 0;
	enum err_code code = ERR_OK;

	*known_out = false;
	for (size_t i = 0; i < count && i < PEOPLE_MAX && code == ERR_OK && !*known_out; i++) {
		struct span id = pack_read_bytes(&p), company = r->viewer.company;
		const char *shared =
			arena_printf(r->arena, "c:%.*s", (int)id.n, (const char *)id.p);
		const char *own = arena_printf(r->arena, "%s:%.*s", shared, (int)r->viewer.user.n,
					       (const char *)r->viewer.user.p);
		struct store_reply reply;

		code = store_do(
			r->store, r->arena, &reply, e, "EXISTS %b %b",
			key_company_part(r->arena, company, KEY_C_TIMELINE, span_cstr(shared)),
			key_company_part(r->arena, company, KEY_C_TIMELINE, span_cstr(own)));
		*known_out = code == ERR_OK && reply.integer > 0;
	}
	return code;
}

/* Is there a recipient in To that has no mail with the company yet? An answer is not the first. */
static enum err_code is_first(struct http_request *r, bool *first_out, struct err *e)
{
	const json_t *to = json_object_get(r->json, "to");
	enum err_code code = ERR_OK;

	*first_out = false;
	if (json_object_get(r->json, "reference"))
		return ERR_OK;
	for (size_t i = 0; i < json_array_size(to) && code == ERR_OK && !*first_out; i++) {
		char normal[ADDRESS_MAX + 1];
		struct store_reply reply;
		bool known = false;

		if (!address_normalize(json_get_span(json_array_get(to, i), "email"), normal))
			continue;
		code = store_do(r->store, r->arena, &reply, e, "HGET %b %b",
				key_company(r->arena, r->viewer.company, KEY_C_ADDRESSES),
				span_cstr(normal));
		if (code == ERR_OK && reply.type == STORE_STRING)
			code = person_known(r, reply.string, &known, e);
		*first_out = code == ERR_OK && !known;
	}
	return code;
}

static enum err_code choose(struct http_request *r, const json_t *settings, const json_t *wanted,
			    bool asked, struct message_findings *findings, struct err *e)
{
	bool opens = json_get_bool(wanted, "opens", false);
	bool clicks = json_get_bool(wanted, "clicks", false), first = false;
	const char *base = base_of(r, settings);
	enum err_code code = ERR_OK;

	if ((opens || clicks) && !*base && asked)
		message_findings_stop(findings, PROBLEM_TRACKING_NOT_SET_UP, "tracking",
				      "There is no address that it could be tracked by");
	if ((opens || clicks) && !json_get_bool(settings, "trackFirstMessage", true))
		code = is_first(r, &first, e);
	if (first || !*base || !json_get_span(r->json, "html").n)
		opens = clicks = false;
	json_object_set_new(
		r->json, "_tracking",
		json_pack("{s:b s:b s:s}", "opens", opens, "clicks", clicks, "base", base));
	return code;
}

bool tracking_choose(struct http_request *r, struct message_findings *findings)
{
	const json_t *asked = json_object_get(r->json, "tracking");
	json_t *user = load(r->viewer.user_json), *settings = NULL;
	const json_t *last = json_object_get(json_object_get(user, "preferences"), "tracking");
	struct store_reply reply;
	struct err e;
	enum err_code code = store_do(r->store, r->arena, &reply, &e, "HGET %b settings",
				      key_company(r->arena, r->viewer.company, KEY_C_COMPANY));

	if (code == ERR_OK) {
		settings = load(reply.type == STORE_STRING ? reply.string : SPAN_LIT(""));
		code = choose(r, settings, asked ? asked : last, asked != NULL, findings, &e);
	}
	if (code != ERR_OK)
		problem_from_err(r, &e);
	json_decref(settings);
	json_decref(user);
	return code == ERR_OK;
}

void tracking_remember(struct http_request *r)
{
	json_t *asked = json_object_get(r->json, "tracking"), *user = load(r->viewer.user_json);
	json_t *old = json_object_get(user, "preferences"), *preferences;
	struct span key = key_company_tag(r->arena, r->viewer.company), args[2];
	struct store_reply reply;
	struct err e;

	if (asked && user && !json_equal(asked, json_object_get(old, "tracking"))) {
		preferences = json_is_object(old) ? json_incref(old) : json_object();
		json_object_set(preferences, "tracking", asked);
		args[0] = r->viewer.user;
		args[1] = json_text(r->arena, preferences);
		if (store_fcall(r->store, "gateway_1_preferences_put", &key, 1, args, 2, r->arena,
				&reply, &e) != ERR_OK)
			log_event(LOG_LEVEL_WARN, "tracking_not_remembered", "error", "e", &e,
				  NULL);
		json_decref(preferences);
	}
	json_decref(user);
}
