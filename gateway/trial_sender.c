/* A test message that came back: under which name and address, and what the receiving server thinks of its domain. */
#include <stdio.h>

#include "common/base/address.h"
#include "common/base/log.h"
#include "common/store/keys.h"
#include "gateway/auth_results.h"
#include "gateway/json.h"
#include "gateway/message_view.h"
#include "gateway/mirror.h"
#include "gateway/problem.h"
#include "gateway/trial.h"

#define PEOPLE_MAX 8

static bool same_address(struct span left, struct span right)
{
	char a[ADDRESS_MAX + 1], b[ADDRESS_MAX + 1];

	return address_normalize(left, a) && address_normalize(right, b) && strcmp(a, b) == 0;
}

/* The name of a person of the CRM who has the sender's address and another name; NULL: there is none. */
static const char *person_name(struct http_request *r, const struct trial *t)
{
	char address[ADDRESS_MAX + 1];
	const char *name = NULL;
	struct store_reply reply;
	struct pack_reader p;
	struct err e;

	if (!address_normalize(span_cstr(t->sender.email), address) ||
	    store_do(r->store, r->arena, &reply, &e, "HGET %b %s",
		     key_company(r->arena, r->viewer.company, KEY_C_ADDRESSES),
		     address) != ERR_OK ||
	    reply.type != STORE_STRING)
		return NULL;
	p = pack_reader_make(reply.string);
	for (size_t n = pack_read_array(&p), i = 0; i < n && i < PEOPLE_MAX && !p.bad; i++) {
		json_t *person = mirror_get(r, MIRROR_PERSON, pack_read_bytes(&p), &e);
		struct span found = json_get_span(person, "name");

		if (found.n && !span_eq(found, t->sender.sender_name))
			name = arena_cstr(r->arena, found);
		json_decref(person);
	}
	return name;
}

static const char *judge(struct http_request *r, const struct trial *t, struct span name,
			 struct span email, const char **detail_out)
{
	const struct span wanted = t->sender.sender_name;

	*detail_out = NULL;
	if (!same_address(email, span_cstr(t->sender.email))) {
		*detail_out = arena_printf(r->arena, "It came from %.*s.", (int)email.n,
					   (const char *)email.p);
		return "sender_address_replaced";
	}
	if (!span_eq(name, wanted)) {
		*detail_out = arena_printf(
			r->arena, "It came under the name \"%.*s\": %s put it there.", (int)name.n,
			name.n ? (const char *)name.p : "",
			*t->sender.smtp_host ? t->sender.smtp_host : "the mail server");
		return "sender_name_replaced";
	}
	*detail_out = person_name(r, t);
	if (*detail_out)
		return "person_has_address";
	return wanted.n ? NULL : "sender_name_not_set";
}

/* The name counts as set once a message has come back with it (ACC-09): this one came back with that. */
static void name_keep(struct http_request *r, const struct trial *t, struct span name)
{
	char at[24];
	struct store_reply reply;
	struct err e;

	snprintf(at, sizeof(at), "%lld", (long long)r->now_ms);
	if (store_do(r->store, r->arena, &reply, &e, "HSET %b nameSeen %b nameFor %b nameSeenAt %s",
		     key_account(r->arena, r->viewer.company, t->account->id, KEY_A_ACCOUNT), name,
		     t->sender.sender_name, at) != ERR_OK)
		log_event(LOG_LEVEL_WARN, "name_not_kept", "error", "e", &e, NULL);
}

static void examine_sender(struct http_request *r, struct trial *t)
{
	json_t *card = message_view_card(r, &t->thread, &t->message);
	const json_t *from = json_array_get(json_object_get(card, "from"), 0);
	const struct span name = json_get_span(from, "name"), email = json_get_span(from, "email");
	const char *detail, *code = judge(r, t, name, email, &detail);
	/* Nothing is wrong with mail that has no name, or whose name people here do not see. */
	const bool open = code && (strcmp(code, "sender_name_not_set") == 0 ||
				   strcmp(code, "person_has_address") == 0);
	json_t *step = open ? trial_step_open(t, "sender", code, detail)
			    : trial_step(t, "sender", code, detail);

	if (same_address(email, span_cstr(t->sender.email)))
		name_keep(r, t, name);
	json_object_set_new(step, "from", message_view_address(name, email));
	json_decref(card);
}

static json_t *word(const char *result)
{
	return *result ? json_string(result) : json_null();
}

static bool failed(const char *result)
{
	return *result && strcmp(result, "pass") != 0 && strcmp(result, "none") != 0 &&
	       strcmp(result, "neutral") != 0 && strcmp(result, "temperror") != 0;
}

bool trial_examine(struct http_request *r, struct trial *t)
{
	struct auth_results found;
	struct err e;
	struct buf raw;
	json_t *step;
	enum err_code code;

	examine_sender(r, t);
	buf_init(&raw, WIRE_RENDER_MAX);
	code = mail_message_raw(r, t->target, &t->message.record, &raw, &e);
	if (code == ERR_OK)
		auth_results_read(buf_span(&raw), &found);
	buf_fini(&raw);
	if (code != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (!found.spf[0] && !found.dkim[0] && !found.dmarc[0])
		step = trial_step_open(t, "authentication", "not_reported", NULL);
	else
		step = trial_step(t, "authentication",
				  failed(found.dmarc) || (!found.dmarc[0] &&
							  (failed(found.spf) || failed(found.dkim)))
					  ? "domain_not_authenticated"
					  : NULL,
				  NULL);
	json_object_set_new(step, "spf", word(found.spf));
	json_object_set_new(step, "dkim", word(found.dkim));
	json_object_set_new(step, "dmarc", word(found.dmarc));
	return true;
}
