#include "gateway/relink_mail.h"

#include "common/base/address.h"
#include "gateway/json.h"

#define ADDRESSES_MAX 1024u /* of one list */
#define FACTS_MAX (4u << 20)

struct list_name {
	char card;
	const char *facts; /* RFC 8621 */
};

enum { LISTS = 6 };

static const struct list_name names[LISTS] = {{'f', "from"}, {'e', "sender"}, {'t', "to"},
					      {'c', "cc"},   {'b', "bcc"},    {'r', "replyTo"}};

static struct decide_list *list_of(struct decide_mail *mail, size_t i)
{
	struct decide_list *const lists[LISTS] = {&mail->from, &mail->sender, &mail->to,
						  &mail->cc,   &mail->bcc,    &mail->reply_to};

	return lists[i];
}

static void list_room(struct known *known, struct decide_list *list, size_t count)
{
	if (count > ADDRESSES_MAX)
		count = ADDRESSES_MAX;
	list->items = arena_array(known->arena, count + 1, sizeof(struct decide_address *));
}

static void list_add(struct known *known, struct decide_list *list, struct span email)
{
	char normalized[ADDRESS_MAX + 1];

	if (list->count < ADDRESSES_MAX && address_normalize(email, normalized))
		list->items[list->count++] = known_address(known, span_cstr(normalized));
}

static void read_card_list(struct known *known, struct pack_reader *p, struct decide_list *list)
{
	size_t count = pack_peek(p) == PACK_MAP ? pack_read_map(p) : pack_read_array(p);

	list_room(known, list, count);
	for (size_t i = 0; i < count && !p->bad; i++) {
		struct span name, email;

		mail_card_address(p, &name, &email);
		list_add(known, list, email);
	}
}

static bool read_card(struct known *known, struct span card, struct decide_mail *mail)
{
	struct pack_reader p = pack_reader_make(card);
	size_t pairs = pack_read_map(&p);

	for (size_t i = 0; i < pairs && !p.bad; i++) {
		struct span key = pack_read_bytes(&p);
		size_t which = 0;

		while (which < LISTS && !(key.n == 1 && key.p[0] == (uint8_t)names[which].card))
			which++;
		if (which < LISTS)
			read_card_list(known, &p, list_of(mail, which));
		else
			pack_skip(&p);
	}
	return !p.bad;
}

static void read_facts(struct known *known, const json_t *facts, struct decide_mail *mail)
{
	for (size_t i = 0; i < LISTS; i++) {
		const json_t *addresses = json_object_get(facts, names[i].facts);
		struct decide_list *list = list_of(mail, i);

		list_room(known, list, json_array_size(addresses));
		for (size_t a = 0; a < json_array_size(addresses); a++)
			list_add(known, list, json_get_span(json_array_get(addresses, a), "email"));
	}
}

static bool read_message(struct http_request *r, const struct account_entry *account,
			 const struct mail_record *record, struct known *known,
			 struct decide_mail *mail)
{
	struct wire_render ask = {.want = SPAN_LIT("facts")};
	struct wire_rendered answer;
	json_t *facts = NULL;
	struct buf bytes;
	struct err e;

	buf_init(&bytes, FACTS_MAX);
	if (mail_message_render(r, account, record, &ask, &answer, &bytes, &e) == ERR_OK &&
	    span_eq(answer.status, SPAN_LIT("ok")))
		facts = json_loadb((const char *)bytes.p, bytes.n, 0, NULL);
	buf_fini(&bytes);
	if (facts)
		read_facts(known, facts, mail);
	json_decref(facts);
	return facts != NULL;
}

bool relink_mail_read(struct http_request *r, const struct account_entry *account,
		      const struct mail_record *record, struct known *known,
		      struct decide_mail *mail_out)
{
	*mail_out = (struct decide_mail){.received_ms = INT64_MAX,
					 .submitted = record->bits & MAIL_OUTGOING};
	return record->bits & MAIL_CARD_CUT ? read_message(r, account, record, known, mail_out)
					    : read_card(known, record->card, mail_out);
}
