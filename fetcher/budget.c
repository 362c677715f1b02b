#include "fetcher/budget.h"

#include <ctype.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/account.h"
#include "fetcher/limits.h"
#include "fetcher/mailbox_turn.h"

#define SLOW_MS 3600000 /* so long after a pause that the server asked for */
#define GLOBAL SPAN_LIT("{g}")
#define TELL_MS 5000
#define TTL_MS 20000 /* of what a fetcher told of a host */
#define TOLD_MAX 64 /* hosts a call */
#define LOGINS_AT_ONCE 64 /* of one host */

struct budget_host {
	struct budget_host *next;
	size_t links; /* of this process */
	size_t told; /* of them, last */
	size_t logins; /* under way */
	struct account *first, *last; /* whose turn comes when one of these has ended */
	char name[256]; /* in lower case */
};

/* ---- how many this process has ---- */

static struct budget_host *host_of(struct fetcher *f, const char *name)
{
	char lower[sizeof(((struct budget_host *)0)->name)] = "";
	struct budget_host *h = f->hosts;

	for (size_t i = 0; name[i] && i + 1 < sizeof(lower); i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	while (h && strcmp(h->name, lower) != 0)
		h = h->next;
	if (h)
		return h;
	h = calloc(1, sizeof(*h));
	if (!h)
		abort();
	memcpy(h->name, lower, sizeof(lower));
	h->next = f->hosts;
	f->hosts = h;
	return h;
}

void budget_opened(struct account *a)
{
	if (a->links == 0)
		a->host = host_of(a->fetcher, a->config.host);
	a->links++;
	a->host->links++;
}

void budget_closed(struct account *a)
{
	a->links--;
	a->host->links--;
}

/* ---- whose turn it is to log in ---- */

bool budget_login_begin(struct account *a)
{
	struct budget_host *h = host_of(a->fetcher, a->config.host);

	budget_login_end(a);
	a->login_at = h;
	if (h->logins < LOGINS_AT_ONCE) {
		h->logins++;
		return true;
	}
	a->login_waits = true;
	a->login_next = NULL;
	if (h->last)
		h->last->login_next = a;
	else
		h->first = a;
	h->last = a;
	return false;
}

static void stop_waiting(struct account *a)
{
	struct budget_host *h = a->login_at;
	struct account **at = &h->first, *before = NULL;

	while (*at != a) {
		before = *at;
		at = &before->login_next;
	}
	*at = a->login_next;
	if (h->last == a)
		h->last = before;
	a->login_waits = false;
}

static void next_login(struct budget_host *h)
{
	struct account *next = h->first;

	h->logins--;
	if (!next || next->fetcher->draining)
		return;
	stop_waiting(next);
	h->logins++;
	account_ask_leave(next);
}

void budget_login_end(struct account *a)
{
	struct budget_host *h = a->login_at;

	if (!h)
		return;
	if (a->login_waits)
		stop_waiting(a);
	else
		next_login(h);
	a->login_at = NULL;
}

void budget_free(struct fetcher *f)
{
	while (f->hosts) {
		struct budget_host *h = f->hosts;

		f->hosts = h->next;
		free(h);
	}
}

/* ---- one more ---- */

static struct span number(struct arena *arena, int64_t value)
{
	return span_cstr(arena_printf(arena, "%lld", (long long)value));
}

struct budget_request budget_request_make(const struct account *a, struct arena *arena)
{
	const struct fetcher_conf *conf = a->fetcher->conf;
	const struct budget_host *h = host_of(a->fetcher, a->config.host);

	return (struct budget_request){
		.tag = arena_span(arena, span_cstr(a->tag)),
		.instance = arena_span(arena, span_cstr(a->fetcher->instance)),
		.host = arena_span(arena, span_cstr(h->name)),
		.links = (int64_t)a->links + 1,
		.links_max = conf->connections[limits_provider(h->name)],
		.host_links = (int64_t)h->links + 1,
		.host_max = conf->host_connections,
		.ttl_ms = conf->lease_ms,
	};
}

/* `ok` ; `later`, ms, why */
static enum err_code take_answer(const struct store_reply *reply, int64_t *wait_ms_out,
				 struct err *e)
{
	const struct span word = reply->count > 0 ? reply->items[0].string : SPAN_LIT("");
	uint64_t ms = 0;

	*wait_ms_out = 0;
	if (span_eq(word, SPAN_LIT("ok")))
		return ERR_OK;
	if (!span_eq(word, SPAN_LIT("later")) || reply->count < 2 ||
	    !span_to_u64(reply->items[1].string, INT32_MAX, &ms) || ms == 0)
		return err_set(e, ERR_PERM, ERR_ACCOUNT, "call_refused",
			       "the store's answer about connections is not understood");
	*wait_ms_out = (int64_t)ms;
	return ERR_OK;
}

enum err_code budget_ask(struct store *store, const struct budget_request *request,
			 struct arena *arena, int64_t *wait_ms_out, struct err *e)
{
	const struct span global = GLOBAL;
	const struct span account[] = {request->instance, number(arena, request->links),
				       number(arena, request->links_max),
				       number(arena, request->ttl_ms)};
	const struct span host[] = {request->host, request->instance,
				    number(arena, request->host_links),
				    number(arena, request->host_max), number(arena, TTL_MS)};
	struct store_reply reply;
	enum err_code code;

	code = store_fcall(store, "fetcher_1_budget_ask", &request->tag, 1, account, 4, arena,
			   &reply, e);
	if (code == ERR_OK)
		code = take_answer(&reply, wait_ms_out, e);
	if (code != ERR_OK || *wait_ms_out > 0)
		return code;
	code = store_fcall(store, "fetcher_1_host_ask", &global, 1, host, 5, arena, &reply, e);
	return code == ERR_OK ? take_answer(&reply, wait_ms_out, e) : code;
}

/* ---- what is told without being asked ---- */

struct budget_job {
	struct committer_job job;
	struct account *account; /* NULL: of the whole process */
	const char *function;
	struct span key, args[2 + 2 * TOLD_MAX];
	size_t count;
};

static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct budget_job *j = (struct budget_job *)job;
	struct store_reply reply;

	return store_fcall(env->store, j->function, &j->key, 1, j->args, j->count, job->arena,
			   &reply, &job->err);
}

static void done(struct committer_job *job)
{
	struct budget_job *j = (struct budget_job *)job;
	struct account *a = j->account;

	fetcher_job_free(j);
	if (a)
		account_job_done(a);
}

static struct budget_job *job_new(const char *function, struct account *a)
{
	struct budget_job *j = fetcher_job_new(sizeof(*j), run, done);

	j->function = function;
	j->account = a;
	j->key = a ? arena_span(j->job.arena, span_cstr(a->tag)) : GLOBAL;
	return j;
}

static void put(struct budget_job *j, struct span value)
{
	j->args[j->count++] = arena_span(j->job.arena, value);
}

/* Those with connections, and once those that have none any more. */
void budget_tick(struct fetcher *f, int64_t now_ms)
{
	struct budget_job *j = NULL;

	if (f->draining || now_ms - f->hosts_told_ms < TELL_MS)
		return;
	f->hosts_told_ms = now_ms;
	for (struct budget_host *h = f->hosts; h; h = h->next) {
		if (h->links == 0 && h->told == 0)
			continue;
		if (!j) {
			j = job_new("fetcher_1_host_tell", NULL);
			put(j, span_cstr(f->instance));
			put(j, number(j->job.arena, TTL_MS));
		}
		put(j, span_cstr(h->name));
		put(j, number(j->job.arena, (int64_t)h->links));
		h->told = h->links;
		if (j->count == 2 + 2 * TOLD_MAX) {
			committer_give(f->committer, &j->job);
			j = NULL;
		}
	}
	if (j)
		committer_give(f->committer, &j->job);
}

/* ---- what a server finds too much ---- */

static void lower(struct account *a, bool host)
{
	struct budget_job *j = job_new("fetcher_1_budget_lower", a);

	put(j, number(j->job.arena, a->fetcher->conf->crowded_ms));
	account_clerk_give(a, &j->job);
	if (!host || !a->host)
		return;
	j = job_new("fetcher_1_host_lower", NULL);
	put(j, span_cstr(a->host->name));
	put(j, number(j->job.arena, a->fetcher->conf->crowded_ms));
	committer_give(a->fetcher->committer, &j->job);
}

int64_t budget_refused(struct account *a, unsigned lane, const struct err *e)
{
	struct limits_refusal refusal = limits_refusal(e);
	struct budget_job *j;

	if (refusal.kind == LIMITS_CONNECTIONS) {
		if (refusal.wait_ms > a->fetcher->conf->crowded_ms)
			refusal.wait_ms = a->fetcher->conf->crowded_ms;
		lower(a, refusal.host);
		if (lane == WIRE_LANE_BULK)
			mailbox_turn_refused(a);
		if (lane == WIRE_LANE_BULK)
			account_wait_set(a, lane, ACCOUNT_WAIT_CONNECTIONS,
					 clock_wall_ms() + refusal.wait_ms);
	}
	if (refusal.kind == LIMITS_PAUSE)
		a->bulk.slow_ms = clock_mono_ms() + refusal.wait_ms + SLOW_MS;
	if (refusal.kind == LIMITS_OCTETS) {
		j = job_new("fetcher_1_octets_stop", a);
		put(j, number(j->job.arena, refusal.wait_ms));
		account_clerk_give(a, &j->job);
	}
	if (refusal.kind != LIMITS_NONE) {
		log_event(LOG_LEVEL_WARN, "limit_met", "account", "s", a->tag, "error", "e", e,
			  NULL);
		metrics_add(a->fetcher->metrics, FETCHER_LIMITS_MET, refusal.kind - 1, 1);
	}
	return refusal.wait_ms;
}
