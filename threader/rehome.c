#include "threader/rehome.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/keys.h"

#include <stdio.h>
#include <stdlib.h>

#define WAITING_MAX 1024
#define ACCOUNTS_A_TURN 16
#define MEMBERS_A_STEP "256"

struct waiting {
	char company[65], account[65];
};

struct rehome {
	struct stage *stage;
	struct sweep *sweep;
	struct arena *arena;
	struct waiting *waiting;
	size_t count;
};

struct rehome *rehome_new(struct stage *stage, int64_t sweep_ms)
{
	struct rehome *rehome = calloc(1, sizeof(*rehome));

	if (!rehome)
		abort();
	rehome->stage = stage;
	rehome->sweep = sweep_new(stage, sweep_ms);
	rehome->arena = arena_new(0);
	rehome->waiting = calloc(WAITING_MAX, sizeof(*rehome->waiting));
	if (!rehome->waiting)
		abort();
	return rehome;
}

void rehome_free(struct rehome **rehome)
{
	if (!*rehome)
		return;
	sweep_free(&(*rehome)->sweep);
	arena_free(&(*rehome)->arena);
	free((*rehome)->waiting);
	free(*rehome);
	*rehome = NULL;
}

void rehome_ask(struct rehome *rehome, struct span company, struct span account)
{
	struct waiting *w = &rehome->waiting[rehome->count];

	if (rehome->count == WAITING_MAX || !id_is_client(company) || !id_is_client(account))
		return;
	for (size_t i = 0; i < rehome->count; i++)
		if (span_eq(span_cstr(rehome->waiting[i].company), company) &&
		    span_eq(span_cstr(rehome->waiting[i].account), account))
			return;
	*w = (struct waiting){0};
	memcpy(w->company, company.p, company.n);
	memcpy(w->account, account.p, account.n);
	rehome->count++;
}

/* One step of one account. True if there is more to do for it. */
static bool step(struct rehome *rehome, const struct waiting *w, size_t *moved)
{
	char now[24];
	struct span key, args[] = {{0}, SPAN_LIT(MEMBERS_A_STEP)};
	struct store_reply reply;
	struct err e = {0};

	arena_reset(rehome->arena);
	snprintf(now, sizeof(now), "%lld", (long long)clock_wall_ms());
	args[0] = span_cstr(now);
	key = key_account_tag(rehome->arena, span_cstr(w->company), span_cstr(w->account));
	if (store_fcall(stage_store(rehome->stage), "threader_1_rehome", &key, 1, args, 2,
			rehome->arena, &reply, &e) != ERR_OK) {
		log_event(LOG_LEVEL_WARN, "rehome_failed", "account", "s", w->account, "error", "e",
			  &e, NULL);
		return false; /* the sweep comes again */
	}
	if (reply.type != STORE_ARRAY || reply.count < 2)
		return false;
	*moved += (size_t)reply.items[0].integer;
	return reply.items[1].integer > 0;
}

size_t rehome_turn(struct rehome *rehome, int64_t now_mono_ms)
{
	struct sweep_account due[ACCOUNTS_A_TURN];
	size_t moved = 0, kept = 0, done;

	if (rehome->count < WAITING_MAX / 2) {
		size_t n = sweep_next(rehome->sweep, now_mono_ms, due, ACCOUNTS_A_TURN);

		for (size_t i = 0; i < n; i++)
			rehome_ask(rehome, due[i].company, due[i].account);
	}
	for (done = 0; done < rehome->count && done < ACCOUNTS_A_TURN; done++)
		if (step(rehome, &rehome->waiting[done], &moved))
			rehome->waiting[kept++] = rehome->waiting[done];
	/* What still waits comes first, then what has more to do. */
	struct waiting again[ACCOUNTS_A_TURN];

	memcpy(again, rehome->waiting, kept * sizeof(*again));
	memmove(rehome->waiting, rehome->waiting + done, (rehome->count - done) * sizeof(*again));
	memcpy(rehome->waiting + (rehome->count - done), again, kept * sizeof(*again));
	rehome->count = rehome->count - done + kept;
	return moved;
}
