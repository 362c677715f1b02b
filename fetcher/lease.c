#include "fetcher/lease.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/account.h"
#include "fetcher/drive.h"

#define BATCH_MAX 256u
#define GATHER_MS 200
#define TRY_MS 1000 /* of an account that another process still holds */

/* ---- asking ---- */

/* Spread, so that not all accounts ask at the same moment. */
static int64_t every_ms(const struct account *a)
{
	const int64_t most_ms = a->token[0] ? a->fetcher->conf->lease_ms * 3 / 10 : TRY_MS;
	uint32_t jitter;

	random_bytes(&jitter, sizeof(jitter));
	return most_ms - (int64_t)(jitter % (uint32_t)(most_ms / 3 + 1));
}

void lease_ask(struct account *a)
{
	struct lease_queue *q = &a->fetcher->leases;

	a->renewing = true;
	a->lease.renewal = a->token[0] != '\0';
	a->lease.due_ms = clock_mono_ms() + every_ms(a);
	a->lease.next = NULL;
	if (q->last)
		q->last->lease.next = a;
	else
		q->first = a;
	q->last = a;
	a->jobs++;
	if (!a->lease.renewal)
		account_phase_set(a, ACCOUNT_LEASING);
}

static struct account *take_first(struct lease_queue *q)
{
	struct account *a = q->first;

	q->first = a->lease.next;
	if (!q->first)
		q->last = NULL;
	return a;
}

/* ---- the answer ---- */

static void put_text(char *to, size_t room, struct span from)
{
	snprintf(to, room, "%.*s", (int)(from.n < room ? from.n : room - 1), (const char *)from.p);
}

static void taken(struct account *a, const struct store_reply *r)
{
	const bool paused = span_eq(r->items[4].string, SPAN_LIT("1"));
	const bool changed = !span_eq(r->items[3].string, span_cstr(a->revision)) ||
			     paused != a->paused;
	uint64_t generation;

	a->renewed_ms = clock_mono_ms();
	put_text(a->token, sizeof(a->token), r->items[1].string);
	if (span_to_u64(r->items[2].string, UINT64_MAX, &generation) &&
	    generation != a->generation_number) {
		put_text(a->generation, sizeof(a->generation), r->items[2].string);
		a->generation_number = generation;
	}
	put_text(a->revision, sizeof(a->revision), r->items[3].string);
	put_text(a->command_last, sizeof(a->command_last), r->items[5].string);
	a->paused = paused;
	if (a->lease.renewal && changed) {
		a->failures = 0;
		account_restart(a);
	}
	if (!a->lease.renewal)
		account_open(a);
	else if (r->count < 7 || r->items[6].integer > 0)
		drive_look(a); /* something waits in the ledger */
}

/* reply NULL: the store did not answer; it is asked again. */
static void answered(struct account *a, const struct store_reply *reply)
{
	const bool wanted = !a->lease.renewal || a->token[0];
	struct err e;

	a->renewing = false;
	if (!a->lease.renewal)
		account_phase_set(a, ACCOUNT_FREE);
	if (wanted && reply && account_answer(reply, &e) == ERR_OK && reply->count > 5) {
		taken(a, reply);
	} else if (wanted && reply && a->lease.renewal) {
		log_event(LOG_LEVEL_WARN, "lease_lost", "account", "s", a->tag, NULL);
		account_let_go(a, false);
	}
	account_job_done(a);
}

/* ---- a batch ---- */

struct lease_batch {
	struct committer_job job;
	struct fetcher *fetcher;
	size_t count;
	struct account *accounts[BATCH_MAX];
	struct store_command commands[BATCH_MAX];
	struct store_reply replies[BATCH_MAX];
};

static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct lease_batch *b = (struct lease_batch *)job;

	return store_pipeline(env->store, b->commands, b->count, job->arena, b->replies, &job->err);
}

static void done(struct committer_job *job)
{
	struct lease_batch *b = (struct lease_batch *)job;

	b->fetcher->leases.under_way = false;
	for (size_t i = 0; i < b->count; i++) {
		const struct store_reply *reply = &b->replies[i];

		answered(b->accounts[i],
			 job->code == ERR_OK && reply->type == STORE_ARRAY ? reply : NULL);
	}
	fetcher_job_free(b);
}

static void add(struct lease_batch *b, struct account *a)
{
	struct arena *arena = b->job.arena;

	b->accounts[b->count] = a;
	b->commands[b->count++] = store_command(arena, "FCALL fetcher_1_lease 1 %b %s %d %b %d",
						arena_span(arena, span_cstr(a->tag)),
						a->fetcher->instance, a->fetcher->conf->lease_ms,
						arena_span(arena, span_cstr(a->token)),
						(int64_t)a->links);
}

void lease_tick(struct fetcher *f, int64_t now_ms)
{
	struct lease_queue *q = &f->leases;
	struct lease_batch *b;

	if (q->under_way || !q->first || now_ms - q->sent_ms < GATHER_MS)
		return;
	b = fetcher_job_new(sizeof(*b), run, done);
	b->fetcher = f;
	while (q->first && b->count < BATCH_MAX) {
		struct account *a = take_first(q);

		if (a->lease.renewal == (a->token[0] != '\0') && !(f->draining && !a->token[0]))
			add(b, a);
		else
			answered(a, NULL); /* it was let go meanwhile */
	}
	q->sent_ms = q->first ? 0 : now_ms; /* with more than a batch, the next goes at once */
	q->under_way = b->count > 0;
	if (q->under_way)
		committer_give(q->thread, &b->job);
	else
		fetcher_job_free(b);
}

/* ---- giving back ---- */

struct release_job {
	struct committer_job job;
	struct account *account;
	struct span tag, args[2];
	struct store_reply reply;
};

static enum err_code release_run(struct committer_job *job, const struct committer_env *env)
{
	struct release_job *j = (struct release_job *)job;

	return store_fcall(env->store, "fetcher_1_release", &j->tag, 1, j->args, 2, job->arena,
			   &j->reply, &job->err);
}

static void release_done(struct committer_job *job)
{
	struct release_job *j = (struct release_job *)job;
	struct account *a = j->account;

	a->releasing = false;
	fetcher_job_free(j);
	account_job_done(a);
}

void lease_release(struct account *a)
{
	struct release_job *j = fetcher_job_new(sizeof(*j), release_run, release_done);

	j->account = a;
	j->tag = arena_span(j->job.arena, span_cstr(a->tag));
	j->args[0] = span_cstr(a->fetcher->instance);
	j->args[1] = arena_span(j->job.arena, span_cstr(a->token));
	a->releasing = true;
	account_clerk_give(a, &j->job); /* behind what is told of it */
}
