#include "common/linking/decide.h"

#include "common/base/address.h"

const char *decide_reason_name(enum decide_reason reason)
{
	static const char *const names[] = {
		[DECIDE_LINKED] = "",
		[DECIDE_MANUAL_MODE] = "manual_mode",
		[DECIDE_NO_PERSON] = "no_person",
		[DECIDE_NO_OPEN_ITEM] = "no_open_item",
		[DECIDE_MULTIPLE_OPEN_ITEMS] = "multiple_open_items",
		[DECIDE_KIND_NOT_AUTOMATIC] = "kind_not_automatic",
		[DECIDE_PREDATES_ITEM] = "predates_item",
	};

	return names[reason];
}

static bool is_own(const struct decide_account *account, const struct decide_address *a)
{
	for (size_t i = 0; i < account->own_count; i++)
		if (span_eq(account->own[i], a->email))
			return true;
	return false;
}

static bool is_listed(const struct span *entries, size_t count, struct span email)
{
	for (size_t i = 0; i < count; i++)
		if (address_blocked_by(entries[i], email))
			return true;
	return false;
}

static bool is_blocked(const struct decide_company *company, const struct decide_account *account,
		       const struct decide_address *a)
{
	return is_listed(company->blocked, company->blocked_count, a->email) ||
	       is_listed(account->blocked, account->blocked_count, a->email);
}

static bool any_own(const struct decide_account *account, const struct decide_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (is_own(account, list->items[i]))
			return true;
	return false;
}

/* own_passes: the account's own addresses count as blocked here. */
static bool all_blocked(const struct decide_company *company, const struct decide_account *account,
			const struct decide_list *list, bool own_passes)
{
	for (size_t i = 0; i < list->count; i++)
		if (!(own_passes && is_own(account, list->items[i])) &&
		    !is_blocked(company, account, list->items[i]))
			return false;
	return !list->odd;
}

static bool is_screened(const struct decide_company *company, const struct decide_account *account,
			const struct decide_mail *mail)
{
	const struct decide_list *senders = mail->from.count > 0 ? &mail->from : &mail->sender;

	return senders->count > 0 && all_blocked(company, account, senders, false) &&
	       all_blocked(company, account, &mail->to, true) &&
	       all_blocked(company, account, &mail->cc, true);
}

static void add_person(struct decide_result *result, struct decide_person *person)
{
	for (size_t i = 0; i < result->people_count; i++)
		if (span_eq(result->people[i]->id, person->id))
			return;
	if (result->people_count < DECIDE_PEOPLE_MAX)
		result->people[result->people_count++] = person;
}

static bool counts(const struct decide_account *account, const struct decide_address *a)
{
	return !a->is_user && !is_own(account, a);
}

static void match_people(const struct decide_account *account, const struct decide_mail *mail,
			 struct arena *arena, struct decide_result *result)
{
	const struct decide_list *lists[] = {&mail->from, &mail->reply_to, &mail->to, &mail->cc,
					     &mail->bcc};

	result->people = arena_array(arena, DECIDE_PEOPLE_MAX, sizeof(struct decide_person *));
	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++)
		for (size_t i = 0; i < lists[l]->count; i++) {
			struct decide_address *a = lists[l]->items[i];

			for (size_t p = 0; counts(account, a) && p < a->people_count; p++)
				add_person(result, a->people[p]);
		}
}

/* LNK-10: From of incoming mail, the first matched To of outgoing. */
static const struct decide_person *person_of_record(const struct decide_account *account,
						    const struct decide_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i]->people_count > 0 && counts(account, list->items[i]))
			return list->items[i]->people[0];
	return NULL;
}

/* Distinct open items over all matched people: their number; the first ones go into result->open. */
static size_t count_open(struct decide_result *result)
{
	size_t distinct = 0;

	for (size_t p = 0; p < result->people_count; p++)
		for (size_t i = 0; i < result->people[p]->item_count; i++) {
			const struct decide_item *item = &result->people[p]->items[i];
			bool known = false;

			for (size_t k = 0; k < result->open_count; k++)
				known |= result->open[k]->kind == item->kind &&
					 span_eq(result->open[k]->id, item->id);
			if (known)
				continue;
			distinct++; /* past the shown ones an item may count twice: it is "several" by then */
			if (result->open_count < DECIDE_SHOWN_MAX)
				result->open[result->open_count++] = item;
		}
	return distinct;
}

static enum decide_reason choose(const struct decide_company *company, int64_t time_ms,
				 struct decide_result *result)
{
	size_t open = count_open(result);

	if (!company->automatic)
		return DECIDE_MANUAL_MODE;
	if (result->people_count == 0)
		return DECIDE_NO_PERSON;
	if (open == 0)
		return DECIDE_NO_OPEN_ITEM;
	if (open > 1)
		return DECIDE_MULTIPLE_OPEN_ITEMS;
	if (span_find_byte(company->kinds, result->open[0]->kind) == company->kinds.n)
		return DECIDE_KIND_NOT_AUTOMATIC;
	if (time_ms < result->open[0]->created_ms)
		return DECIDE_PREDATES_ITEM;
	result->item = result->open[0];
	return DECIDE_LINKED;
}

static bool is_private(const struct decide_company *company, const struct decide_account *account)
{
	struct span word = account->owner_sharing.n > 0 ? account->owner_sharing : company->sharing;

	return span_eq(word, SPAN_LIT("private"));
}

void decide_message(const struct decide_company *company, const struct decide_account *account,
		    const struct decide_mail *mail, struct arena *arena,
		    struct decide_result *result_out)
{
	struct decide_result *result = result_out;
	int64_t time_ms = mail->received_ms;

	*result = (struct decide_result){0};
	result->outgoing = mail->submitted || any_own(account, &mail->from);
	if (!result->outgoing && is_screened(company, account, mail)) {
		result->screened = true;
		return;
	}
	result->sent = result->outgoing;
	result->received = !result->outgoing || mail->in_inbox;
	result->is_private = is_private(company, account);
	match_people(account, mail, arena, result);
	result->person = person_of_record(account, result->outgoing ? &mail->to : &mail->from);
	if (result->outgoing && mail->sent_ms > 0)
		time_ms = mail->sent_ms;
	result->reason = choose(company, time_ms, result);
}
