/* What people see of an account: state, last error, progress. Written by the one function fetcher_1_state. */
#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/account.h"
#include "fetcher/hop.h"
#include "fetcher/json_text.h"

#define FIELDS_MAX 16
#define PROGRESS_MS 1000
#define READ_MS 60000

struct state_job {
	struct committer_job job;
	struct account *account;
	struct span tag, args[2 + 2 * FIELDS_MAX];
	size_t count;
};

static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct state_job *j = (struct state_job *)job;
	struct store_reply reply;
	enum err_code code = store_fcall(env->store, "fetcher_1_state", &j->tag, 1, j->args,
					 j->count, job->arena, &reply, &job->err);

	if (code != ERR_OK)
		return code;
	job->noted = account_noted(&reply);
	return account_answer(&reply, &job->err);
}

static void done(struct committer_job *job)
{
	struct state_job *j = (struct state_job *)job;
	struct account *a = j->account;
	struct err e = job->err;
	const bool lost = job->code == ERR_GONE || job->code == ERR_STALE;

	if (job->noted)
		hop_ring_journal(a);
	fetcher_job_free(j);
	if (lost && a->token[0])
		account_fail(a, &e);
	account_job_done(a);
}

static struct state_job *job_new(struct account *a)
{
	struct state_job *j = fetcher_job_new(sizeof(*j), run, done);

	j->account = a;
	j->tag = arena_span(j->job.arena, span_cstr(a->tag));
	j->args[0] = arena_span(j->job.arena, span_cstr(a->generation));
	j->args[1] = arena_span(j->job.arena, span_cstr(a->token));
	j->count = 2;
	return j;
}

static void put(struct state_job *j, const char *field, struct span value)
{
	j->args[j->count++] = span_cstr(field);
	j->args[j->count++] = arena_span(j->job.arena, value);
}

static void put_number(struct state_job *j, const char *field, int64_t value)
{
	put(j, field, span_cstr(arena_printf(j->job.arena, "%lld", (long long)value)));
}

/* What the person can do about it. */
static const char *remedy(const struct err *e)
{
	static const struct {
		const char *name, *text;
	} table[] = {
		{"wrong_credentials", "Check user name and password, then sign in again."},
		{"app_password_needed",
		 "Make an app password at the provider and sign in with it."},
		{"login_disabled", "Allow IMAP for this mailbox at the provider."},
		{"certificate_untrusted",
		 "The server's certificate is not trusted: check the host name."},
		{"host_not_found", "Check the name of the IMAP host."},
		{"too_many_connections", "Close other mail programs; it is tried again by itself."},
		{"rate_limited", "It is tried again by itself."},
		{"bandwidth_exceeded", "The provider lets nobody read more of the mailbox for now; "
				       "it goes on by itself."},
		{"day_limit_reached", "It goes on by itself at the time given."},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(e->name, table[i].name) == 0)
			return table[i].text;
	return e->code == ERR_AUTH ? "Sign in again." : "It is tried again by itself.";
}

static void put_error(struct state_job *j, const struct err *e)
{
	char at[CLOCK_RFC3339_BYTES];
	struct buf json;

	if (!e || e->code == ERR_OK) {
		put(j, "error", SPAN_LIT(""));
		return;
	}
	clock_rfc3339(clock_wall_ms(), at);
	buf_init(&json, 4096);
	buf_put_cstr(&json, "{\"code\":");
	json_text_put(&json, span_cstr(e->name));
	buf_put_cstr(&json, ",\"detail\":");
	json_text_put(&json, span_cstr(e->text));
	buf_put_cstr(&json, ",\"remedy\":");
	json_text_put(&json, span_cstr(remedy(e)));
	buf_printf(&json, ",\"at\":\"%s\"}", at);
	put(j, "error", buf_span(&json));
	buf_fini(&json);
}

/* ---- what metrics show ---- */

static void show_state(const struct account *a, int64_t change)
{
	static const char *const states[] = {"connecting",  "syncing",	    "connected",
					     "paused",	    "disconnected", "authenticationError",
					     "connectError"};

	for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(a->state, states[i]) == 0)
			metrics_add(a->fetcher->metrics, FETCHER_ACCOUNTS, i, change);
}

void account_state_become(struct account *a, const char *state)
{
	show_state(a, -1);
	a->state = state;
	show_state(a, 1);
}

static void show_wait(const struct account *a, int64_t change)
{
	if (a->wait_fresh && a->wait_told.reason != ACCOUNT_WAIT_NONE)
		metrics_add(a->fetcher->metrics, FETCHER_WAITING, a->wait_told.reason - 1u, change);
}

void account_wait_forget(struct account *a)
{
	show_wait(a, -1);
	memset(a->waits, 0, sizeof(a->waits));
	a->wait_fresh = false;
}

/* ---- what people see ---- */

void account_state_set(struct account *a, const char *state, const struct err *error)
{
	struct state_job *j;

	if (strcmp(a->state, state) == 0 && !error)
		return;
	log_event(LOG_LEVEL_INFO, "account_state", "account", "s", a->tag, "state", "s", state,
		  NULL);
	j = job_new(a);
	account_state_become(a, state);
	put(j, "state", span_cstr(state));
	put(j, "code", span_cstr(error ? error->name : ""));
	put_error(j, error);
	put_number(j, "nextRetry",
		   a->phase == ACCOUNT_WAITING && a->retry_ms < INT64_MAX
			   ? clock_wall_ms() + a->retry_ms - clock_mono_ms()
			   : 0);
	if (a->live.link && a->live.link->ready)
		put(j, "capabilities", span_cstr(imap_conn_cap_words(a->live.link->conn)));
	account_clerk_give(a, &j->job);
}

void account_wait_set(struct account *a, unsigned lane, enum account_wait reason, int64_t until_ms)
{
	static const char *const names[ACCOUNT_WAITS] = {"", "connections", "octets"};
	const struct account_waiting *now;
	struct state_job *j;

	a->waits[lane] = (struct account_waiting){reason, until_ms};
	now = a->waits[WIRE_LANE_LIVE].reason != ACCOUNT_WAIT_NONE ? &a->waits[WIRE_LANE_LIVE]
								   : &a->waits[WIRE_LANE_BULK];
	if (a->wait_fresh && now->reason == a->wait_told.reason &&
	    now->until_ms == a->wait_told.until_ms)
		return;
	j = job_new(a);
	show_wait(a, -1);
	a->wait_told = *now;
	a->wait_fresh = true;
	show_wait(a, 1);
	put(j, "waitFor", span_cstr(names[now->reason]));
	put_number(j, "waitUntil", now->until_ms);
	account_clerk_give(a, &j->job);
}

void account_progress_set(struct account *a, int64_t now_ms)
{
	const int64_t passed_ms = now_ms - a->progress_ms;
	struct state_job *j;

	if (passed_ms < PROGRESS_MS || a->done == a->rate_done)
		return;
	j = job_new(a);
	put_number(j, "total", (int64_t)a->total);
	put_number(j, "done", (int64_t)a->done);
	put(j, "rate",
	    span_cstr(arena_printf(j->job.arena, "%.1f",
				   (double)(a->done - a->rate_done) * 1000.0 / (double)passed_ms)));
	put_number(j, "lastRead", clock_wall_ms());
	a->progress_ms = now_ms;
	a->rate_done = a->done;
	account_clerk_give(a, &j->job);
}

int64_t account_progress_due_ms(const struct account *a)
{
	return a->done == a->rate_done ? INT64_MAX : a->progress_ms + PROGRESS_MS;
}

void account_read(struct account *a)
{
	const int64_t now_ms = clock_mono_ms();

	if (a->read_ms && now_ms - a->read_ms < READ_MS)
		return;
	a->read_ms = now_ms;
	account_number_set(a, "lastRead", (uint64_t)clock_wall_ms());
}

void account_initial_done(struct account *a)
{
	struct state_job *j = job_new(a);

	a->config.initial_done = true;
	log_event(LOG_LEVEL_INFO, "initial_sync_completed", "account", "s", a->tag, "messages", "u",
		  a->done, NULL);
	put(j, "initialDone", SPAN_LIT("1"));
	put_number(j, "total", (int64_t)a->total);
	put_number(j, "done", (int64_t)a->done);
	put(j, "rate", SPAN_LIT("0"));
	put_number(j, "lastRead", clock_wall_ms());
	account_clerk_give(a, &j->job);
	account_state_set(a, "connected", NULL);
}

void account_number_set(struct account *a, const char *field, uint64_t value)
{
	struct state_job *j = job_new(a);

	put_number(j, field, (int64_t)value);
	account_clerk_give(a, &j->job);
}

void account_command_done(struct account *a, const char *id, const char *filing)
{
	struct state_job *j = job_new(a);

	snprintf(a->config.command_done, sizeof(a->config.command_done), "%s", id);
	put(j, "cmdDone", span_cstr(id));
	if (filing)
		put(j, "filing", span_cstr(filing));
	account_clerk_give(a, &j->job);
}
