#include "gateway/message_view.h"

#include <stdio.h>

#include "common/wire/pack.h"
#include "gateway/json.h"

json_t *message_view_address(struct span name, struct span email)
{
	return json_pack("{s:o, s:o}", "name", name.n ? json_from_span(name) : json_null(), "email",
			 json_from_span(email));
}

static json_t *addresses(struct pack_reader *p)
{
	json_t *list = json_array();
	size_t count = pack_read_array(p);

	for (size_t i = 0; i < count; i++) {
		struct span name, email;

		mail_card_address(p, &name, &email);
		json_array_append_new(list, message_view_address(name, email));
	}
	return list;
}

static const struct {
	const char *key, *name;
	bool owner_only;
} address_members[] = {{"f", "from", false}, {"e", "sender", false}, {"t", "to", false},
		       {"c", "cc", false},   {"b", "bcc", true},     {"r", "replyTo", false}};

static bool add_addresses(json_t *object, struct span key, struct pack_reader *p, bool owner)
{
	for (size_t i = 0; i < sizeof(address_members) / sizeof(*address_members); i++) {
		if (!span_eq(key, span_cstr(address_members[i].key)))
			continue;
		if (address_members[i].owner_only && !owner)
			pack_skip(p);
		else
			json_object_set_new(object, address_members[i].name, addresses(p));
		return true;
	}
	return false;
}

static void add_member(json_t *object, struct span key, struct pack_reader *p, bool owner)
{
	if (span_eq(key, SPAN_LIT("s"))) {
		json_object_set_new(object, "subject", json_from_span(pack_read_bytes(p)));
	} else if (span_eq(key, SPAN_LIT("p"))) {
		json_object_set_new(object, "preview", json_from_span(pack_read_bytes(p)));
	} else if (span_eq(key, SPAN_LIT("i"))) {
		struct span id = pack_read_bytes(p);

		json_object_set_new(object, "messageId",
				    id.n ? json_pack("[o]", json_from_span(id)) : json_null());
	} else if (span_eq(key, SPAN_LIT("h"))) {
		json_object_set_new(object, "hasAttachment", json_boolean(pack_read_u64(p) != 0));
	} else if (!add_addresses(object, key, p, owner)) {
		pack_skip(p);
	}
}

static void add_card(json_t *object, struct span card, bool owner)
{
	struct pack_reader p = pack_reader_make(card);
	size_t pairs = pack_read_map(&p);

	for (size_t i = 0; i < pairs && !p.bad; i++)
		add_member(object, pack_read_bytes(&p), &p, owner);
}

static void add_mailbox(json_t *mailboxes, struct pack_reader *p)
{
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)pack_read_u64(p));
	json_object_set_new(mailboxes, number, json_true());
}

/* `[mailbox, uidvalidity, uid]` and perhaps the mailboxes of its labels */
static void add_place(json_t *mailboxes, struct pack_reader *p)
{
	const size_t elements = pack_read_array(p);

	if (elements < 3) {
		pack_skip_n(p, elements);
		return;
	}
	add_mailbox(mailboxes, p);
	pack_skip_n(p, 2);
	for (size_t n = elements > 3 ? pack_read_array(p) : 0; n > 0 && !p->bad; n--)
		add_mailbox(mailboxes, p);
	pack_skip_n(p, elements > 4 ? elements - 4 : 0);
}

/* `[[mailbox, uidvalidity, uid]…], [keyword…]` → mailboxIds and keywords. */
static void add_places(json_t *object, struct span places)
{
	json_t *mailboxes = json_object(), *keywords = json_object();
	struct pack_reader p = pack_reader_make(places);

	if (places.n && pack_read_array(&p) >= 2) {
		for (size_t n = pack_read_array(&p); n > 0 && !p.bad; n--)
			add_place(mailboxes, &p);
		for (size_t n = pack_read_array(&p); n > 0 && !p.bad; n--) {
			json_t *word = json_from_span(pack_read_bytes(&p));

			json_object_set_new(keywords, json_string_value(word), json_true());
			json_decref(word);
		}
	}
	json_object_set_new(object, "mailboxIds", mailboxes);
	json_object_set_new(object, "keywords", keywords);
}

/* What we know of it, whatever a parser says. */
static void add_record(struct http_request *r, json_t *object, const struct mail_thread *thread,
		       const struct mail_message *message)
{
	const struct mail_record *record = &message->record;
	const char *id = mail_public_id(r, thread->account, &record->id);

	json_object_set_new(object, "id", json_string(id));
	json_object_set_new(object, "blobId", json_string(id));
	json_object_set_new(object, "threadId",
			    json_string(mail_public_id(r, thread->account, &thread->id)));
	json_object_set_new(object, "accountId", json_from_span(thread->account->id));
	json_object_set_new(object, "size", json_integer((json_int_t)record->size));
	json_object_set_new(object, "receivedAt", json_from_time(record->received_ms));
	json_object_set_new(object, "sentAt", json_from_time(record->sent_ms));
	json_object_set_new(object, "outgoing", json_boolean(record->bits & MAIL_OUTGOING));
	if (thread->visibility == VISIBLE_OWNER)
		add_places(object, message->places);
}

json_t *message_view_card(struct http_request *r, const struct mail_thread *thread,
			  const struct mail_message *message)
{
	json_t *object = json_object();

	add_card(object, message->record.card, thread->visibility == VISIBLE_OWNER);
	add_record(r, object, thread, message);
	return object;
}

json_t *message_view_full(struct http_request *r, const struct mail_thread *thread,
			  const struct mail_message *message, struct err *e)
{
	struct wire_render ask = {.want = SPAN_LIT("facts")};
	struct wire_rendered answer;
	json_t *object = NULL;
	struct buf bytes;

	err_clear(e);
	buf_init(&bytes, WIRE_RENDER_MAX);
	if (mail_message_render(r, thread->account, &message->record, &ask, &answer, &bytes, e) ==
		    ERR_OK &&
	    span_eq(answer.status, SPAN_LIT("ok")))
		object = json_loadb((const char *)bytes.p, bytes.n, 0, NULL);
	else if (e->code == ERR_OK)
		err_set(e, ERR_TEMP, ERR_ITEM, "render_failed", "the message could not be read");
	buf_fini(&bytes);
	if (!object)
		return NULL;
	if (thread->visibility != VISIBLE_OWNER) {
		json_object_del(object, "bcc");
		json_object_del(
			object,
			"headers"); /* as the source is: they hold Bcc, and how it came here */
	}
	add_record(r, object, thread, message);
	return object;
}
