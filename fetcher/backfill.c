#include "fetcher/backfill_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "fetcher/mailbox_sync.h"

#define MARK_MS 500
#define RATE_MS 1000

void backfill_forget(struct account *a)
{
	struct backfill *b = a->backfill;

	a->bulk.backfill_read++;
	a->backfill = NULL;
	if (!b)
		return;
	free(b->only);
	free(b->tasks);
	free(b);
}

/* ---- reading ---- */

struct read_job {
	struct committer_job job;
	struct account *account;
	struct span company, name;
	uint64_t number;
	struct store_reply reply;
};

static enum err_code read_run(struct committer_job *job, const struct committer_env *env)
{
	struct read_job *j = (struct read_job *)job;

	return store_do(env->store, job->arena, &j->reply, &job->err, "HGETALL %b",
			key_account(job->arena, j->company, j->name, KEY_A_BACKFILL));
}

static struct span field(const struct store_reply *reply, const char *name)
{
	for (size_t i = 0; i + 1 < reply->count; i += 2)
		if (span_eq(reply->items[i].string, span_cstr(name)))
			return reply->items[i + 1].string;
	return SPAN_LIT("");
}

static int64_t number(const struct store_reply *reply, const char *name)
{
	uint64_t value = 0;

	return span_to_u64(field(reply, name), INT64_MAX, &value) ? (int64_t)value : 0;
}

/* "3,7": numbers of mailboxes. */
static void take_only(struct backfill *b, struct span text)
{
	if (text.n == 0)
		return;
	b->only = calloc(MAILBOX_COUNT_MAX, sizeof(*b->only));
	if (!b->only)
		abort();
	while (text.n > 0 && b->only_count < MAILBOX_COUNT_MAX) {
		const size_t end = span_find_byte(text, ',');
		uint64_t value;

		if (span_to_u64(span_sub(text, 0, end), UINT32_MAX, &value))
			b->only[b->only_count++] = (uint32_t)value;
		text = span_sub(text, end + 1, text.n);
	}
}

static bool task_decode(struct span name, struct span value, struct backfill_task *t)
{
	struct pack_reader r = pack_reader_make(value);
	const size_t n = pack_read_array(&r);
	uint64_t mailbox, phase;

	if (!span_eq(span_sub(name, 0, 2), SPAN_LIT("b:")) ||
	    !span_to_u64(span_sub(name, 2, name.n), UINT32_MAX, &mailbox) || n < 8)
		return false;
	t->number = (uint32_t)mailbox;
	t->validity = (uint32_t)pack_read_u64(&r);
	t->high = (uint32_t)pack_read_u64(&r);
	t->back = (uint32_t)pack_read_u64(&r);
	phase = pack_read_u64(&r);
	t->phase = phase == 0	? BACKFILL_COUNTING
		   : phase == 1 ? BACKFILL_FETCHING
				: BACKFILL_FINISHED;
	t->total = pack_read_u64(&r);
	t->before.done = pack_read_u64(&r);
	t->before.unknown = pack_read_u64(&r);
	t->before.refused = pack_read_u64(&r);
	pack_skip_n(&r, n - 8);
	return pack_done(&r) && t->back > 0 && t->high > 1;
}

static struct backfill_task *tasks_new(size_t count)
{
	struct backfill_task *tasks = calloc(count + 1, sizeof(*tasks));

	if (!tasks)
		abort();
	return tasks;
}

static void set_bounds(struct backfill *b)
{
	for (size_t i = 0; i < b->count; i++) {
		b->tasks[i].since_ms = b->since_ms;
		b->tasks[i].until_ms = b->until_ms;
		b->tasks[i].known_people = b->known_people;
	}
}

static void take(struct backfill *b, const struct store_reply *reply)
{
	const struct span id = field(reply, "id");

	snprintf(b->id, sizeof(b->id), "%.*s", (int)(id.n < 47 ? id.n : 47), (const char *)id.p);
	b->running = id.n > 0 && span_eq(field(reply, "state"), SPAN_LIT("running"));
	b->held = id.n > 0 && span_eq(field(reply, "state"), SPAN_LIT("paused"));
	if (!b->running)
		return;
	b->expanded = number(reply, "expanded") == 1;
	b->counted = number(reply, "counted") == 1;
	b->since_ms = number(reply, "since");
	b->until_ms = number(reply, "until");
	b->known_people = span_eq(field(reply, "people"), SPAN_LIT("known"));
	take_only(b, field(reply, "mailboxes"));
	b->tasks = tasks_new(reply->count / 2);
	for (size_t i = 0; i + 1 < reply->count; i += 2)
		if (task_decode(reply->items[i].string, reply->items[i + 1].string,
				&b->tasks[b->count]))
			b->count++;
	set_bounds(b);
}

static void read_done(struct committer_job *job)
{
	struct read_job *j = (struct read_job *)job;
	struct account *a = j->account;
	struct backfill *b = a->backfill;

	if (b && b->reading && b->read == j->number) {
		b->reading = false;
		if (job->code == ERR_OK)
			take(b, &j->reply);
		else
			backfill_forget(a);
	}
	fetcher_job_free(j);
	account_job_done(a);
}

static void read_begin(struct account *a)
{
	struct read_job *j = fetcher_job_new(sizeof(*j), read_run, read_done);
	struct backfill *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	b->reading = true;
	b->read = j->number = ++a->bulk.backfill_read;
	a->backfill = b;
	j->account = a;
	j->company = span_cstr(a->company);
	j->name = span_cstr(a->name);
	account_job_give(a, &j->job);
}

/* ---- marking: in order behind what was fetched ---- */

static struct backfill_count sum(const struct backfill *b, uint64_t *total_out)
{
	struct backfill_count all = {0, 0, 0};

	*total_out = 0;
	for (size_t i = 0; i < b->count; i++) {
		const struct backfill_task *t = &b->tasks[i];

		*total_out += t->total;
		all.done += t->before.done + t->inside.done;
		all.unknown += t->before.unknown + t->inside.unknown;
		all.refused += t->before.refused + t->inside.refused;
	}
	return all;
}

static void put_rate(struct buf *out, double per_second)
{
	char text[40];

	snprintf(text, sizeof(text), "%.1f", per_second);
	pack_put_cstr(out, "rate");
	pack_put_cstr(out, text);
}

static void put_number(struct buf *out, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	pack_put_cstr(out, name);
	pack_put_cstr(out, text);
}

static void put_task(struct buf *out, const struct backfill_task *t)
{
	char name[16];
	struct buf value;

	buf_init(&value, 128);
	pack_put_array(&value, 8);
	pack_put_u64(&value, t->validity);
	pack_put_u64(&value, t->high);
	pack_put_u64(&value, t->back);
	pack_put_u64(&value, (uint64_t)t->phase);
	pack_put_u64(&value, t->total);
	pack_put_u64(&value, t->before.done);
	pack_put_u64(&value, t->before.unknown);
	pack_put_u64(&value, t->before.refused);
	snprintf(name, sizeof(name), "b:%u", t->number);
	pack_put_cstr(out, name);
	pack_put_str(out, buf_span(&value));
	buf_fini(&value);
}

static void rate(struct backfill *b, uint64_t done, int64_t now_ms)
{
	const int64_t passed_ms = now_ms - b->rated_ms;
	double now;

	if (b->rated_ms && (passed_ms < RATE_MS || done < b->rated))
		return;
	now = b->rated_ms ? (double)(done - b->rated) * 1000.0 / (double)passed_ms : 0;
	b->rate = b->rate > 0 ? (b->rate + now) / 2 : now;
	b->rated = done;
	b->rated_ms = now_ms;
}

void backfill_mark(struct account *a, const struct backfill_task *task, bool completed)
{
	struct backfill *b = a->backfill;
	const int64_t now_ms = clock_mono_ms();
	const size_t tasks = task ? 1 : b->count;
	uint64_t total;
	const struct backfill_count all = sum(b, &total);
	struct buf out;

	rate(b, all.done, now_ms);
	buf_init(&out, 512 * 1024);
	pack_put_array(&out, 1 + 2 * (7 + tasks + (completed ? 1 : 0)));
	pack_put_cstr(&out, b->id);
	put_number(&out, "expanded", 1);
	put_number(&out, "counted", b->counted);
	put_number(&out, "total", total);
	put_number(&out, "done", all.done);
	put_number(&out, "unknown", all.unknown);
	put_number(&out, "refused", all.refused);
	put_rate(&out, b->rate);
	if (task)
		put_task(&out, task);
	for (size_t i = 0; !task && i < b->count; i++)
		put_task(&out, &b->tasks[i]);
	if (completed) {
		pack_put_cstr(&out, "state");
		pack_put_cstr(&out, "completed");
	}
	enter_mark(a, buf_span(&out));
	buf_fini(&out);
	b->marked_ms = now_ms;
	b->news = false;
}

/* ---- tasks ---- */

static bool is_meant(const struct backfill *b, const struct mailbox *m)
{
	if (m->dropped || m->cursor.retired || !m->chosen || !m->listed || !m->known)
		return false;
	for (size_t i = 0; i < b->only_count; i++)
		if (b->only[i] == m->number)
			return true;
	return !b->only;
}

/* Every mailbox was visited: what is newer than now comes by itself. */
static void expand(struct account *a)
{
	struct backfill *b = a->backfill;
	size_t room = 0;

	for (const struct mailbox *m = a->mailboxes; m; m = m->next)
		room++;
	free(b->tasks);
	b->tasks = tasks_new(room);
	b->count = 0;
	for (const struct mailbox *m = a->mailboxes; m; m = m->next) {
		struct backfill_task *t = &b->tasks[b->count];

		if (!is_meant(b, m) || m->cursor.next <= 1)
			continue;
		t->number = m->number;
		t->validity = m->cursor.validity;
		t->high = t->back = m->cursor.next;
		b->count++;
	}
	set_bounds(b);
	b->expanded = true;
	b->counted = b->count == 0;
	backfill_mark(a, NULL, false);
}

/* A whole window of everybody's mail: what a later resync or a mailbox made anew goes back to. */
static void widen(struct account *a, const struct backfill_task *t)
{
	struct mailbox *m = backfill_mailbox(a, t);

	if (!m || t->known_people || t->until_ms || m->cursor.since_ms <= t->since_ms)
		return;
	m->cursor.since_ms = t->since_ms;
	enter_cursor(a, m);
}

static void finish(struct account *a, struct backfill_task *t)
{
	t->phase = BACKFILL_FINISHED;
	backfill_mark(a, t, false);
}

static void drop(struct account *a, struct backfill_task *t)
{
	t->total = t->before.done;
	t->inside = (struct backfill_count){0, 0, 0};
	finish(a, t);
}

/* All are counted before the first is fetched. */
static void look_whether_counted(struct account *a)
{
	struct backfill *b = a->backfill;

	if (b->counted)
		return;
	for (size_t i = 0; i < b->count; i++)
		if (b->tasks[i].phase == BACKFILL_COUNTING)
			return;
	b->counted = true;
	backfill_mark(a, NULL, false);
}

struct backfill_task *backfill_next(struct account *a, struct mailbox **mailbox_out)
{
	struct backfill *b = a->backfill;
	bool gone;

	if (!b || !b->running || !b->expanded || !a->config.initial_done)
		return NULL;
	look_whether_counted(a);
	for (size_t i = 0; i < b->count; i++) {
		struct backfill_task *t = &b->tasks[i];

		if (t->phase == BACKFILL_FINISHED || (!b->counted && t->phase == BACKFILL_FETCHING))
			continue;
		*mailbox_out = backfill_mailbox(a, t);
		if (!*mailbox_out && backfill_follow(a, t, &gone))
			*mailbox_out = backfill_mailbox(a, t);
		else if (!*mailbox_out && gone)
			drop(a, t);
		if (*mailbox_out && (*mailbox_out)->failures < 3)
			return t;
	}
	*mailbox_out = NULL;
	return NULL;
}

bool backfill_counted(struct account *a, struct backfill_task *t, uint32_t low, uint64_t found)
{
	t->total += found;
	t->back = low;
	a->backfill->news = true;
	if (low > 1)
		return true;
	t->back = t->high;
	if (!backfill_mailbox(a, t))
		return false;
	t->phase = t->total ? BACKFILL_FETCHING : BACKFILL_FINISHED;
	if (!t->total)
		widen(a, t);
	backfill_mark(a, t, false);
	return false;
}

void backfill_had(struct account *a, struct backfill_task *t, struct backfill_count more)
{
	t->inside.done += more.done;
	t->inside.unknown += more.unknown;
	t->inside.refused += more.refused;
	a->backfill->news = true;
}

bool backfill_window_done(struct account *a, struct backfill_task *t, uint32_t low)
{
	t->before.done += t->inside.done;
	t->before.unknown += t->inside.unknown;
	t->before.refused += t->inside.refused;
	t->inside = (struct backfill_count){0, 0, 0};
	t->back = low;
	if (low > 1) {
		backfill_mark(a, t, false);
		return true;
	}
	if (!backfill_mailbox(a, t))
		return false; /* numbered anew meanwhile: it goes on there */
	t->total = t->before.done; /* what went from the server while we were at it */
	widen(a, t);
	finish(a, t);
	return false;
}

/* ---- from time to time ---- */

static bool all_finished(const struct backfill *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->tasks[i].phase != BACKFILL_FINISHED)
			return false;
	return true;
}

int64_t backfill_due_ms(const struct account *a)
{
	const struct backfill *b = a->backfill;

	return b && b->running && b->news ? b->marked_ms + MARK_MS : INT64_MAX;
}

void backfill_tick(struct account *a, int64_t now_ms)
{
	struct backfill *b = a->backfill;

	if (!a->live.link || !a->live.link->ready)
		return;
	if (!b) {
		read_begin(a);
		return;
	}
	if (!b->running)
		return;
	if (!b->expanded) {
		if (a->live.synced && a->config.initial_done)
			expand(a);
	} else if (all_finished(b) && mailbox_sync_at_rest(a)) {
		b->running = false;
		backfill_mark(a, NULL, true);
		log_event(LOG_LEVEL_INFO, "backfill_completed", "account", "s", a->tag, NULL);
	} else if (b->news && now_ms - b->marked_ms >= MARK_MS) {
		backfill_mark(a, a->bulk.task, false);
	}
}
