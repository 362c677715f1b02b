#include "fetcher/account_turn.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/account.h"
#include "fetcher/commands.h"
#include "fetcher/coverage.h"
#include "fetcher/hop.h"
#include "fetcher/live.h"
#include "fetcher/mailbox_sync.h"

#define TURN_MS 50 /* at least so long from one turn to the next, but for entries that wait */

static void fired(uv_timer_t *timer);

void account_turn_at(struct account *a, int64_t at_ms)
{
	const int64_t wait_ms = at_ms - clock_mono_ms();

	if (at_ms >= a->turn.due_ms)
		return;
	a->turn.due_ms = at_ms;
	uv_timer_start(&a->turn.timer, fired, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

void account_touch(struct account *a)
{
	account_turn_at(a, a->turn.last_ms + TURN_MS);
}

/* ---- lease ---- */

/* The first choice takes the lease; who no longer is gives it back. */
static bool is_wanted(struct account *a)
{
	return a->listed && !a->fetcher->draining && hop_is_mine(a);
}

static void tick_lease(struct account *a, int64_t now_ms)
{
	const bool want = is_wanted(a);

	if (a->token[0] && !want && (!a->entries.first || !a->listed)) {
		account_let_go(a, a->listed);
		return;
	}
	if (a->token[0] && now_ms - a->renewed_ms > a->fetcher->conf->lease_ms) {
		log_event(LOG_LEVEL_WARN, "lease_expired", "account", "s", a->tag, NULL);
		account_let_go(a, false);
		return;
	}
	if (!a->token[0] && (!want || a->jobs > 0))
		return;
	if (!a->renewing && now_ms >= a->lease.due_ms)
		lease_ask(a);
}

static int64_t lease_due_ms(struct account *a)
{
	const int64_t next_ms = a->renewing ? INT64_MAX : a->lease.due_ms;

	if (a->token[0])
		return account_turn_first(next_ms, a->renewed_ms + a->fetcher->conf->lease_ms + 1);
	return a->jobs == 0 && is_wanted(a) ? next_ms : INT64_MAX;
}

/* ---- a turn ---- */

static void tick_running(struct account *a, int64_t now_ms)
{
	void (*const parts[])(struct account *, int64_t) = {
		live_tick, mailbox_sync_tick, coverage_tick, account_progress_set, octets_tick};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (a->phase == ACCOUNT_RUNNING)
			parts[i](a, now_ms);
}

static void tick(struct account *a, int64_t now_ms)
{
	if (a->fetcher->draining) {
		account_drain(a);
		return;
	}
	enter_tick(a, now_ms);
	tick_lease(a, now_ms);
	if (!a->token[0])
		return;
	reparse_tick(a, now_ms);
	if (a->phase == ACCOUNT_WAITING && now_ms >= a->retry_ms && a->jobs == 0)
		account_open(a);
	else
		tick_running(a, now_ms);
}

static int64_t running_due_ms(const struct account *a)
{
	int64_t (*const parts[])(const struct account *) = {live_due_ms, mailbox_sync_due_ms,
							    coverage_due_ms,
							    account_progress_due_ms, octets_due_ms};
	int64_t due_ms = INT64_MAX;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		due_ms = account_turn_first(due_ms, parts[i](a));
	return due_ms;
}

static int64_t due_ms(struct account *a)
{
	int64_t at_ms = lease_due_ms(a);

	if (a->fetcher->draining || a->reparse)
		return 0;
	if (a->token[0] && a->phase == ACCOUNT_WAITING && a->jobs == 0)
		return account_turn_first(at_ms, a->retry_ms);
	if (a->token[0] && a->phase == ACCOUNT_RUNNING)
		return account_turn_first(at_ms, running_due_ms(a));
	return at_ms;
}

static void fired(uv_timer_t *timer)
{
	struct account *a = timer->data;
	const int64_t now_ms = clock_mono_ms();
	int64_t next_ms;

	a->turn.due_ms = INT64_MAX;
	a->turn.last_ms = now_ms;
	metrics_add(a->fetcher->metrics, FETCHER_TURNS, 0, 1);
	tick(a, now_ms);
	next_ms = due_ms(a);
	account_turn_at(a, next_ms > now_ms + TURN_MS ? next_ms : now_ms + TURN_MS);
	account_turn_at(a, enter_due_ms(a));
}

/* ---- life ---- */

void account_turn_init(struct account *a)
{
	uv_timer_init(&a->fetcher->loop, &a->turn.timer);
	a->turn.timer.data = a;
	a->turn.due_ms = INT64_MAX;
	a->turn.last_ms = clock_mono_ms() - TURN_MS;
}

void account_turn_fini(struct account *a, void (*closed)(uv_handle_t *timer))
{
	uv_close((uv_handle_t *)&a->turn.timer, closed);
}
