#include "gateway/people_from_thread.h"

#include "common/base/address.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/bus_client.h"
#include "gateway/json.h"
#include "gateway/mail_message.h"
#include "gateway/message_view.h"
#include "gateway/mirror.h"
#include "gateway/problem.h"
#include "gateway/thread_action.h"

enum { LOOK_AT = 200 };

/* Is the normalized address one of those in the list, and under which name? */
static bool listed(const json_t *list, const char *address, struct span *name_out)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		char other[ADDRESS_MAX + 1];

		if (!address_normalize(json_get_span(entry, "email"), other) ||
		    strcmp(other, address) != 0)
			continue;
		if (!name_out->n)
			*name_out = json_get_span(entry, "name");
		return true;
	}
	return false;
}

/* On one of the thread's newest messages? name_out lies in the arena. */
static bool on_thread(struct http_request *r, const struct mail_thread *thread, const char *address,
		      struct span *name_out, struct err *e)
{
	static const char *const members[] = {"from", "to", "cc", "bcc", "replyTo"};
	struct mail_message *messages = arena_array(r->arena, LOOK_AT, sizeof(*messages));
	size_t count, found = 0;
	bool here = false;
	struct id *ids;

	if (mail_member_ids(r, thread, LOOK_AT, &ids, &count, e) != ERR_OK ||
	    mail_messages_load(r, thread->account, ids, count, messages, &found, e) != ERR_OK)
		return false;
	err_clear(e);
	for (size_t i = 0; i < found && !here; i++) {
		json_t *card = message_view_card(r, thread, &messages[i]);

		for (size_t k = 0; k < sizeof(members) / sizeof(*members) && !here; k++)
			here = listed(json_object_get(card, members[k]), address, name_out);
		*name_out = arena_span(r->arena, *name_out);
		json_decref(card);
	}
	return here;
}

static struct span person_id(struct http_request *r)
{
	struct span given = json_get_span(r->json, "id");
	uint8_t random[ID_BYTES];
	struct buf text;
	struct span id;

	if (given.n)
		return given;
	random_bytes(random, sizeof(random));
	buf_init(&text, 64);
	buf_put_cstr(&text, "person-");
	base32_encode(span_make(random, sizeof(random)), &text);
	id = arena_span(r->arena, buf_span(&text));
	buf_fini(&text);
	return id;
}

/* LNK-08: the CRM learns of each person we create. */
static enum err_code announce(struct http_request *r, struct span id, struct err *e)
{
	struct store_reply reply;
	enum err_code code;
	struct buf entry;

	buf_init(&entry, 1024);
	buf_put_byte(&entry, 'c');
	pack_put_array(&entry, 3);
	pack_put_cstr(&entry, "person.created");
	pack_put_i64(&entry, r->now_ms);
	pack_put_cstr(&entry, arena_printf(r->arena, "{\"personId\":\"%.*s\"}", (int)id.n,
					   (const char *)id.p));
	code = store_do(r->store, r->arena, &reply, e, "XADD %b * e %b",
			key_company(r->arena, r->viewer.company, KEY_C_EVENTS), buf_span(&entry));
	buf_fini(&entry);
	if (code == ERR_OK)
		bus_client_ring(r->app->bus, "events", r->viewer.company, span_make(NULL, 0));
	return code;
}

static bool create(struct http_request *r, struct span id, struct span name)
{
	json_t *person = json_pack("{s:[O]}", "emails", json_object_get(r->json, "email"));
	struct mirror_item item = {.id = id, .object = person};
	struct span given = json_get_span(r->json, "name");
	const char *refused = NULL;
	enum err_code code;
	struct err e;

	if (given.n || name.n)
		json_object_set_new(person, "name", json_from_span(given.n ? given : name));
	code = mirror_put(r, MIRROR_PERSON, &item, 1, &refused, &e);
	if (code == ERR_OK && !refused)
		code = announce(r, id, &e);
	json_decref(person);
	if (code != ERR_OK)
		problem_from_err(r, &e);
	else if (refused)
		problem_answer(r, PROBLEM_INVALID_FIELD, "The person was refused: %s.", refused);
	return code == ERR_OK && !refused;
}

/* False: a problem is answered: an id that is taken is never written over, seen by the viewer or not. */
static bool id_free(struct http_request *r, struct span id)
{
	struct store_reply reply;
	struct err e;

	if (store_do(r->store, r->arena, &reply, &e, "HEXISTS %b %b",
		     key_company(r->arena, r->viewer.company, KEY_C_PEOPLE), id) != ERR_OK)
		problem_from_err(r, &e);
	else if (reply.integer == 1)
		problem_answer(r, PROBLEM_ALREADY_EXISTS, "There is a person with this id.");
	return r->answer.status == 0;
}

static void answer_person(struct http_request *r, struct span id)
{
	struct err e;
	json_t *person = mirror_get(r, MIRROR_PERSON, id, &e);

	if (person)
		http_answer_json(r, 201, person);
	else
		problem_from_err(r, &e);
}

void people_from_thread(struct http_request *r)
{
	struct span id = person_id(r), name = {0};
	char address[ADDRESS_MAX + 1];
	struct mail_thread thread;
	struct err e;

	err_clear(&e);
	if (!mail_thread_own(r, json_get_span(r->json, "fromThread"), &thread) || !id_free(r, id))
		return;
	if (!address_normalize(json_get_span(r->json, "email"), address) ||
	    !on_thread(r, &thread, address, &name, &e)) {
		if (e.code != ERR_OK)
			problem_from_err(r, &e);
		else
			problem_answer(r, PROBLEM_UNKNOWN_REFERENCE,
				       "The address is not on a message of this thread.");
		return;
	}
	/* The thread gets the person: among its people, and of record if it has nobody (LNK-08, LNK-10). */
	const struct span given[] = {SPAN_LIT(""), SPAN_LIT(""), id, id};

	if (create(r, id, name) && thread_action_relink(r, &thread, given, 4))
		answer_person(r, id);
}
