#include "linker/journal.h"

#include "common/base/log.h"
#include "common/store/keys.h"
#include "linker/apply.h"

#include <stdlib.h>

#define WAITING_MAX 1024
#define ACCOUNTS_A_TURN 16
#define PARTS 3 /* commands that look at an account */
#define KEPT_MS (INT64_C(7) * 86400 * 1000)

struct waiting {
	char company[65], account[65];
};

struct journal {
	struct stage *stage;
	struct sweep *sweep;
	struct arena *look, *arena; /* of a turn; of one account's application */
	struct waiting *waiting;
	size_t count;
};

struct journal *journal_new(struct stage *stage, int64_t sweep_ms)
{
	struct journal *journal = calloc(1, sizeof(*journal));

	if (!journal)
		abort();
	journal->stage = stage;
	journal->sweep = sweep_new(stage, sweep_ms);
	journal->look = arena_new(0);
	journal->arena = arena_new(0);
	journal->waiting = calloc(WAITING_MAX, sizeof(*journal->waiting));
	if (!journal->waiting)
		abort();
	return journal;
}

void journal_free(struct journal **journal)
{
	if (!*journal)
		return;
	sweep_free(&(*journal)->sweep);
	arena_free(&(*journal)->look);
	arena_free(&(*journal)->arena);
	free((*journal)->waiting);
	free(*journal);
	*journal = NULL;
}

size_t journal_waiting(const struct journal *journal)
{
	return journal->count;
}

void journal_ask(struct journal *journal, struct span company, struct span account)
{
	struct waiting *w = &journal->waiting[journal->count];

	if (journal->count == WAITING_MAX || !id_is_client(company) || !id_is_client(account))
		return;
	for (size_t i = 0; i < journal->count; i++)
		if (span_eq(span_cstr(journal->waiting[i].company), company) &&
		    span_eq(span_cstr(journal->waiting[i].account), account))
			return;
	*w = (struct waiting){0};
	memcpy(w->company, company.p, company.n);
	memcpy(w->account, account.p, account.n);
	journal->count++;
}

static uint64_t number_of(const struct store_reply *reply)
{
	uint64_t value = 0;

	if (reply->type != STORE_STRING || !span_to_u64(reply->string, UINT64_MAX / 2, &value))
		return 0;
	return value;
}

/* One round trip for all: last journal number, account number, last applied. */
static bool look(struct journal *journal, size_t count, struct store_reply *replies)
{
	struct store_command commands[ACCOUNTS_A_TURN * PARTS];
	struct arena *arena = journal->look;
	struct err e = {0};

	for (size_t i = 0; i < count; i++) {
		struct span company = span_cstr(journal->waiting[i].company);
		struct span account = span_cstr(journal->waiting[i].account);

		commands[i * PARTS] = store_command(
			arena, "HGET %b j", key_account(arena, company, account, KEY_A_COUNTS));
		commands[i * PARTS + 1] =
			store_command(arena, "HGET %b number",
				      key_account(arena, company, account, KEY_A_ACCOUNT));
		commands[i * PARTS + 2] = store_command(
			arena, "HGET %b %b", key_company(arena, company, KEY_C_APPLIED), account);
	}
	if (store_pipeline(stage_store(journal->stage), commands, count * PARTS, arena, replies,
			   &e) == ERR_OK)
		return true;
	log_event(LOG_LEVEL_WARN, "journal_look_failed", "error", "e", &e, NULL);
	return false;
}

static void trim(struct journal *journal, const struct apply_account *account, uint64_t applied,
		 int64_t now_wall_ms)
{
	struct store_reply reply;
	struct err e = {0};

	do {
		arena_reset(journal->arena);
		if (store_do(stage_store(journal->stage), journal->arena, &reply, &e,
			     "FCALL linker_1_trim 1 %b %d %d",
			     key_account_tag(journal->arena, account->company, account->account),
			     (int64_t)applied, now_wall_ms - KEPT_MS) != ERR_OK)
			log_event(LOG_LEVEL_WARN, "journal_trim_failed", "account", "p",
				  &account->account, "error", "e", &e, NULL);
		else if (reply.type == STORE_INT && reply.integer > 0)
			continue;
		return;
	} while (true);
}

/* False: Redis did not answer; to be tried again. */
static bool apply_one(struct journal *journal, const struct apply_account *account,
		      uint64_t *count_out)
{
	struct err e = {0};
	enum err_code code =
		apply_catch_up(stage_store(journal->stage), journal->arena, account, count_out, &e);

	if (code == ERR_OK)
		return true;
	log_event(code == ERR_TEMP ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "journal_apply_failed",
		  "company", "p", &account->company, "account", "p", &account->account, "error",
		  "e", &e, NULL);
	return code != ERR_TEMP;
}

void journal_turn(struct journal *journal, int64_t now_mono_ms, int64_t now_wall_ms,
		  void (*applied)(void *ctx, struct span company, struct span account,
				  uint64_t entries),
		  void *ctx)
{
	struct store_reply replies[ACCOUNTS_A_TURN * PARTS];
	struct sweep_account due[ACCOUNTS_A_TURN];
	size_t count, done = 0;

	if (journal->count < ACCOUNTS_A_TURN) {
		count = sweep_next(journal->sweep, now_mono_ms, due,
				   ACCOUNTS_A_TURN - journal->count);
		for (size_t i = 0; i < count; i++)
			journal_ask(journal, due[i].company, due[i].account);
	}
	count = journal->count < ACCOUNTS_A_TURN ? journal->count : ACCOUNTS_A_TURN;
	arena_reset(journal->look);
	if (count == 0 || !look(journal, count, replies))
		return;
	for (; done < count; done++) {
		const struct waiting *w = &journal->waiting[done];
		struct apply_account account = {span_cstr(w->company), span_cstr(w->account),
						number_of(&replies[done * PARTS + 1])};
		uint64_t last = number_of(&replies[done * PARTS]), entries = 0;
		uint64_t known = number_of(&replies[done * PARTS + 2]);
		bool answered = last <= known || apply_one(journal, &account, &entries);

		if (entries > 0)
			applied(ctx, account.company, account.account, entries);
		if (!answered)
			break;
		trim(journal, &account, known, now_wall_ms);
	}
	memmove(journal->waiting, journal->waiting + done,
		(journal->count - done) * sizeof(*journal->waiting));
	journal->count -= done;
}
