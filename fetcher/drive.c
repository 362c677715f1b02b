#include "fetcher/drive.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/wire/pack.h"
#include "fetcher/hop.h"

#define LOOK_MS 500
#define DRIVE_MAX 16
#define DRIVE_BYTES (8u << 20)
#define ALONE_FROM 3 /* drives: from then on a message travels in a batch of its own */

void drive_push(struct account *a, struct flight *f, struct span body)
{
	hop_give(a, f, body, 0, f->drives >= ALONE_FROM);
	window_pushed(&a->fetcher->window, f, clock_mono_ms(), a->fetcher->pipeline_ms);
}

/* ---- driving: from the ledger again ---- */

struct drive_item {
	struct id id;
	struct span value; /* the ledger's; empty: no longer there */
	struct buf body;
	bool read; /* the bytes from the blob: the spool has none, or did not help the last time */
	bool lost; /* they cannot be read */
	bool later; /* not now */
};

struct drive_job {
	struct committer_job job;
	struct account *account;
	struct span tag, generation, token, company, name;
	uint64_t generation_number;
	const struct secret_key *data_key;
	size_t count;
	int64_t max_bytes;
	struct drive_item items[DRIVE_MAX];
};

struct ledger_value {
	uint64_t lane, size, place, drives;
	int64_t received_ms;
	struct span blob, submission;
};

static bool ledger_decode(struct span value, struct ledger_value *v_out)
{
	struct pack_reader r = pack_reader_make(value);
	size_t n = pack_read_array(&r);

	v_out->lane = pack_read_u64(&r) ? WIRE_LANE_BULK : WIRE_LANE_LIVE;
	v_out->received_ms = pack_read_i64(&r);
	v_out->size = pack_read_u64(&r);
	v_out->blob = pack_read_bytes(&r);
	v_out->place = pack_read_u64(&r);
	v_out->drives = pack_read_u64(&r);
	pack_skip_n(&r, 2);
	v_out->submission = SPAN_LIT("");
	if (n > 8 && !pack_read_nil(&r))
		v_out->submission = pack_read_bytes(&r);
	return n >= 8 && !r.bad && v_out->blob.n <= BLOB_REF_MAX && v_out->submission.n <= 64;
}

static void read_body(struct drive_job *j, const struct committer_env *env, struct drive_item *item)
{
	const struct blob_identity identity = {j->company, j->name, j->generation_number, item->id};
	struct ledger_value v;
	struct blob_ref ref;
	enum err_code code;
	struct err e;

	buf_init(&item->body, (size_t)j->max_bytes + 1);
	item->lost = !ledger_decode(item->value, &v) || blob_ref_decode(v.blob, &ref) != ERR_OK;
	if (item->lost)
		return;
	code = blob_read(env->blob_dir, &ref, &identity, j->data_key, &item->body, &e);
	item->later = code == ERR_TEMP;
	item->lost = code != ERR_OK && !item->later;
	if (code != ERR_OK)
		log_event(LOG_LEVEL_WARN, "blob_unreadable", "id", "i", &item->id, "error", "e", &e,
			  NULL);
}

static enum err_code drive_run(struct committer_job *job, const struct committer_env *env)
{
	struct drive_job *j = (struct drive_job *)job;
	struct span args[2 + DRIVE_MAX] = {j->generation, j->token};
	struct store_reply reply;
	enum err_code code;

	for (size_t i = 0; i < j->count; i++)
		args[2 + i] = span_make(j->items[i].id.b, ID_BYTES);
	code = store_fcall(env->store, "fetcher_1_drive", &j->tag, 1, args, 2 + j->count,
			   job->arena, &reply, &job->err);
	if (code == ERR_OK)
		code = account_answer(&reply, &job->err);
	if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < j->count && reply.count > 1 && i < reply.items[1].count; i++) {
		j->items[i].value = reply.items[1].items[i].string;
		if (j->items[i].value.n > 0 && j->items[i].read)
			read_body(j, env, &j->items[i]);
	}
	return ERR_OK;
}

static void fill_flight(struct flight *f, const struct ledger_value *v)
{
	f->received_ms = v->received_ms;
	f->place = (unsigned)v->place;
	f->drives = v->drives;
	f->blob_bytes = v->blob.n;
	memcpy(f->blob, v->blob.p, v->blob.n);
	memcpy(f->submission, v->submission.p, v->submission.n);
	f->submission[v->submission.n] = '\0';
}

static void drive_item_done(struct account *a, struct drive_item *item)
{
	struct window *w = &a->fetcher->window;
	struct flight *f = window_find(w, a, &item->id);
	struct ledger_value v;

	if (!f)
		return;
	if (item->value.n == 0) { /* committed meanwhile */
		window_committed(w, &f, clock_mono_ms());
		return;
	}
	if (!ledger_decode(item->value, &v)) {
		drive_failed(a, &item->id, SPAN_LIT("ledger_damaged"), SPAN_LIT(""));
		return;
	}
	w->bytes[f->lane] -= f->size;
	w->count[f->lane]--;
	f->lane = (unsigned)v.lane;
	f->size = v.size;
	w->bytes[f->lane] += f->size;
	w->count[f->lane]++;
	fill_flight(f, &v);
	if (item->lost || item->later) {
		if (item->lost)
			drive_failed(a, &item->id, SPAN_LIT("blob_unreadable"), SPAN_LIT(""));
		window_pushed(w, f, clock_mono_ms(), a->fetcher->pipeline_ms);
		return;
	}
	if (item->read)
		spool_release(a->fetcher->spool, &f->region);
	metrics_add(a->fetcher->metrics, METRIC_RETRIED, f->lane, 1);
	drive_push(a, f, buf_span(&item->body));
	f->drives++;
}

static void drive_done(struct committer_job *job)
{
	struct drive_job *j = (struct drive_job *)job;
	struct account *a = j->account;
	struct err e = job->err;
	enum err_code code = job->code;

	for (size_t i = 0; i < j->count; i++) {
		struct flight *f = window_find(&a->fetcher->window, a, &j->items[i].id);

		if (f && f->state == FLIGHT_DRIVING)
			f->state = FLIGHT_DUE;
		if (code == ERR_OK)
			drive_item_done(a, &j->items[i]);
		buf_fini(&j->items[i].body);
	}
	fetcher_job_free(j);
	if (code == ERR_GONE || code == ERR_STALE)
		account_fail(a, &e);
	account_job_done(a);
}

static struct drive_job *drive_job_new(struct account *a)
{
	struct drive_job *j = fetcher_job_new(sizeof(*j), drive_run, drive_done);

	j->account = a;
	j->tag = arena_span(j->job.arena, span_cstr(a->tag));
	j->generation = arena_span(j->job.arena, span_cstr(a->generation));
	j->token = arena_span(j->job.arena, span_cstr(a->token));
	j->company = span_cstr(a->company);
	j->name = span_cstr(a->name);
	j->generation_number = a->generation_number;
	j->data_key = arena_copy(j->job.arena, &a->config.data_key, sizeof(a->config.data_key));
	j->max_bytes = a->fetcher->conf->max_message_bytes;
	return j;
}

/* One job takes what is due, few and little enough to be held in memory; the others wait for the next turn. One that
 * shall travel alone waits until nothing else does. */
static void drive_due(struct account *a)
{
	struct drive_job *j = NULL;
	uint64_t bytes = 0;

	for (struct flight *f = a->fetcher->window.first; f; f = f->next) {
		if (f->owner != a || f->state != FLIGHT_DUE)
			continue;
		if (j && (j->count == DRIVE_MAX || bytes + f->size > DRIVE_BYTES))
			break;
		if (f->drives >= ALONE_FROM && (j || hop_queued(a->fetcher, f->lane) > 0))
			continue;
		if (!j)
			j = drive_job_new(a);
		j->items[j->count++] = (struct drive_item){
			.id = f->id, .read = f->region.bytes == 0 || f->drives > 0};
		bytes += j->items[j->count - 1].read ? f->size : 0;
		f->state = FLIGHT_DRIVING;
		if (f->drives >= ALONE_FROM)
			break;
	}
	if (j)
		account_job_give(a, &j->job);
}

/* Also while it waits or is paused, but never before its keys are there: a blob must not seem unreadable for that. */
static bool may_drive(const struct account *a)
{
	return a->token[0] && a->config.arena &&
	       (a->phase == ACCOUNT_RUNNING || a->phase == ACCOUNT_WAITING ||
		a->phase == ACCOUNT_PAUSED);
}

/* ---- looking ---- */

struct look_job {
	struct committer_job job;
	struct account *account;
	struct span tag;
	struct store_reply reply;
};

static enum err_code look_run(struct committer_job *job, const struct committer_env *env)
{
	struct look_job *j = (struct look_job *)job;
	enum err_code code = store_fcall(env->store, "fetcher_1_look", &j->tag, 1, NULL, 0,
					 job->arena, &j->reply, &job->err);

	return code == ERR_OK ? account_answer(&j->reply, &job->err) : code;
}

static void take_unknown(struct account *a, const struct id *id)
{
	struct window *w = &a->fetcher->window;
	struct flight *f;

	if (w->count[WIRE_LANE_LIVE] + w->count[WIRE_LANE_BULK] >= 4 * w->max_messages)
		return; /* a later look finds it again */
	f = window_force(w, a, WIRE_LANE_LIVE, 0);
	window_name(w, f, id);
	f->state = FLIGHT_DUE;
	f->looked = a->look;
}

static void leave_committed(struct account *a)
{
	struct flight *f = a->fetcher->window.first;
	const int64_t now_ms = clock_mono_ms();

	while (f) {
		struct flight *next = f->next;

		if (f->owner == a && f->state == FLIGHT_PUSHED && f->looked != a->look) {
			metrics_observe_us(a->fetcher->metrics, METRIC_SECONDS_PER_MESSAGE, f->lane,
					   (now_ms - f->pushed_ms) * 1000, 1);
			window_committed(&a->fetcher->window, &f, now_ms);
		}
		f = next;
	}
}

static void look_take(struct account *a, const struct store_reply *reply)
{
	if (reply->count < 4)
		return;
	a->look++;
	for (size_t i = 0; i < reply->items[2].count; i++) {
		const struct span s = reply->items[2].items[i].string;
		struct flight *f;
		struct id id;

		if (s.n != ID_BYTES)
			continue;
		memcpy(id.b, s.p, ID_BYTES);
		f = window_find(&a->fetcher->window, a, &id);
		if (f)
			f->looked = a->look;
		else if (may_drive(a))
			take_unknown(a, &id);
	}
	if (reply->items[1].integer) /* the whole ledger was seen */
		leave_committed(a);
	if (reply->items[3].string.n < sizeof(a->command_last)) {
		memset(a->command_last, 0, sizeof(a->command_last));
		memcpy(a->command_last, reply->items[3].string.p, reply->items[3].string.n);
	}
}

static void look_done(struct committer_job *job)
{
	struct look_job *j = (struct look_job *)job;
	struct account *a = j->account;

	a->looking = false;
	if (job->code == ERR_OK && a->token[0])
		look_take(a, &j->reply);
	fetcher_job_free(j);
	if (a->look_again)
		drive_look(a);
	account_job_done(a);
}

void drive_look(struct account *a)
{
	struct look_job *j;

	if (!a->token[0] || a->fetcher->draining)
		return;
	a->look_again = a->looking;
	if (a->looking)
		return;
	a->looking = true;
	a->looked_ms = clock_mono_ms();
	j = fetcher_job_new(sizeof(*j), look_run, look_done);
	j->account = a;
	j->tag = arena_span(j->job.arena, span_cstr(a->tag));
	account_job_give(a, &j->job);
}

static struct account *account_of(const struct flight *f)
{
	return (struct account *)(uintptr_t)f->owner;
}

static void mark_overdue(struct fetcher *fetcher, int64_t now_ms)
{
	for (struct flight *f = fetcher->window.first; f; f = f->next)
		if (may_drive(account_of(f)) &&
		    window_overdue(f, now_ms, fetcher->pipeline_ms, fetcher->left_ms))
			f->state = FLIGHT_DUE;
}

void drive_tick(struct fetcher *fetcher, int64_t now_ms)
{
	if (fetcher->draining)
		return;
	mark_overdue(fetcher, now_ms);
	for (struct flight *f = fetcher->window.first; f; f = f->next) {
		struct account *a = account_of(f);

		if (!may_drive(a))
			continue;
		if (f->state == FLIGHT_DUE && a->driven_ms != now_ms) { /* once for all of its */
			a->driven_ms = now_ms;
			drive_due(a);
		}
		if (now_ms - a->looked_ms >= LOOK_MS)
			drive_look(a);
	}
}

/* ---- failing ---- */

struct fail_job {
	struct committer_job job;
	struct account *account;
	struct span tag, args[4];
	struct id id;
	int64_t attempts, aside;
};

static enum err_code fail_run(struct committer_job *job, const struct committer_env *env)
{
	struct fail_job *j = (struct fail_job *)job;
	struct store_reply reply;
	enum err_code code = store_fcall(env->store, "fetcher_1_fail", &j->tag, 1, j->args, 4,
					 job->arena, &reply, &job->err);

	if (code == ERR_OK)
		code = account_answer(&reply, &job->err);
	if (code == ERR_OK && reply.count > 2) {
		j->attempts = reply.items[1].integer;
		j->aside = reply.items[2].integer;
	}
	return code;
}

static void fail_done(struct committer_job *job)
{
	struct fail_job *j = (struct fail_job *)job;
	struct account *a = j->account;
	struct flight *f = window_find(&a->fetcher->window, a, &j->id);

	if (job->code == ERR_OK && j->aside) {
		log_event(LOG_LEVEL_WARN, "message_set_aside", "account", "s", a->tag, "id", "i",
			  &j->id, "reason", "p", &j->args[2], NULL);
		metrics_add(a->fetcher->metrics, FETCHER_ASIDE, 0, 1);
	}
	if (job->code == ERR_OK && j->aside)
		hop_ring_journal(a);
	if (f)
		metrics_add(a->fetcher->metrics, METRIC_FAILED, f->lane, 1);
	if (f && (j->aside || j->attempts == 0))
		window_leave(&a->fetcher->window, &f);
	else if (f && f->state == FLIGHT_PUSHED)
		f->state = FLIGHT_DUE;
	fetcher_job_free(j);
	account_job_done(a);
}

void drive_failed(struct account *a, const struct id *id, struct span reason, struct span detail)
{
	struct fail_job *j = fetcher_job_new(sizeof(*j), fail_run, fail_done);
	struct arena *arena = j->job.arena;

	j->account = a;
	j->id = *id;
	j->tag = arena_span(arena, span_cstr(a->tag));
	j->args[0] = arena_span(arena, span_cstr(a->generation));
	j->args[1] = span_make(j->id.b, ID_BYTES);
	j->args[2] = arena_span(arena, reason);
	j->args[3] = arena_span(arena, detail);
	account_job_give(a, &j->job);
}
