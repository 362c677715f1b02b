#include "fetcher/account_login.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/account.h"
#include "fetcher/coverage.h"
#include "fetcher/mailbox_sync.h"

#define DIRECTION SPAN_LIT("imap")

static void take_text(char *to, size_t room, struct span from)
{
	snprintf(to, room, "%.*s", (int)(from.n < room ? from.n : room - 1),
		 from.n ? (const char *)from.p : "");
}

/* code, text: the refusal that the slot remembers. */
static void take_reason(struct account_leave *leave, struct span code, struct span text)
{
	if (!code.n)
		return;
	err_set(&leave->why, ERR_AUTH, ERR_ACCOUNT, "login_refused", "%.*s", (int)text.n,
		text.n ? (const char *)text.p : "");
	take_text(leave->why.name, sizeof(leave->why.name), code);
}

static bool take_answer(const struct store_reply *reply, struct account_leave *leave)
{
	const struct store_reply *item = reply->items;
	const struct span word = reply->count > 1 ? item[0].string : SPAN_LIT("");
	uint64_t ms;

	if (span_eq(word, SPAN_LIT("ok"))) {
		take_text(leave->ticket, sizeof(leave->ticket), item[1].string);
		return leave->ticket[0];
	}
	if (reply->count > 2 && span_eq(word, SPAN_LIT("stopped"))) {
		leave->wait_ms = INT64_MAX;
		take_reason(leave, item[1].string, item[2].string);
		return true;
	}
	if (reply->count < 4 || !span_eq(word, SPAN_LIT("later")) ||
	    !span_to_u64(item[1].string, INT32_MAX, &ms))
		return false;
	leave->wait_ms = (int64_t)ms;
	take_reason(leave, item[2].string, item[3].string);
	return true;
}

enum err_code account_leave_ask(struct store *store, const struct account_leave_request *request,
				struct arena *arena, struct account_leave *leave_out, struct err *e)
{
	const struct span args[] = {
		DIRECTION,
		span_cstr(arena_printf(arena, "%lld", (long long)request->login_ms)),
		span_cstr(arena_printf(arena, "%lld", (long long)request->pause_ms)),
	};
	struct store_reply reply;
	enum err_code code;

	memset(leave_out, 0, sizeof(*leave_out));
	code = store_fcall(store, "fetcher_1_login_ask", &request->tag, 1, args, 3, arena, &reply,
			   e);
	if (code == ERR_OK && !take_answer(&reply, leave_out))
		code = err_set(e, ERR_PERM, ERR_ACCOUNT, "call_refused",
			       "the store's answer about logins is not understood");
	return code;
}

/* ---- the second connection ---- */

struct bulk_job {
	struct committer_job job;
	struct account *account;
	struct account_leave_request request;
	struct account_leave leave;
};

static enum err_code bulk_run(struct committer_job *job, const struct committer_env *env)
{
	struct bulk_job *j = (struct bulk_job *)job;

	return account_leave_ask(env->store, &j->request, job->arena, &j->leave, &job->err);
}

static void bulk_done(struct committer_job *job)
{
	struct bulk_job *j = (struct bulk_job *)job;
	struct account *a = j->account;
	const struct account_leave leave = j->leave;
	const bool asked = job->code == ERR_OK;
	const bool wanted = a->phase == ACCOUNT_RUNNING && a->token[0];

	a->asking = false;
	fetcher_job_free(j);
	if (asked && leave.ticket[0]) {
		snprintf(a->tickets[WIRE_LANE_BULK], ACCOUNT_TICKET_BYTES, "%s", leave.ticket);
	} else {
		a->bulk.retry_ms =
			clock_mono_ms() + (asked && leave.wait_ms < 60000 ? leave.wait_ms : 60000);
	}
	if (wanted)
		mailbox_sync_wake(a);
	if (!a->bulk.link && !(wanted && coverage_wake(a)))
		account_login_leave(a, WIRE_LANE_BULK);
	account_job_done(a);
}

static struct account_leave_request request_make(const struct account *a, struct arena *arena)
{
	return (struct account_leave_request){
		.tag = arena_span(arena, span_cstr(a->tag)),
		.login_ms = a->fetcher->conf->connect_ms,
		.pause_ms = a->fetcher->conf->login_retry_ms,
	};
}

bool account_bulk_may_log_in(struct account *a)
{
	struct bulk_job *j;

	if (a->tickets[WIRE_LANE_BULK][0])
		return true;
	if (a->asking)
		return false;
	j = fetcher_job_new(sizeof(*j), bulk_run, bulk_done);
	j->account = a;
	j->request = request_make(a, j->job.arena);
	a->asking = true;
	account_job_give(a, &j->job);
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
	account_job_give(a, &j->job);
}

void account_login_told(struct account *a, unsigned lane, const struct err *why)
{
	tell(a, lane,
	     !why		     ? SPAN_LIT("in")
	     : why->code == ERR_AUTH ? SPAN_LIT("refused")
				     : SPAN_LIT("failed"),
	     why);
}

void account_login_leave(struct account *a, unsigned lane)
{
	tell(a, lane, SPAN_LIT("left"), NULL);
}
