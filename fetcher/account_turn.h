/*
 * account_turn: an account has its turn when something happened to it or when a time of its own has come, and costs
 * nothing between. In a turn everything of the account that depends on time or on what happened is looked at (the `_tick`
 * functions); each says when it wants the next one (the `_due_ms` functions: mono, INT64_MAX for never by itself).
 */
#ifndef MW_FETCHER_ACCOUNT_TURN_H
#define MW_FETCHER_ACCOUNT_TURN_H

#include <stdint.h>
#include <uv.h>

struct account;

struct account_turn {
	uv_timer_t timer;
	int64_t due_ms; /* mono: the next; INT64_MAX: none */
	int64_t last_ms; /* mono: the last */
};

static inline int64_t account_turn_first(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

void account_turn_init(struct account *a);
/* Closes the timer; closed is called by the loop, once it has let go of it, with the timer's data: the account. */
void account_turn_fini(struct account *a, void (*closed)(uv_handle_t *timer));
/* Something happened: a turn soon. However often, it is one turn in 50 ms. */
void account_touch(struct account *a);
/* A turn at this time, if none comes before. */
void account_turn_at(struct account *a, int64_t at_ms);

#endif
