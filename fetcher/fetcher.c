#include "fetcher/fetcher.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/keys.h"
#include "fetcher/account.h"
#include "fetcher/budget.h"
#include "fetcher/drive.h"
#include "fetcher/hop.h"

#define TICK_MS 50
#define LIST_MS 1000

void *fetcher_job_new(size_t bytes,
		      enum err_code (*run)(struct committer_job *, const struct committer_env *),
		      void (*done)(struct committer_job *))
{
	struct arena *arena = arena_new(0);
	struct committer_job *job = arena_alloc(arena, bytes);

	job->arena = arena;
	job->run = run;
	job->done = done;
	return job;
}

void fetcher_job_free(void *job)
{
	struct arena *arena = ((struct committer_job *)job)->arena;

	arena_free(&arena);
}

/* ---- the list of accounts ---- */

struct list_job {
	struct committer_job job;
	struct fetcher *fetcher;
	struct store_reply reply;
};

static enum err_code list_run(struct committer_job *job, const struct committer_env *env)
{
	struct list_job *j = (struct list_job *)job;

	return store_do(env->store, job->arena, &j->reply, &job->err, "HGETALL %b",
			key_global(job->arena, KEY_G_ACCOUNTS));
}

static void drop_unlisted(struct fetcher *f)
{
	struct account **at = &f->accounts;

	while (*at) {
		struct account *a = *at;

		if (!a->listed && !a->token[0] && a->jobs == 0 && a->phase == ACCOUNT_FREE) {
			account_free(at);
			continue;
		}
		if (!a->listed)
			account_touch(a); /* to be let go */
		at = &a->next;
	}
}

static void list_done(struct committer_job *job)
{
	struct list_job *j = (struct list_job *)job;
	struct fetcher *f = j->fetcher;

	f->listing = false;
	if (job->code == ERR_OK) {
		for (struct account *a = f->accounts; a; a = a->next)
			a->listed = false;
		for (size_t i = 0; i + 1 < j->reply.count; i += 2) {
			struct span whole = j->reply.items[i].string;
			size_t slash = span_find_byte(whole, '/');

			account_listed(f, span_sub(whole, 0, slash),
				       span_sub(whole, slash + 1, whole.n),
				       j->reply.items[i + 1].string);
		}
		drop_unlisted(f);
	}
	fetcher_job_free(j);
}

static void list_accounts(struct fetcher *f, int64_t now_ms)
{
	struct list_job *j;

	if (f->listing || f->draining || (!f->list_again && now_ms - f->listed_ms < LIST_MS))
		return;
	j = fetcher_job_new(sizeof(*j), list_run, list_done);
	j->fetcher = f;
	f->listing = true;
	f->list_again = false;
	f->listed_ms = now_ms;
	committer_give(f->committer, &j->job);
}

/* ---- time ---- */

static void measure(struct fetcher *f, int64_t now_ms)
{
	int64_t oldest[WIRE_LANES] = {0, 0};

	for (const struct flight *each = f->window.first; each; each = each->next)
		if (each->pushed_ms && now_ms - each->pushed_ms > oldest[each->lane])
			oldest[each->lane] = now_ms - each->pushed_ms;
	for (unsigned lane = 0; lane < WIRE_LANES; lane++) {
		metrics_set(f->metrics, METRIC_IN_FLIGHT, lane, (int64_t)f->window.count[lane]);
		metrics_set(f->metrics, METRIC_QUEUE, lane, (int64_t)hop_queued(f, lane));
		metrics_set(f->metrics, METRIC_OLDEST, lane, oldest[lane] / 1000);
		metrics_set(f->metrics, FETCHER_WINDOW_BYTES, lane, (int64_t)f->window.bytes[lane]);
	}
}

static void touch_all(struct fetcher *f)
{
	for (struct account *a = f->accounts; a; a = a->next)
		account_touch(a);
}

/* What concerns the process, and messages under way. Accounts have their own turns (account_turn.h). */
void fetcher_tick(void *ctx, int64_t now_mono_ms)
{
	struct fetcher *f = ctx;

	if (now_mono_ms - f->turned_ms < TICK_MS)
		return;
	if (hop_complete(f))
		f->pipeline_ms += now_mono_ms - f->turned_ms;
	f->turned_ms = now_mono_ms;
	list_accounts(f, now_mono_ms);
	if (f->peers_told != f->peers)
		touch_all(f);
	f->peers_told = f->peers;
	lease_tick(f, now_mono_ms);
	drive_tick(f, now_mono_ms);
	budget_tick(f, now_mono_ms);
	measure(f, now_mono_ms);
}

static void timer_fired(uv_timer_t *timer)
{
	struct fetcher *f = timer->data;

	stage_turn(f->stage);
	if (stage_stopping(f->stage))
		uv_stop(&f->loop);
}

static void bus_ready(uv_poll_t *poll, int status, int events)
{
	struct fetcher *f = poll->data;

	(void)status;
	(void)events;
	stage_turn(f->stage);
}

/* Before the loop waits: whoever was refused room asks again, and what was given to the bus goes out. */
static void before_wait(uv_prepare_t *prepare)
{
	struct fetcher *f = prepare->data;

	if (f->window.freed) {
		f->window.freed = false;
		link_resume_all(f);
	}
	if (f->given) {
		f->given = false;
		bus_flush(f->bus);
		/* Sending may have made the bus's descriptor ready without an edge that we would see. */
		while (bus_process(f->bus))
			;
	}
}

/* ---- life ---- */

/* They commit nothing. */
static enum err_code open_clerk(struct fetcher *f, struct committer **clerk_out, struct err *e)
{
	return committer_open(&f->loop, stage_store_new(f->stage), f->writer,
			      f->conf->common.blob_dir, f->metrics, FETCHER_COMMIT_SECONDS,
			      clerk_out, e);
}

static enum err_code open_clerks(struct fetcher *f, struct err *e)
{
	enum err_code code = open_clerk(f, &f->leases.thread, e);

	for (unsigned i = 0; i < FETCHER_CLERKS && code == ERR_OK; i++)
		code = open_clerk(f, &f->clerks[i], e);
	return code;
}

static size_t clerks_waiting(const struct fetcher *f)
{
	size_t waiting = committer_waiting(f->leases.thread);

	for (unsigned i = 0; i < FETCHER_CLERKS; i++)
		waiting += committer_waiting(f->clerks[i]);
	return waiting;
}

static enum err_code open_parts(struct fetcher *f, struct err *e)
{
	const struct fetcher_conf *conf = f->conf;
	const int64_t ring = 2 * conf->window_bytes > conf->max_message_bytes
				     ? 2 * conf->window_bytes
				     : conf->max_message_bytes;
	enum err_code code = secret_load(conf->common.keys_dir, "mail", &f->mail_key, e);

	if (code == ERR_OK)
		code = secret_load(conf->common.keys_dir, "credentials.key", &f->credentials_key,
				   e);
	if (code == ERR_OK)
		code = blob_writer_open(conf->common.blob_dir, f->instance, &f->writer, e);
	if (code == ERR_OK)
		code = spool_open(f->instance, conf->common.dir, (size_t)ring, &f->spool, e);
	if (code == ERR_OK)
		code = mailconn_loop_init(&f->net, &f->loop, e);
	if (code == ERR_OK)
		code = committer_open(&f->loop, stage_store_new(f->stage), f->writer,
				      conf->common.blob_dir, f->metrics, FETCHER_COMMIT_SECONDS,
				      &f->committer, e);
	return code == ERR_OK ? open_clerks(f, e) : code;
}

enum err_code fetcher_start(struct stage *stage, void **ctx_out, struct err *e)
{
	struct fetcher *f = calloc(1, sizeof(*f));
	enum err_code code;

	if (!f)
		abort();
	f->stage = stage;
	f->conf = stage_conf(stage);
	f->instance = stage_instance(stage);
	f->metrics = stage_metrics(stage);
	f->bus = stage_bus(stage);
	f->arena = arena_new(0);
	buf_init(&f->frame, WIRE_FRAME_MAX);
	uv_loop_init(&f->loop);
	code = open_parts(f, e);
	if (code != ERR_OK)
		return code; /* the process ends */
	window_init(&f->window, f->spool, (size_t)f->conf->window_messages,
		    (uint64_t)f->conf->window_bytes);
	uv_poll_init(&f->loop, &f->bus_poll, bus_fd(f->bus));
	uv_timer_init(&f->loop, &f->timer);
	uv_prepare_init(&f->loop, &f->prepare);
	f->bus_poll.data = f->timer.data = f->prepare.data = f;
	f->turned_ms = clock_mono_ms();
	account_index_init(&f->by_name);
	f->peers = 1; /* no account has been asked whose it is */
	*ctx_out = f;
	return ERR_OK;
}

int fetcher_run(void *ctx)
{
	struct fetcher *f = ctx;

	uv_poll_start(&f->bus_poll, UV_READABLE, bus_ready);
	uv_timer_start(&f->timer, timer_fired, 0, TICK_MS);
	uv_prepare_start(&f->prepare, before_wait);
	while (!stage_stopping(f->stage))
		uv_run(&f->loop, UV_RUN_DEFAULT);
	return 0;
}

void fetcher_drain(void *ctx)
{
	struct fetcher *f = ctx;

	f->draining = true;
	for (struct account *a = f->accounts; a; a = a->next) {
		a->bulk.retry_ms = INT64_MAX;
		account_drain(a);
		account_touch(a);
	}
}

bool fetcher_drained(void *ctx)
{
	struct fetcher *f = ctx;

	for (const struct account *a = f->accounts; a; a = a->next)
		if (a->token[0] || a->jobs > 0)
			return false;
	return !f->listing && committer_waiting(f->committer) == 0 && clerks_waiting(f) == 0;
}

void fetcher_stop(void *ctx)
{
	struct fetcher *f = ctx;

	for (struct account *a = f->accounts; a; a = a->next)
		account_let_go(a, false);
	committer_close(&f->leases.thread);
	for (unsigned i = 0; i < FETCHER_CLERKS; i++)
		committer_close(&f->clerks[i]);
	committer_close(&f->committer);
	while (f->accounts)
		account_free(&f->accounts);
	budget_free(f);
	blob_writer_close(&f->writer);
	window_fini(&f->window);
	mailconn_loop_fini(&f->net);
	uv_close((uv_handle_t *)&f->bus_poll, NULL);
	uv_close((uv_handle_t *)&f->timer, NULL);
	uv_close((uv_handle_t *)&f->prepare, NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	uv_loop_close(&f->loop);
	spool_close(&f->spool);
	buf_fini(&f->frame);
	arena_free(&f->arena);
	secret_wipe(&f->mail_key, sizeof(f->mail_key));
	secret_wipe(&f->credentials_key, sizeof(f->credentials_key));
	free(f);
}
