#include "fetcher/account_login.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/account.h"
#include "fetcher/budget.h"
#include "fetcher/coverage.h"
#include "fetcher/mailbox_sync.h"
#include "fetcher/mailbox_turn.h"

#define DIRECTION SPAN_LIT("imap")
#define RETRY_MAX_MS 60000

struct leave_job {
	struct committer_job job;
	struct account *account;
	unsigned lane;
	struct octets_request octets;
	struct budget_request budget;
	struct logins_ask login;
	struct octets found;
	struct account_leave leave;
};

/* In this order: what holds longest first, and a ticket only if all else is granted. */
static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct leave_job *j = (struct leave_job *)job;
	struct account_leave *leave = &j->leave;
	const int64_t now_ms = clock_wall_ms();
	enum err_code code;

	code = octets_ask(env->store, &j->octets, job->arena, &j->found, &job->err);
	if (code != ERR_OK)
		return code;
	leave->until_ms = j->lane == WIRE_LANE_LIVE ? j->found.all_until_ms
						    : j->found.some_until_ms;
	if (leave->until_ms > now_ms) {
		leave->wait = ACCOUNT_WAIT_OCTETS;
		leave->login.wait_ms = leave->until_ms - now_ms < RETRY_MAX_MS
					       ? leave->until_ms - now_ms
					       : RETRY_MAX_MS;
		return ERR_OK;
	}
	leave->until_ms = 0;
	code = budget_ask(env->store, &j->budget, job->arena, &leave->login.wait_ms, &job->err);
	if (code != ERR_OK)
		return code;
	if (leave->login.wait_ms > 0) {
		leave->wait = ACCOUNT_WAIT_CONNECTIONS;
		return ERR_OK;
	}
	return logins_ask(env->store, &j->login, job->arena, &leave->login, &job->err);
}

static void live_asked(struct account *a, enum err_code code, const struct account_leave *leave,
		       const struct err *e)
{
	const bool granted = code == ERR_OK && leave->login.ticket[0];

	if (granted)
		snprintf(a->tickets[WIRE_LANE_LIVE], ACCOUNT_TICKET_BYTES, "%s",
			 leave->login.ticket);
	if (a->phase != ACCOUNT_OPENING || !a->token[0])
		account_login_leave(a, WIRE_LANE_LIVE);
	else if (code != ERR_OK)
		account_fail(a, e);
	else if (granted)
		account_admitted(a);
	else
		account_hold(a, leave);
}

static void bulk_asked(struct account *a, enum err_code code, const struct account_leave *leave)
{
	const bool asked = code == ERR_OK;
	const bool wanted = a->phase == ACCOUNT_RUNNING && a->token[0];

	a->asking = false;
	if (asked && leave->login.ticket[0])
		snprintf(a->tickets[WIRE_LANE_BULK], ACCOUNT_TICKET_BYTES, "%s",
			 leave->login.ticket);
	else
		a->bulk.retry_ms = clock_mono_ms() + (asked && leave->login.wait_ms < RETRY_MAX_MS
							      ? leave->login.wait_ms
							      : RETRY_MAX_MS);
	if (leave->wait == ACCOUNT_WAIT_CONNECTIONS)
		mailbox_turn_refused(a);
	if (wanted && asked && mailbox_turn_take(a))
		return;
	if (wanted) {
		account_wait_set(a, WIRE_LANE_BULK, leave->wait, leave->until_ms);
		mailbox_sync_wake(a);
	}
	if (!a->bulk.link && !(wanted && coverage_wake(a)))
		account_login_leave(a, WIRE_LANE_BULK);
}

static void done(struct committer_job *job)
{
	struct leave_job *j = (struct leave_job *)job;
	struct account *a = j->account;
	const enum err_code code = job->code;
	const struct account_leave leave = j->leave;
	const unsigned lane = j->lane;
	struct err e = job->err;

	if (code == ERR_OK)
		octets_take(a, &j->found);
	fetcher_job_free(j);
	if (lane == WIRE_LANE_LIVE)
		live_asked(a, code, &leave, &e);
	else
		bulk_asked(a, code, &leave);
	account_job_done(a);
}

static void ask(struct account *a, unsigned lane)
{
	const struct fetcher_conf *conf = a->fetcher->conf;
	struct leave_job *j = fetcher_job_new(sizeof(*j), run, done);
	struct arena *arena = j->job.arena;

	j->account = a;
	j->lane = lane;
	j->octets = octets_request_make(a, arena);
	j->octets.read = 0; /* counted by and by */
	j->budget = budget_request_make(a, arena);
	j->login = (struct logins_ask){
		.function = "fetcher_1_login_ask",
		.tag = arena_span(arena, span_cstr(a->tag)),
		.direction = DIRECTION,
		.login_ms = conf->connect_ms,
		.pause_ms = conf->login_retry_ms,
	};
	account_clerk_give(a, &j->job);
}

void account_ask_leave(struct account *a)
{
	ask(a, WIRE_LANE_LIVE);
}

bool account_bulk_may_log_in(struct account *a)
{
	if (a->tickets[WIRE_LANE_BULK][0])
		return true;
	if (a->asking || clock_mono_ms() < a->bulk.retry_ms)
		return false;
	a->asking = true;
	ask(a, WIRE_LANE_BULK);
	return false;
}

/* ---- afterwards ---- */

struct told_job {
	struct committer_job job;
	struct account *account;
	struct span tag, args[5];
	bool refused, stopped;
};

static enum err_code told_run(struct committer_job *job, const struct committer_env *env)
{
	struct told_job *j = (struct told_job *)job;
	struct store_reply reply;
	enum err_code code = store_fcall(env->store, "fetcher_1_login_told", &j->tag, 1, j->args, 5,
					 job->arena, &reply, &job->err);

	j->stopped = code == ERR_OK && reply.count > 0 &&
		     span_eq(reply.items[0].string, SPAN_LIT("stopped"));
	return code;
}

static void told_done(struct committer_job *job)
{
	struct told_job *j = (struct told_job *)job;
	struct account *a = j->account;

	if (j->stopped && a->phase == ACCOUNT_WAITING && a->token[0]) {
		log_event(LOG_LEVEL_WARN, "logins_stopped", "account", "s", a->tag, NULL);
		a->retry_ms = INT64_MAX;
		account_number_set(a, "nextRetry", 0);
	}
	fetcher_job_free(j);
	account_job_done(a);
}

static void tell(struct account *a, unsigned lane, struct span what, const struct err *why)
{
	struct told_job *j;
	struct arena *arena;

	if (!a->tickets[lane][0])
		return;
	j = fetcher_job_new(sizeof(*j), told_run, told_done);
	arena = j->job.arena;
	j->account = a;
	j->tag = arena_span(arena, span_cstr(a->tag));
	j->args[0] = DIRECTION;
	j->args[1] = arena_span(arena, span_cstr(a->tickets[lane]));
	j->args[2] = what;
	j->args[3] = arena_span(arena, span_cstr(why ? why->name : ""));
	j->args[4] = arena_span(arena, span_cstr(why ? why->text : ""));
	a->tickets[lane][0] = '\0';
	account_clerk_give(a, &j->job);
}

void account_login_told(struct account *a, unsigned lane, const struct err *why)
{
	tell(a, lane, logins_word(why), why);
}

void account_login_leave(struct account *a, unsigned lane)
{
	tell(a, lane, SPAN_LIT("left"), NULL);
}
