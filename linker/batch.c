#include "linker/batch.h"

#include "common/base/address.h"
#include "common/base/log.h"
#include "common/store/keys.h"

#define ADDRESSES_MAX 1024u /* of one message */

enum { PLACE_INBOX = 2 };

/* A part of one account's messages that goes to the commit at once; they follow each other in batch->messages. */
struct commit_part {
	struct batch_account *account;
	struct batch_message *messages;
	size_t count;
};

static struct known *known_of(struct batch *batch, struct span company)
{
	for (size_t i = 0; i < batch->known_count; i++)
		if (span_eq(batch->known[i].company, company))
			return &batch->known[i];
	known_init(&batch->known[batch->known_count], batch->arena, company);
	return &batch->known[batch->known_count++];
}

static struct batch_account *account_of(struct batch *batch, const struct wire_proposal *facts)
{
	struct batch_account *a;

	for (size_t i = 0; i < batch->account_count; i++) {
		a = &batch->accounts[i];
		if (a->generation == facts->generation && span_eq(a->account, facts->account) &&
		    span_eq(a->company, facts->company) && span_eq(a->origin, facts->origin))
			return a;
	}
	a = &batch->accounts[batch->account_count++];
	*a = (struct batch_account){.company = facts->company,
				    .account = facts->account,
				    .owner = facts->owner,
				    .origin = facts->origin,
				    .generation = facts->generation,
				    .known = known_of(batch, facts->company)};
	a->rules.own = facts->own.items;
	a->rules.own_count = facts->own.count;
	known_user(a->known, facts->owner);
	return a;
}

static void read_list(struct known *known, const struct wire_addrs *addrs, size_t *left,
		      struct decide_list *list_out)
{
	char normalized[ADDRESS_MAX + 1];

	list_out->items = arena_array(known->arena, addrs->count, sizeof(struct decide_address *));
	for (size_t i = 0; i < addrs->count; i++) {
		if (*left == 0 || !address_normalize(addrs->items[i].email, normalized)) {
			list_out->odd = true;
			continue;
		}
		(*left)--;
		list_out->items[list_out->count++] = known_address(known, span_cstr(normalized));
	}
}

static void read_mail(struct batch_message *m)
{
	const struct wire_proposal *facts = &m->facts;
	struct known *known = m->account->known;
	size_t left = ADDRESSES_MAX;

	m->mail = (struct decide_mail){.received_ms = facts->received_ms,
				       .sent_ms = facts->sent_ms,
				       .in_inbox = facts->place & PLACE_INBOX,
				       .submitted = facts->submission.n > 0};
	read_list(known, &facts->from, &left, &m->mail.from);
	read_list(known, &facts->sender, &left, &m->mail.sender);
	read_list(known, &facts->reply_to, &left, &m->mail.reply_to);
	read_list(known, &facts->to, &left, &m->mail.to);
	read_list(known, &facts->cc, &left, &m->mail.cc);
	read_list(known, &facts->bcc, &left, &m->mail.bcc);
}

static bool is_proposal(const struct wire_proposal *p)
{
	return p->id.n == ID_BYTES && id_is_client(p->company) && id_is_client(p->account) &&
	       p->keys.count > 0;
}

/* Brings the messages of an account together, in order. */
static void sort_messages(struct batch *batch, struct batch_message *loaded, size_t count)
{
	for (size_t a = 0; a < batch->account_count; a++)
		for (size_t i = 0; i < count; i++)
			if (loaded[i].account == &batch->accounts[a])
				batch->messages[batch->count++] = loaded[i];
}

static void load(struct batch *batch, const struct span *frames, size_t count)
{
	struct batch_message *loaded = arena_array(batch->arena, count, sizeof(*loaded));
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		struct batch_message *m = &loaded[n];
		struct err e = {0};

		if (wire_decode_proposal(frames[i], batch->arena, &m->facts, &e) != ERR_OK ||
		    !is_proposal(&m->facts)) {
			log_event(LOG_LEVEL_ERROR, "proposal_refused", "error", "e", &e, NULL);
			batch->refused++;
			continue;
		}
		m->account = account_of(batch, &m->facts);
		read_mail(m);
		n++;
	}
	sort_messages(batch, loaded, n);
}

static void read_account(struct batch *batch, struct batch_account *a,
			 const struct store_reply *reply)
{
	if (reply->type != STORE_ARRAY || reply->count < 4 ||
	    !span_to_u64(reply->items[1].string, UINT32_MAX, &a->number)) {
		a->failed = true;
		return;
	}
	a->rules.blocked_count = reply->count - 4;
	a->rules.blocked = arena_array(batch->arena, a->rules.blocked_count, sizeof(struct span));
	for (size_t i = 0; i < a->rules.blocked_count; i++)
		a->rules.blocked[i] = reply->items[4 + i].string;
	a->rules.owner_sharing = known_user_sharing(a->known, a->owner);
}

static void fail_company(struct batch *batch, const struct known *known)
{
	for (size_t i = 0; i < batch->account_count; i++)
		batch->accounts[i].failed |= batch->accounts[i].known == known;
}

/* First round trip: one call a company (more with many addresses), one an account. */
static enum err_code ask(struct batch *batch, struct err *e)
{
	size_t n = batch->account_count, calls = n;
	struct store_command *commands;
	struct store_reply *replies, *next;
	enum err_code code;

	for (size_t k = 0; k < batch->known_count; k++)
		calls += known_calls(&batch->known[k]);
	commands = arena_array(batch->arena, calls, sizeof(*commands));
	replies = arena_array(batch->arena, calls, sizeof(*replies));
	for (size_t i = 0; i < n; i++)
		commands[i] =
			store_command(batch->arena, "FCALL linker_1_account 1 %b",
				      key_account_tag(batch->arena, batch->accounts[i].company,
						      batch->accounts[i].account));
	for (size_t k = 0; k < batch->known_count; k++)
		for (size_t c = 0; c < known_calls(&batch->known[k]); c++)
			commands[n++] = known_call(&batch->known[k], c);
	code = store_pipeline(batch->store, commands, calls, batch->arena, replies, e);
	if (code != ERR_OK)
		return code;
	next = replies + batch->account_count;
	for (size_t k = 0; k < batch->known_count; k++)
		for (size_t c = 0; c < known_calls(&batch->known[k]); c++)
			if (!known_read(&batch->known[k], c, next++))
				fail_company(batch, &batch->known[k]);
	for (size_t i = 0; i < batch->account_count; i++)
		read_account(batch, &batch->accounts[i], &replies[i]);
	return ERR_OK;
}

static void decide(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct batch_message *m = &batch->messages[i];

		m->status = COMMIT_FAILED;
		if (!m->account->failed)
			decide_message(&m->account->known->settings, &m->account->rules, &m->mail,
				       batch->arena, &m->decision);
	}
}

/* Messages of one account with at most COMMIT_KEYS_MAX id keys. single: one message a part. */
static size_t split(struct batch *batch, struct commit_part *parts, bool single)
{
	size_t n = 0, keys = 0;

	for (size_t i = 0; i < batch->count; i++) {
		struct batch_message *m = &batch->messages[i];
		struct commit_part *last = n > 0 ? &parts[n - 1] : NULL;

		if (m->account->failed || m->status != COMMIT_FAILED)
			continue;
		keys += m->facts.keys.count;
		if (!last || single || last->account != m->account || keys > COMMIT_KEYS_MAX ||
		    last->messages + last->count != m) {
			last = &parts[n++];
			*last = (struct commit_part){.account = m->account, .messages = m};
			keys = m->facts.keys.count;
		}
		last->count++;
	}
	return n;
}

static struct store_command part_call(struct batch *batch, const struct commit_part *part,
				      int64_t now_ms)
{
	struct span *arguments = arena_array(batch->arena, part->count, sizeof(*arguments));

	for (size_t i = 0; i < part->count; i++)
		arguments[i] = commit_argument(batch->arena, &part->messages[i].facts,
					       &part->messages[i].decision);
	return commit_call(batch->arena, part->account->company, part->account->account,
			   part->account->generation, now_ms, arguments, part->count);
}

static bool part_read(struct batch *batch, const struct commit_part *part,
		      const struct store_reply *reply, struct commit_answer *answer_out)
{
	if (!commit_read(reply, part->count, batch->arena, answer_out)) {
		struct span why = reply->type == STORE_ERROR ? reply->string : SPAN_LIT("?");

		log_event(LOG_LEVEL_ERROR, "commit_refused", "account", "p",
			  &part->account->account, "messages", "u", (uint64_t)part->count, "why",
			  "p", &why, NULL);
		return false;
	}
	for (size_t i = 0; i < part->count; i++)
		part->messages[i].status = answer_out->gone ? COMMIT_GONE : answer_out->status[i];
	part->account->merges += answer_out->merges;
	return true;
}

/* Third round trip: what was just written, if it follows what was applied. */
static enum err_code apply(struct batch *batch, const struct commit_part *parts,
			   const struct commit_answer *answers, size_t count, struct err *e)
{
	struct batch_account **whose;
	struct store_command *commands;
	struct store_reply *replies;
	size_t most = 0, n = 0;
	enum err_code code;

	for (size_t i = 0; i < count; i++)
		most += answers[i].entry_count / APPLY_ENTRIES_MAX + 1;
	whose = arena_array(batch->arena, most, sizeof(struct batch_account *));
	commands = arena_array(batch->arena, most, sizeof(*commands));
	replies = arena_array(batch->arena, most, sizeof(*replies));
	for (size_t i = 0; i < count; i++) {
		struct batch_account *a = parts[i].account;
		struct apply_account target = {a->company, a->account, a->number};

		for (size_t from = 0; from < answers[i].entry_count; from += APPLY_ENTRIES_MAX) {
			size_t left = answers[i].entry_count - from;

			whose[n] = a;
			commands[n++] = apply_call(
				batch->arena, &target, answers[i].first_n + from,
				answers[i].entries + from,
				left < APPLY_ENTRIES_MAX ? left : APPLY_ENTRIES_MAX, false);
			a->applied += left < APPLY_ENTRIES_MAX ? left : APPLY_ENTRIES_MAX;
		}
	}
	if (n == 0)
		return ERR_OK;
	code = store_pipeline(batch->store, commands, n, batch->arena, replies, e);
	if (code != ERR_OK)
		log_event(LOG_LEVEL_WARN, "apply_postponed", "error", "e", e, NULL);
	for (size_t i = 0; i < n; i++)
		if (code != ERR_OK || apply_read(&replies[i]).status != APPLY_OK)
			whose[i]->behind = true;
	return ERR_OK; /* committed is committed: the journal has it */
}

/* Second round trip. single: each message on its own, after a call failed as a whole. */
static enum err_code commit(struct batch *batch, int64_t now_ms, bool single, bool *failed_out,
			    struct err *e)
{
	struct commit_part *parts = arena_array(batch->arena, BATCH_MAX, sizeof(*parts));
	struct commit_answer *answers = arena_array(batch->arena, BATCH_MAX, sizeof(*answers));
	struct store_command *commands = arena_array(batch->arena, BATCH_MAX, sizeof(*commands));
	struct store_reply *replies = arena_array(batch->arena, BATCH_MAX, sizeof(*replies));
	size_t count = split(batch, parts, single);
	enum err_code code;

	*failed_out = false;
	if (count == 0)
		return ERR_OK;
	for (size_t i = 0; i < count; i++)
		commands[i] = part_call(batch, &parts[i], now_ms);
	code = store_pipeline(batch->store, commands, count, batch->arena, replies, e);
	if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < count; i++)
		if (!part_read(batch, &parts[i], &replies[i], &answers[i]))
			*failed_out = true;
	return apply(batch, parts, answers, count, e);
}

enum err_code batch_run(struct batch *batch, const struct span *frames, size_t count,
			int64_t now_ms, struct err *e)
{
	enum err_code code;
	bool failed;

	arena_reset(batch->arena);
	batch->count = batch->account_count = batch->known_count = batch->refused = 0;
	load(batch, frames, count);
	if (batch->count == 0)
		return ERR_OK;
	code = ask(batch, e);
	if (code != ERR_OK)
		return code;
	decide(batch);
	code = commit(batch, now_ms, false, &failed, e);
	if (code == ERR_OK && failed)
		code = commit(batch, now_ms, true, &failed, e);
	return code;
}
