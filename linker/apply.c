#include "linker/apply.h"

#include "common/store/keys.h"

#include <inttypes.h>
#include <stdio.h>

#define N_MAX ((UINT64_C(1) << 48) - 1)

struct store_command apply_call(struct arena *arena, const struct apply_account *account,
				uint64_t first, const struct span *entries, size_t count,
				bool forgotten)
{
	struct span *args = arena_array(arena, 8 + count, sizeof(*args));
	size_t n = 0;

	args[n++] = SPAN_LIT("FCALL");
	args[n++] = SPAN_LIT("linker_1_apply");
	args[n++] = SPAN_LIT("1");
	args[n++] = key_company_tag(arena, account->company);
	args[n++] = account->account;
	args[n++] = span_cstr(arena_printf(arena, "%" PRIu64, account->number));
	args[n++] = span_cstr(arena_printf(arena, "%" PRIu64, first));
	args[n++] = forgotten ? SPAN_LIT("1") : SPAN_LIT("0");
	for (size_t i = 0; i < count; i++)
		args[n++] = entries[i];
	return (struct store_command){args, n};
}

struct apply_answer apply_read(const struct store_reply *reply)
{
	static const struct span words[] = {
		[APPLY_OK] = SPAN_LIT("ok"),
		[APPLY_STALE] = SPAN_LIT("stale"),
		[APPLY_BUSY] = SPAN_LIT("busy"),
		[APPLY_FORGET] = SPAN_LIT("forget"),
	};
	struct apply_answer answer = {.status = APPLY_BAD};

	if (reply->type != STORE_ARRAY || reply->count < 2 || reply->items[1].type != STORE_INT)
		return answer;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_eq(reply->items[0].string, words[i]))
			answer.status = (enum apply_status)i;
	answer.last = (uint64_t)reply->items[1].integer;
	return answer;
}

static enum err_code bad_answer(struct err *e, const struct store_reply *reply)
{
	struct span text = reply->type == STORE_ERROR ? reply->string
						      : SPAN_LIT("unexpected answer");

	return err_set(e, ERR_PERM, ERR_ACCOUNT, "redis_answer", "%.*s", (int)text.n,
		       (const char *)text.p);
}

/* Takes all threads of an erased account off the timelines. */
static enum err_code forget(struct store *store, struct arena *arena,
			    const struct apply_account *account, struct err *e)
{
	struct span key = key_company_tag(arena, account->company), cursor = SPAN_LIT("0");
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, account->number);
	do {
		struct span args[] = {span_cstr(number), cursor};
		struct store_reply reply;
		enum err_code code =
			store_fcall(store, "linker_1_forget", &key, 1, args, 2, arena, &reply, e);

		if (code != ERR_OK)
			return code;
		if (reply.type != STORE_STRING)
			return bad_answer(e, &reply);
		cursor = reply.string;
	} while (!span_eq(cursor, SPAN_LIT("0")));
	return ERR_OK;
}

struct step {
	struct store *store;
	struct arena *arena;
	const struct apply_account *account;
	uint64_t last; /* applied */
	uint64_t count; /* by us */
	bool more;
};

static enum err_code read_applied(struct step *s, bool *busy_out, struct err *e)
{
	struct store_reply reply;
	enum err_code code = store_do(s->store, s->arena, &reply, e, "HGET %b %b",
				      key_company(s->arena, s->account->company, KEY_C_APPLIED),
				      s->account->account);

	s->last = 0;
	*busy_out = code == ERR_OK && reply.type == STORE_STRING &&
		    !span_to_u64(reply.string, N_MAX, &s->last);
	return code;
}

/* Entries after s->last that follow each other. *count_out 0: there are none. */
static enum err_code read_journal(struct step *s, struct span entries[APPLY_ENTRIES_MAX],
				  size_t *count_out, struct err *e)
{
	struct store_reply reply;
	struct span from = span_cstr(arena_printf(s->arena, "%" PRIu64 "-0", s->last + 1));
	enum err_code code = store_do(
		s->store, s->arena, &reply, e, "XRANGE %b %b + COUNT %d",
		key_account(s->arena, s->account->company, s->account->account, KEY_A_JOURNAL),
		from, (int64_t)APPLY_ENTRIES_MAX);

	*count_out = 0;
	for (size_t i = 0; code == ERR_OK && i < reply.count && i < APPLY_ENTRIES_MAX; i++) {
		const struct store_reply *entry = &reply.items[i];
		uint64_t n;

		if (entry->count < 2 || entry->items[1].count < 2)
			return bad_answer(e, entry);
		struct span id = entry->items[0].string;

		if (!span_to_u64(span_sub(id, 0, span_find_byte(id, '-')), N_MAX, &n))
			return bad_answer(e, entry);
		if (n != s->last + 1 + i)
			return err_set(e, ERR_STALE, ERR_ACCOUNT, "journal_gap",
				       "the journal goes on at %" PRIu64 " but %" PRIu64
				       " is next: rebuild the company",
				       n, s->last + 1 + i);
		entries[(*count_out)++] = entry->items[1].items[1].string;
	}
	return code;
}

static enum err_code apply_once(struct step *s, const struct span *entries, size_t count,
				bool forgotten, struct apply_answer *answer_out, struct err *e)
{
	struct store_command command =
		apply_call(s->arena, s->account, s->last + 1, entries, count, forgotten);
	struct store_reply reply;
	enum err_code code = store_call(s->store, command.args, command.count, s->arena, &reply, e);

	if (code != ERR_OK)
		return code;
	*answer_out = apply_read(&reply);
	return answer_out->status == APPLY_BAD ? bad_answer(e, &reply) : ERR_OK;
}

static enum err_code step(struct step *s, struct err *e)
{
	struct span entries[APPLY_ENTRIES_MAX];
	struct apply_answer answer;
	enum err_code code;
	size_t count;
	bool busy;

	s->more = false;
	arena_reset(s->arena);
	code = read_applied(s, &busy, e);
	if (code != ERR_OK || busy)
		return code;
	code = read_journal(s, entries, &count, e);
	if (code != ERR_OK || count == 0)
		return code;
	code = apply_once(s, entries, count, false, &answer, e);
	if (code == ERR_OK && answer.status == APPLY_FORGET) {
		size_t done = (size_t)(answer.last - s->last);

		code = forget(s->store, s->arena, s->account, e);
		s->count += done;
		s->last = answer.last;
		if (code == ERR_OK && done < count)
			code = apply_once(s, entries + done, count - done, true, &answer, e);
	}
	if (code == ERR_OK && answer.last > s->last)
		s->count += answer.last - s->last;
	s->more = code == ERR_OK && answer.status != APPLY_BUSY;
	return code;
}

enum err_code apply_catch_up(struct store *store, struct arena *arena,
			     const struct apply_account *account, uint64_t *applied_count_out,
			     struct err *e)
{
	struct step s = {.store = store, .arena = arena, .account = account};
	enum err_code code;

	do {
		code = step(&s, e);
	} while (code == ERR_OK && s.more);
	*applied_count_out = s.count;
	return code;
}
