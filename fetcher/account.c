#include "fetcher/account.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/keys.h"
#include "fetcher/backfill.h"
#include "fetcher/budget.h"
#include "fetcher/commands.h"
#include "fetcher/coverage.h"
#include "fetcher/drive.h"
#include "fetcher/hop.h"
#include "fetcher/live.h"
#include "fetcher/mailbox_sync.h"

#define RETRY_MS 2000
#define RETRY_MAX_MS 300000
#define CUTS_MAX 5u
#define CUTS_MS 600000

void account_phase_set(struct account *a, enum account_phase phase)
{
	static const char *const names[] = {"free",    "leasing", "opening",
					    "running", "waiting", "paused"};

	if (a->phase == phase)
		return;
	log_event(LOG_LEVEL_DEBUG, "account_phase", "account", "s", a->tag, "from", "s",
		  names[a->phase], "to", "s", names[phase], NULL);
	a->phase = phase;
	account_touch(a);
}

/* ---- known accounts ---- */

static void put_text(char *to, size_t room, struct span from)
{
	size_t n = from.n < room - 1 ? from.n : room - 1;

	memcpy(to, from.p, n);
	to[n] = '\0';
}

void account_listed(struct fetcher *f, struct span company, struct span name,
		    struct span generation)
{
	struct account *a = account_index_find(&f->by_name, company, name);
	uint64_t value;

	if (!id_is_client(company) || !id_is_client(name) ||
	    !span_to_u64(generation, UINT64_MAX, &value))
		return;
	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			abort();
		a->fetcher = f;
		put_text(a->company, sizeof(a->company), company);
		put_text(a->name, sizeof(a->name), name);
		snprintf(a->tag, sizeof(a->tag), "{a:%s/%s}", a->company, a->name);
		a->state = "";
		a->clerk = f->next_clerk++ % FETCHER_CLERKS;
		a->next = f->accounts;
		f->accounts = a;
		account_index_add(&f->by_name, a);
		account_turn_init(a);
		account_touch(a);
	}
	a->listed = true;
	if (!a->token[0] && hop_is_mine(a))
		account_touch(a); /* it may have been let go while it was not listed */
	if (a->token[0] && value != a->generation_number)
		account_let_go(a, false);
	a->generation_number = value;
	put_text(a->generation, sizeof(a->generation), generation);
}

static void turn_closed(uv_handle_t *timer)
{
	free(timer->data);
}

void account_free(struct account **at)
{
	struct account *a = *at;

	*at = a->next;
	window_leave_all(&a->fetcher->window, a);
	mailbox_free_all(&a->mailboxes);
	suspects_clear(&a->suspects);
	account_config_clear(&a->config);
	account_index_remove(&a->fetcher->by_name, a);
	account_turn_fini(a, turn_closed);
}

/* ---- jobs ---- */

void account_job_give(struct account *a, struct committer_job *job)
{
	a->jobs++;
	committer_give(a->fetcher->committer, job);
}

void account_clerk_give(struct account *a, struct committer_job *job)
{
	a->jobs++;
	committer_give(a->fetcher->clerks[a->clerk], job);
}

/* What jobs may still mean goes once there are none. */
static void settle(struct account *a)
{
	if (a->jobs > 0 || a->phase != ACCOUNT_FREE || a->token[0])
		return;
	window_leave_all(&a->fetcher->window, a);
	mailbox_free_all(&a->mailboxes);
	account_config_clear(&a->config);
}

void account_job_done(struct account *a)
{
	a->jobs--;
	settle(a);
	account_touch(a);
}

bool account_noted(const struct store_reply *reply)
{
	return reply->count > 0 && span_eq(reply->items[0].string, SPAN_LIT("noted"));
}

enum err_code account_answer(const struct store_reply *reply, struct err *e)
{
	const struct span word = reply->count > 0 ? reply->items[0].string : SPAN_LIT("");

	if (span_eq(word, SPAN_LIT("ok")) || account_noted(reply))
		return ERR_OK;
	if (span_eq(word, SPAN_LIT("gone")))
		return err_set(e, ERR_GONE, ERR_ACCOUNT, "account_gone",
			       "the account was removed or made anew");
	if (span_eq(word, SPAN_LIT("stale")))
		return err_set(e, ERR_STALE, ERR_ACCOUNT, "lease_lost",
			       "another process holds the account");
	return err_set(e, ERR_PERM, ERR_ACCOUNT, "call_refused", "the store refused: %.*s",
		       (int)word.n, (const char *)word.p);
}

/* ---- ends and beginnings ---- */

static void disconnect(struct account *a)
{
	a->bulk.turn_ms = 0;
	live_stop(a);
	budget_login_end(a);
	commands_stop(a);
	reparse_stop(a);
	coverage_stop(a);
	mailbox_sync_stop(a);
	backfill_forget(a);
	enter_clear(a);
}

void account_let_go(struct account *a, bool giving_back)
{
	disconnect(a);
	if (a->octets.unsaved > 0)
		octets_save(a);
	if (giving_back && a->token[0])
		lease_release(a);
	account_wait_forget(a);
	account_state_become(a, "");
	a->token[0] = '\0';
	a->failures = 0;
	account_phase_set(a, ACCOUNT_FREE);
	settle(a);
}

void account_restart(struct account *a)
{
	disconnect(a);
	a->retry_ms = 0;
	account_phase_set(a, ACCOUNT_WAITING);
}

void account_drain(struct account *a)
{
	if (!a->token[0])
		return;
	live_stop(a);
	commands_stop(a);
	reparse_stop(a);
	coverage_stop(a);
	mailbox_sync_stop(a);
	if (!a->entries.first && !a->entries.running)
		account_let_go(a, true);
}

static int64_t back_off_ms(unsigned failures)
{
	int64_t ms = RETRY_MS;
	uint32_t jitter;

	for (unsigned i = 1; i < failures && ms < RETRY_MAX_MS; i++)
		ms += ms / 2;
	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	random_bytes(&jitter, sizeof(jitter));
	return ms - ms / 4 + (int64_t)(jitter % (uint32_t)(ms / 2));
}

/* A connection that is cut now and then is nobody's trouble; the fifth time in ten minutes it is (FAULTS F25). */
static bool cut_seldom(struct account *a)
{
	const int64_t now_ms = clock_mono_ms();

	if (a->cuts == 0 || now_ms - a->cuts_ms > CUTS_MS) {
		a->cuts = 0;
		a->cuts_ms = now_ms;
	}
	return ++a->cuts < CUTS_MAX;
}

void account_fail(struct account *a, const struct err *e)
{
	const bool again_soon = e->code == ERR_PEER && cut_seldom(a) && a->failures == 0;
	int64_t wait_ms, asked_ms;

	log_event(e->code == ERR_AUTH ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "account_failed",
		  "account", "s", a->tag, "error", "e", e, "failures", "u", (uint64_t)a->failures,
		  NULL);
	if (e->code == ERR_GONE || e->code == ERR_STALE) {
		account_let_go(a, false);
		return;
	}
	if (!a->token[0])
		return;
	metrics_add(a->fetcher->metrics, FETCHER_LOGIN_FAILURES, 0, e->code == ERR_AUTH);
	asked_ms = budget_refused(a, WIRE_LANE_LIVE, e);
	disconnect(a);
	a->failures++;
	wait_ms = e->code == ERR_AUTH ? a->fetcher->conf->login_retry_ms : back_off_ms(a->failures);
	a->retry_ms = clock_mono_ms() + wait_ms + asked_ms;
	account_phase_set(a, ACCOUNT_WAITING);
	if (e->code == ERR_AUTH)
		account_state_set(a, "authenticationError", e);
	else if (!again_soon || asked_ms > 0)
		account_state_set(a, "connectError", e);
}

void account_hold(struct account *a, const struct account_leave *leave)
{
	const int64_t now_ms = clock_mono_ms(), wait_ms = leave->login.wait_ms;
	struct err e;

	disconnect(a);
	a->retry_ms = wait_ms < INT64_MAX - now_ms ? now_ms + wait_ms : INT64_MAX;
	account_phase_set(a, ACCOUNT_WAITING);
	account_wait_set(a, WIRE_LANE_LIVE, leave->wait, leave->until_ms);
	if (leave->wait == ACCOUNT_WAIT_OCTETS &&
	    err_set(&e, ERR_TEMP, ERR_ACCOUNT, "day_limit_reached",
		    "as much as may be read within 24 hours has been read"))
		account_state_set(a, "disconnected", &e);
	else if (leave->login.why.code != ERR_OK)
		account_state_set(a, "authenticationError", &leave->login.why);
}

void account_synced(struct account *a)
{
	a->failures = 0;
	account_read(a);
	account_state_set(a, a->config.initial_done ? "connected" : "syncing", NULL);
}

void account_opened(struct account *a, enum err_code code, const struct err *e)
{
	if (code != ERR_OK) {
		account_fail(a, e);
		return;
	}
	if (a->paused) {
		account_state_set(a, "paused", NULL);
		account_phase_set(a, ACCOUNT_PAUSED);
		return;
	}
	if (budget_login_begin(a))
		account_ask_leave(a);
}

void account_admitted(struct account *a)
{
	account_phase_set(a, ACCOUNT_RUNNING);
	account_wait_set(a, WIRE_LANE_LIVE, ACCOUNT_WAIT_NONE, 0);
	if (a->failures == 0)
		account_state_set(a, "connecting", NULL);
	live_start(a);
	drive_look(a);
}

void account_poke(struct account *a)
{
	a->lease.due_ms = 0;
	account_touch(a);
}
