#include "sender/outgoing.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "sender/delivery.h"
#include "sender/hop.h"

static struct span company_of(const struct outgoing *o)
{
	return span_cstr(o->company);
}

static struct span account_of(const struct outgoing *o)
{
	return span_cstr(o->account);
}

struct outgoing *outgoing_look(struct sender *sender, struct span company, struct span account)
{
	struct outgoing **at = &sender->outgoing, *o;

	for (; *at; at = &(*at)->next)
		if (span_eq(account_of(*at), account) && span_eq(company_of(*at), company)) {
			(*at)->look = true;
			return *at;
		}
	o = calloc(1, sizeof(*o));
	if (!o)
		abort();
	snprintf(o->company, sizeof(o->company), "%.*s", (int)company.n, (const char *)company.p);
	snprintf(o->account, sizeof(o->account), "%.*s", (int)account.n, (const char *)account.p);
	o->look = true;
	*at = o;
	return o;
}

/* ---- how much there is room for ---- */

static size_t left(size_t limit, size_t used)
{
	return limit > used ? limit - used : 0;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t bulk_of_account(const struct sender *sender)
{
	size_t one = (size_t)sender->conf->account_connections;

	return one > 1 ? one - 1 : 1;
}

static size_t bulk_of_all(const struct sender *sender)
{
	size_t all = (size_t)sender->conf->connections;

	return all > 3 ? all - all / 4 : 1;
}

bool outgoing_may_send(const struct sender *sender, const struct outgoing *o, bool bulk)
{
	if (sender->load.sending >= (size_t)sender->conf->connections ||
	    o->load.sending >= (size_t)sender->conf->account_connections)
		return false;
	return !bulk || (sender->load.sending_bulk < bulk_of_all(sender) &&
			 o->load.sending_bulk < bulk_of_account(sender));
}

/* As many again as connections are leased ahead of them. */
static size_t room(const struct outgoing_load *load, size_t limit)
{
	return left(2 * limit, load->sending + load->waiting);
}

static size_t room_bulk(const struct outgoing_load *load, size_t limit)
{
	return left(2 * limit, load->sending_bulk + load->waiting_bulk);
}

/* ---- what is taken ---- */

static void new_word(struct outgoing *o)
{
	uint8_t random[16];
	struct buf text;

	random_bytes(random, sizeof(random));
	buf_init(&text, sizeof(o->word) - 1);
	base32_encode(span_make(random, sizeof(random)), &text);
	snprintf(o->word, sizeof(o->word), "%.*s.", (int)text.n, (const char *)text.p);
	buf_fini(&text);
}

static bool take(struct sender *sender, struct outgoing *o, size_t *room_left, size_t *bulk_left)
{
	size_t one = (size_t)sender->conf->account_connections;
	size_t max = least(least(room(&o->load, one), *room_left), OUTBOX_TAKE_MAX);
	size_t bulk = least(room_bulk(&o->load, bulk_of_account(sender)), *bulk_left);

	if (max == 0)
		return false;
	new_word(o);
	o->look = false;
	o->taking = true;
	o->take = (struct outbox_call){
		.verb = OUTBOX_TAKE,
		.owner = o,
		.key = {.company = company_of(o), .account = account_of(o)},
		.max = max,
		.max_bulk = least(max, bulk),
		.ahead = left(max, left(one, o->load.sending + o->load.waiting)),
		.ahead_bulk =
			left(least(max, bulk), left(bulk_of_account(sender),
						    o->load.sending_bulk + o->load.waiting_bulk)),
		.word = span_cstr(o->word),
	};
	*room_left -= max;
	*bulk_left -= o->take.max_bulk;
	durable_put(&sender->recording, &o->take);
	return true;
}

void outgoing_taken(struct outgoing *o, struct sender *sender)
{
	struct outbox_call *call = &o->take;

	o->taking = false;
	if (call->code != ERR_OK)
		log_event(LOG_LEVEL_WARN, "take_failed", "company", "s", o->company, "account", "s",
			  o->account, "error", "e", &call->e, NULL);
	for (size_t i = 0; i < call->taken_count; i++) {
		const struct outbox_taken *taken = &call->taken[i];

		if (taken->what == OUTBOX_LEASED)
			delivery_start(sender, o, taken);
		else if (taken->what == OUTBOX_RESOLVED)
			o->rings |= OUTGOING_JOURNAL;
		else if (taken->what == OUTBOX_DAMAGED)
			log_event(LOG_LEVEL_WARN, "entry_damaged", "account", "s", o->account,
				  "submission", "p", &taken->key.submission, NULL);
	}
	o->look |= call->taken_count > 0; /* there may be more */
}

/* ---- every turn ---- */

static void ring(struct sender *sender, struct outgoing *o)
{
	static const char *const topics[][2] = {
		{"linker", "journal"}, {"fetcher", "ledger"}, {"fetcher", "accounts"}};

	for (unsigned i = 0; o->rings && i < 3; i++)
		if (o->rings & (1u << i))
			hop_ring(sender, topics[i][0], topics[i][1], company_of(o), account_of(o));
	o->rings = 0;
}

static size_t asked_for(const struct sender *sender)
{
	size_t n = 0;

	for (const struct outgoing *o = sender->outgoing; o; o = o->next)
		n += o->taking ? o->take.max : 0;
	return n;
}

void outgoing_turn(struct sender *sender)
{
	size_t all = (size_t)sender->conf->connections;
	size_t room_left = left(room(&sender->load, all), asked_for(sender));
	size_t bulk_left = room_bulk(&sender->load, bulk_of_all(sender));
	struct outgoing *list = sender->outgoing, *o, *served = NULL;
	struct outgoing **kept_end = &sender->outgoing, **served_end = &served;

	while ((o = list)) {
		bool takes = o->look && !o->taking && !sender->draining &&
			     take(sender, o, &room_left, &bulk_left);

		list = o->next;
		ring(sender, o);
		if (takes) { /* the others are first the next time */
			*served_end = o;
			served_end = &o->next;
		} else if (o->look || o->taking || o->deliveries > 0) {
			*kept_end = o;
			kept_end = &o->next;
		} else {
			free(o);
		}
	}
	*served_end = NULL;
	*kept_end = served;
}

void outgoing_free_all(struct sender *sender)
{
	while (sender->outgoing) {
		struct outgoing *o = sender->outgoing;

		sender->outgoing = o->next;
		free(o);
	}
}
