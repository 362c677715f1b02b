/* What coverage asks of the store, one small call a job: the thread that runs them serves live mail too. */
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "fetcher/coverage_impl.h"

#define FOUND_SECONDS 120
#define ARGS_MAX (6 + 4 * COVERAGE_SLICE)

struct coverage_job {
	struct committer_job job;
	struct account *account;
	uint64_t serial;
	const char *function;
	struct span tag, *args;
	size_t count;
	struct store_reply reply;
};

static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct coverage_job *j = (struct coverage_job *)job;
	enum err_code code = store_fcall(env->store, j->function, &j->tag, 1, j->args, j->count,
					 job->arena, &j->reply, &job->err);

	return code == ERR_OK ? account_answer(&j->reply, &job->err) : code;
}

static struct coverage_job *job_new(struct account *a, const char *function,
				    enum err_code (*work)(struct committer_job *,
							  const struct committer_env *),
				    void (*done)(struct committer_job *))
{
	struct coverage_job *j = fetcher_job_new(sizeof(*j), work, done);

	j->account = a;
	j->serial = a->coverage_serial;
	j->function = function;
	j->tag = arena_span(j->job.arena, span_cstr(a->tag));
	j->args = arena_array(j->job.arena, ARGS_MAX, sizeof(*j->args));
	return j;
}

static void put(struct coverage_job *j, struct span value)
{
	j->args[j->count++] = arena_span(j->job.arena, value);
}

static void put_number(struct coverage_job *j, uint64_t value)
{
	j->args[j->count++] =
		span_cstr(arena_printf(j->job.arena, "%llu", (unsigned long long)value));
}

static bool is_wanted(const struct coverage_job *j)
{
	return j->account->coverage && j->account->coverage_serial == j->serial;
}

static void job_end(struct coverage_job *j)
{
	struct account *a = j->account;
	const enum err_code code = j->job.code;
	struct err e = j->job.err;

	fetcher_job_free(j);
	if ((code == ERR_GONE || code == ERR_STALE) && a->token[0])
		account_fail(a, &e);
	account_job_done(a);
}

/* ---- what was found out before ---- */

static enum err_code load_run(struct committer_job *job, const struct committer_env *env)
{
	struct coverage_job *j = (struct coverage_job *)job;

	return store_do(env->store, job->arena, &j->reply, &job->err, "HGETALL %b", j->args[0]);
}

/* [command, state, began, verified, validity, remote, eight counts …, missing, [uid …], fetched, removed, first] */
static void take_result(struct account *a, uint32_t number, struct span value)
{
	struct coverage_box *box = coverage_box(a->coverage, number);
	const int64_t again_ms = coverage_again_ms(a);
	struct pack_reader r = pack_reader_make(value);
	const size_t n = pack_read_array(&r);
	int64_t verified_ms, left_ms;
	uint64_t validity, missing, first;

	pack_skip_n(&r, 3);
	verified_ms = pack_read_i64(&r);
	validity = pack_read_u64(&r);
	pack_skip_n(&r, 8);
	missing = pack_read_u64(&r);
	pack_skip_n(&r, 3);
	first = pack_read_u64(&r);
	if (n < 18 || r.bad || verified_ms <= 0)
		return;
	left_ms = verified_ms + again_ms - clock_wall_ms();
	box->validity = (uint32_t)validity;
	box->first = (uint32_t)first;
	box->missing = missing;
	if (!box->due_ms && !missing && left_ms > 0)
		box->due_ms = clock_mono_ms() + (left_ms < again_ms ? left_ms : again_ms);
}

static void load_done(struct committer_job *job)
{
	struct coverage_job *j = (struct coverage_job *)job;
	struct account *a = j->account;
	uint64_t number;

	if (is_wanted(j)) {
		a->coverage->loaded = true;
		for (size_t i = 0; job->code == ERR_OK && i + 1 < j->reply.count; i += 2)
			if (span_to_u64(j->reply.items[i].string, MAILBOX_COUNT_MAX, &number))
				take_result(a, (uint32_t)number, j->reply.items[i + 1].string);
		coverage_measure(a);
	}
	job_end(j);
}

void coverage_load(struct account *a)
{
	struct coverage_job *j = job_new(a, "", load_run, load_done);

	put(j,
	    key_account(j->job.arena, span_cstr(a->company), span_cstr(a->name), KEY_A_COVERAGE));
	account_job_give(a, &j->job);
}

/* ---- one slice compared ---- */

static size_t put_ranges(struct coverage_job *j, const uint32_t *uids, size_t from, size_t to)
{
	size_t pairs = 0;

	for (size_t i = from; i < to; pairs++) {
		size_t last = i;

		while (last + 1 < to && uids[last + 1] == uids[last] + 1)
			last++;
		put_number(j, uids[i]);
		put_number(j, uids[last]);
		i = last + 1;
	}
	return pairs;
}

static uint64_t count_at(const struct coverage_job *j, size_t i)
{
	return j->reply.items[i].integer > 0 ? (uint64_t)j->reply.items[i].integer : 0;
}

static void take_slice(const struct coverage_job *j, struct coverage_tally *t,
		       uint32_t missing[COVERAGE_SLICE])
{
	const struct store_reply *list = &j->reply.items[11];

	t->stored = count_at(j, 1);
	t->outside = count_at(j, 2);
	t->screened = count_at(j, 3);
	t->set_aside = count_at(j, 4);
	t->too_large = count_at(j, 5);
	t->deleted_here = count_at(j, 6);
	t->pending = count_at(j, 7);
	t->extras = count_at(j, 8);
	t->places = count_at(j, 9);
	t->own_count = count_at(j, 10);
	for (size_t i = 0; i < list->count && i < COVERAGE_SLICE; i++)
		missing[t->missing++] = (uint32_t)list->items[i].integer;
}

static void compare_done(struct committer_job *job)
{
	struct coverage_job *j = (struct coverage_job *)job;
	struct account *a = j->account;
	struct coverage_tally slice = {0};
	uint32_t missing[COVERAGE_SLICE];

	if (is_wanted(j) && job->code == ERR_OK && j->reply.count >= 12) {
		take_slice(j, &slice, missing);
		coverage_check_compared(a, &slice, missing, slice.missing);
	} else if (is_wanted(j) && job->code != ERR_GONE && job->code != ERR_STALE) {
		coverage_give_up(a, &job->err);
	}
	job_end(j);
}

void coverage_compare(struct account *a)
{
	const struct coverage_check *k = &a->coverage->check;
	struct coverage_job *j = job_new(a, "fetcher_1_cover", run, compare_done);
	size_t at;

	put(j, span_cstr(a->generation));
	put_number(j, k->mailbox->number);
	put_number(j, k->slice_low);
	put_number(j, k->slice_high);
	at = j->count++;
	j->args[at] = span_cstr(arena_printf(
		j->job.arena, "%zu", put_ranges(j, k->present, k->present_at, k->present_end)));
	(void)put_ranges(j, k->due, k->due_at, k->due_end);
	account_job_give(a, &j->job);
}

/* ---- results ---- */

static void put_done(struct committer_job *job)
{
	job_end((struct coverage_job *)job);
}

static void encode(struct buf *out, enum coverage_state state, const struct coverage_check *k,
		   uint32_t validity)
{
	const struct coverage_tally *t = &k->tally;

	pack_put_array(out, 18);
	pack_put_cstr(out, k->command);
	pack_put_u64(out, state);
	pack_put_i64(out, k->began_ms);
	pack_put_i64(out, state == COVERAGE_VERIFIED ? clock_wall_ms() : 0);
	pack_put_u64(out, validity);
	pack_put_u64(out, t->remote);
	pack_put_u64(out, t->stored);
	pack_put_u64(out, t->outside);
	pack_put_u64(out, t->screened);
	pack_put_u64(out, t->set_aside);
	pack_put_u64(out, t->too_large);
	pack_put_u64(out, t->deleted_here);
	pack_put_u64(out, t->pending);
	pack_put_u64(out, t->missing);
	pack_put_array(out, t->named_count);
	for (size_t i = 0; i < t->named_count; i++)
		pack_put_u64(out, t->named[i]);
	pack_put_u64(out, k->fetched);
	pack_put_u64(out, k->removed);
	pack_put_u64(out, k->first);
}

void coverage_put(struct account *a, const struct mailbox *mailbox, enum coverage_state state,
		  const struct coverage_check *check)
{
	struct coverage_job *j = job_new(a, "fetcher_1_covered", run, put_done);
	struct coverage_check none = {.began_ms = clock_wall_ms()};
	struct buf value;

	if (!check) {
		const struct coverage_box *box = coverage_box(a->coverage, mailbox->number);

		memcpy(none.command, box->command, sizeof(none.command));
		none.first = box->first;
		check = &none;
	}
	buf_init(&value, 4096);
	encode(&value, state, check, mailbox->cursor.validity);
	put(j, span_cstr(a->generation));
	put(j, span_cstr(a->token));
	put_number(j, mailbox->number);
	put(j, buf_span(&value));
	if (state == COVERAGE_VERIFIED && !check->partial && check->tally.counted &&
	    check->tally.missing + check->tally.extras == 0)
		put_number(j, check->tally.places);
	else
		put(j, SPAN_LIT(""));
	put_number(j, check->tally.own_count);
	buf_fini(&value);
	account_job_give(a, &j->job);
}

static void found_done(struct committer_job *job)
{
	struct coverage_job *j = (struct coverage_job *)job;
	struct account *a = j->account;

	/* What is missing is not only told: its mailbox is put right at once. */
	if (a->coverage && job->code == ERR_OK && j->reply.count > 1)
		for (size_t i = 0; i < j->reply.items[1].count; i++) {
			const int64_t number = j->reply.items[1].items[i].integer;

			if (number > 0 && number <= a->last_number)
				coverage_box(a->coverage, (uint32_t)number)->due_ms = 1;
		}
	job_end(j);
}

void coverage_found_put(struct account *a, const struct coverage_search *s)
{
	struct coverage_job *j = job_new(a, "fetcher_1_found", run, found_done);

	put(j, span_cstr(a->generation));
	put(j, span_cstr(a->token));
	put(j, span_cstr(s->request));
	put_number(j, FOUND_SECONDS);
	put_number(j, s->incomplete ? 0 : 1);
	for (size_t i = 0; i < s->hit_count; i++) {
		put_number(j, s->hits[i].mailbox);
		put_number(j, s->hits[i].uid);
		put_number(j, s->hits[i].bits);
	}
	account_job_give(a, &j->job);
}

void coverage_measure(struct account *a)
{
	struct coverage *c = a->coverage;
	uint64_t missing = 0;

	for (const struct mailbox *m = a->mailboxes; m; m = m->next)
		if (!m->dropped && !m->cursor.retired && m->number < c->box_count)
			missing += c->boxes[m->number].missing;
	metrics_add(a->fetcher->metrics, FETCHER_COVERAGE_MISSING, 0,
		    (int64_t)missing - c->missing);
	c->missing = (int64_t)missing;
}
