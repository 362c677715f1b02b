#include "fetcher/octets.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/account.h"
#include "fetcher/limits.h"
#include "fetcher/mailbox_sync.h"

#define SAVE_MS 2000 /* where there is a limit */
#define SAVE_LAZY_MS 30000
#define LOOK_MS 10000 /* while something waits */
#define LOOK_ALL_MS 60000 /* while all does */

struct octets_request octets_request_make(const struct account *a, struct arena *arena)
{
	const struct fetcher_conf *conf = a->fetcher->conf;
	const int64_t max = conf->day_bytes[limits_provider(a->config.host)];

	return (struct octets_request){
		.tag = arena_span(arena, span_cstr(a->tag)),
		.generation = arena_span(arena, span_cstr(a->generation)),
		.read = a->octets.unsaved,
		.some_max = (uint64_t)(max * conf->day_percent / 100),
		.all_max = (uint64_t)max,
	};
}

/* `ok`, octets of 24 hours, ms, ms */
static bool take_answer(const struct store_reply *reply, struct octets *out)
{
	uint64_t some, all;

	if (reply->count < 4 || !span_to_u64(reply->items[1].string, INT64_MAX, &out->total) ||
	    !span_to_u64(reply->items[2].string, INT64_MAX, &some) ||
	    !span_to_u64(reply->items[3].string, INT64_MAX, &all))
		return false;
	out->some_until_ms = (int64_t)some;
	out->all_until_ms = (int64_t)all;
	return true;
}

enum err_code octets_ask(struct store *store, const struct octets_request *request,
			 struct arena *arena, struct octets *octets_out, struct err *e)
{
	const unsigned long long numbers[] = {request->read, request->some_max, request->all_max};
	struct span args[4] = {request->generation};
	struct store_reply reply;
	enum err_code code;

	memset(octets_out, 0, sizeof(*octets_out));
	for (size_t i = 0; i < 3; i++)
		args[i + 1] = span_cstr(arena_printf(arena, "%llu", numbers[i]));
	code = store_fcall(store, "fetcher_1_octets", &request->tag, 1, args, 4, arena, &reply, e);
	if (code == ERR_OK)
		code = account_answer(&reply, e);
	if (code == ERR_OK && !take_answer(&reply, octets_out))
		code = err_set(e, ERR_PERM, ERR_ACCOUNT, "call_refused",
			       "the store's answer about octets is not understood");
	return code;
}

void octets_take(struct account *a, const struct octets *found)
{
	a->octets.total = found->total;
	a->octets.some_until_ms = found->some_until_ms;
	a->octets.all_until_ms = found->all_until_ms;
	a->octets.saved_ms = clock_mono_ms();
}

void octets_read(struct account *a, uint64_t count)
{
	a->octets.unsaved += count;
	metrics_add(a->fetcher->metrics, FETCHER_BYTES, 0, (int64_t)count);
}

/* ---- counting ---- */

struct octets_job {
	struct committer_job job;
	struct account *account;
	struct octets_request request;
	struct octets found;
};

static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct octets_job *j = (struct octets_job *)job;

	return octets_ask(env->store, &j->request, job->arena, &j->found, &job->err);
}

static void done(struct committer_job *job)
{
	struct octets_job *j = (struct octets_job *)job;
	struct account *a = j->account;

	a->octets.saving = false;
	if (job->code == ERR_OK)
		octets_take(a, &j->found);
	else if (job->code != ERR_GONE)
		a->octets.unsaved += j->request.read;
	fetcher_job_free(j);
	account_job_done(a);
}

void octets_save(struct account *a)
{
	struct octets_job *j;

	if (!a->config.host || a->octets.saving)
		return;
	j = fetcher_job_new(sizeof(*j), run, done);
	j->account = a;
	j->request = octets_request_make(a, j->job.arena);
	a->octets.unsaved = 0;
	a->octets.saved_ms = clock_mono_ms();
	a->octets.saving = true;
	account_clerk_give(a, &j->job);
}

int64_t octets_due_ms(const struct account *a)
{
	const struct octets *o = &a->octets;
	const int64_t max = a->fetcher->conf->day_bytes[limits_provider(a->config.host)];
	const uint64_t some = (uint64_t)(max * a->fetcher->conf->day_percent / 100);
	const uint64_t seen = o->total + o->unsaved;
	int64_t due_ms = INT64_MAX;

	if (o->saving)
		return due_ms;
	if (o->some_until_ms > 0)
		due_ms = o->saved_ms + LOOK_MS;
	if (o->unsaved == 0)
		return due_ms;
	/* Just over a limit. */
	if (max > 0 && ((o->some_until_ms == 0 && seen >= some) ||
			(o->all_until_ms == 0 && seen >= (uint64_t)max)))
		return o->saved_ms;
	return account_turn_first(due_ms, o->saved_ms + (max > 0 ? SAVE_MS : SAVE_LAZY_MS));
}

/* ---- limits ---- */

static void stop_all(struct account *a, int64_t left_ms)
{
	struct account_leave leave = {
		.wait = ACCOUNT_WAIT_OCTETS,
		.until_ms = a->octets.all_until_ms,
		.login = {.wait_ms = left_ms < LOOK_ALL_MS ? left_ms : LOOK_ALL_MS}};

	account_hold(a, &leave);
}

void octets_tick(struct account *a, int64_t now_ms)
{
	const int64_t wall_ms = clock_wall_ms();
	const struct octets *o = &a->octets;

	if (now_ms >= octets_due_ms(a))
		octets_save(a);
	if (o->all_until_ms > wall_ms) {
		stop_all(a, o->all_until_ms - wall_ms);
	} else if (o->some_until_ms > wall_ms) {
		account_wait_set(a, WIRE_LANE_BULK, ACCOUNT_WAIT_OCTETS, o->some_until_ms);
		if (a->bulk.link)
			mailbox_sync_stop(a);
	} else if (a->waits[WIRE_LANE_BULK].reason == ACCOUNT_WAIT_OCTETS) {
		a->bulk.retry_ms = 0;
		account_wait_set(a, WIRE_LANE_BULK, ACCOUNT_WAIT_NONE, 0);
	}
}
