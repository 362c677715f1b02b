#include "fetcher/enter_job.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/wire/pack.h"
#include "fetcher/drive.h"
#include "fetcher/hop.h"
#include "fetcher/imap_resp.h"

#define SWEEP_SPAN 4096u
#define SWEEP_RANGES 2048u

struct enter_job {
	struct committer_job job;
	struct account *account;
	struct span tag, generation, token;
	struct enter_entry *entries;
	size_t count;
};

static struct span number(struct arena *arena, uint64_t value)
{
	return span_cstr(arena_printf(arena, "%llu", (unsigned long long)value));
}

static struct span words_of(const struct enter_entry *entry)
{
	return span_make(entry->bytes, entry->words_bytes);
}

static struct span more_of(const struct enter_entry *entry)
{
	return span_make(entry->bytes + entry->words_bytes, entry->more_bytes);
}

static struct span source_of(const struct enter_entry *entry)
{
	return span_make(entry->bytes + entry->words_bytes + entry->more_bytes,
			 entry->source_bytes);
}

/* Does the server say something of any of those that a call from here on takes? */
static bool any_source(const struct enter_entry *entry)
{
	const struct enter_entry *first = entry;

	for (size_t count = 0; entry && entry->kind == first->kind &&
			       entry->mailbox == first->mailbox && count < ENTER_CALL_MAX;
	     entry = entry->next, count++)
		if (entry->source_bytes)
			return true;
	return false;
}

static enum err_code call(struct enter_job *j, const struct committer_env *env,
			  const char *function, const struct span *args, size_t count,
			  struct store_reply *reply)
{
	enum err_code code = store_fcall(env->store, function, &j->tag, 1, args, count,
					 j->job.arena, reply, &j->job.err);

	if (code == ERR_OK)
		j->job.noted |= account_noted(reply);
	return code == ERR_OK ? account_answer(reply, &j->job.err) : code;
}

/* Answers come in the order asked; a message twice in one call enters once. */
static void mark_entered(struct enter_entry *entry, size_t count, const struct store_reply *ids)
{
	size_t i = 0;

	for (; i < ids->count && count > 0; entry = entry->next, count--)
		if (span_eq(ids->items[i].string, span_make(entry->id.b, ID_BYTES))) {
			entry->entered = true;
			i++;
		}
}

/* Messages of one mailbox, then perhaps its cursor: one call. */
static enum err_code enter_messages(struct enter_job *j, const struct committer_env *env,
				    struct enter_entry **at)
{
	struct arena *arena = j->job.arena;
	struct span args[5 + 7 * ENTER_CALL_MAX];
	struct enter_entry *first = *at, *entry = first;
	struct mailbox *mailbox = first->mailbox;
	struct store_reply reply;
	struct span box = SPAN_LIT("");
	const bool sources = any_source(first);
	size_t n = 5, count = 0;
	enum err_code code;

	for (; entry && entry->kind == ENTER_MESSAGE && entry->mailbox == mailbox &&
	       count < ENTER_CALL_MAX;
	     entry = entry->next, count++) {
		args[n++] = span_make(entry->id.b, ID_BYTES);
		args[n++] = number(arena, entry->validity);
		args[n++] = number(arena, entry->uid);
		args[n++] = number(arena, entry->flags);
		args[n++] = words_of(entry);
		args[n++] = more_of(entry);
		if (sources)
			args[n++] = source_of(entry);
	}
	for (; entry && entry->kind == ENTER_CURSOR && entry->mailbox == mailbox;
	     entry = entry->next)
		box = more_of(entry);
	args[0] = j->generation;
	args[1] = j->token;
	args[2] = number(arena, mailbox->number);
	args[3] = box;
	args[4] = number(arena, count);
	code = call(j, env, "fetcher_1_enter", args, n, &reply);
	if (code == ERR_OK && reply.count >= 3)
		mark_entered(first, count, &reply.items[1]);
	*at = entry;
	return code;
}

static enum err_code enter_flag_changes(struct enter_job *j, const struct committer_env *env,
					struct enter_entry **at)
{
	struct span args[4 + 4 * ENTER_CALL_MAX];
	struct enter_entry *entry = *at;
	struct mailbox *mailbox = entry->mailbox;
	struct store_reply reply;
	const bool sources = any_source(entry);
	size_t n = 4, count = 0;

	for (; entry && entry->kind == ENTER_FLAGS && entry->mailbox == mailbox &&
	       count < ENTER_CALL_MAX;
	     entry = entry->next, count++) {
		args[n++] = number(j->job.arena, entry->uid);
		args[n++] = number(j->job.arena, entry->flags);
		args[n++] = words_of(entry);
		if (sources)
			args[n++] = source_of(entry);
	}
	args[0] = j->generation;
	args[1] = j->token;
	args[2] = number(j->job.arena, mailbox->number);
	args[3] = number(j->job.arena, count);
	*at = entry;
	return call(j, env, "fetcher_1_flags", args, n, &reply);
}

/* The ranges of the set that touch low … *high; *high becomes less if there are too many. */
static size_t ranges(struct enter_job *j, struct span set, uint32_t low, uint32_t *high,
		     struct span *args)
{
	uint32_t a, b;
	size_t n = 0;

	while (imap_set_next(&set, &a, &b)) {
		if (b < low || a > *high)
			continue;
		if (n / 2 == SWEEP_RANGES) {
			*high = a - 1;
			break;
		}
		args[n++] = number(j->job.arena, a);
		args[n++] = number(j->job.arena, b);
	}
	return n;
}

static enum err_code sweep(struct enter_job *j, const struct committer_env *env,
			   struct enter_entry **at)
{
	struct span *args = arena_array(j->job.arena, 5 + 2 * SWEEP_RANGES, sizeof(*args));
	struct enter_entry *entry = *at;
	uint64_t low = entry->uid;
	enum err_code code = ERR_OK;

	*at = entry->next;
	args[0] = j->generation;
	args[1] = j->token;
	args[2] = number(j->job.arena, entry->mailbox->number);
	while (code == ERR_OK && low <= entry->high) {
		uint32_t high = entry->high - low < SWEEP_SPAN ? entry->high
							       : (uint32_t)low + SWEEP_SPAN - 1;
		struct store_reply reply;
		size_t n = 5 + ranges(j, more_of(entry), (uint32_t)low, &high, args + 5);

		args[3] = number(j->job.arena, low);
		args[4] = number(j->job.arena, high);
		code = call(j, env, "fetcher_1_sweep", args, n, &reply);
		if (code != ERR_OK)
			break;
		low = reply.count > 2 && reply.items[2].integer > 0
			      ? (uint64_t)reply.items[2].integer
			      : (uint64_t)high + 1;
	}
	return code;
}

static enum err_code drop(struct enter_job *j, const struct committer_env *env,
			  struct enter_entry **at)
{
	struct span args[] = {j->generation, j->token,
			      number(j->job.arena, (*at)->mailbox->number)};
	struct store_reply reply;

	*at = (*at)->next;
	return call(j, env, "fetcher_1_drop", args, 3, &reply);
}

static enum err_code mark(struct enter_job *j, const struct committer_env *env,
			  struct enter_entry **at)
{
	struct pack_reader r = pack_reader_make(more_of(*at));
	const size_t count = pack_read_array(&r);
	struct span *args = arena_array(j->job.arena, 2 + count, sizeof(*args));
	struct store_reply reply;

	*at = (*at)->next;
	args[0] = j->generation;
	args[1] = j->token;
	for (size_t i = 0; i < count; i++)
		args[2 + i] = pack_read_bytes(&r);
	return call(j, env, "fetcher_1_backfill_mark", args, 2 + count, &reply);
}

static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct enter_job *j = (struct enter_job *)job;
	struct enter_entry *at = j->entries;
	enum err_code code = ERR_OK;

	while (at && code == ERR_OK) {
		switch (at->kind) {
		case ENTER_MESSAGE:
		case ENTER_CURSOR:
			code = enter_messages(j, env, &at);
			break;
		case ENTER_FLAGS:
			code = enter_flag_changes(j, env, &at);
			break;
		case ENTER_GONE:
			code = sweep(j, env, &at);
			break;
		case ENTER_DROP:
			code = drop(j, env, &at);
			break;
		case ENTER_MARK:
			code = mark(j, env, &at);
			break;
		}
	}
	return code;
}

static void settle(struct account *a, struct enter_entry *entry)
{
	struct fetcher *f = a->fetcher;

	if (!entry->flight)
		return;
	metrics_add(f->metrics, METRIC_IN, entry->flight->lane, 1);
	if (entry->entered) {
		window_name(&f->window, entry->flight, &entry->id);
		drive_push(a, entry->flight, SPAN_LIT(""));
		return;
	}
	metrics_add(f->metrics, FETCHER_KNOWN, 0, 1);
	window_leave(&f->window, &entry->flight);
}

static void done(struct committer_job *job)
{
	struct enter_job *j = (struct enter_job *)job;
	struct account *a = j->account;
	struct err e = job->err;
	enum err_code code = job->code;

	a->entries.running = false;
	a->entries.taken = 0;
	if (job->noted)
		hop_ring_journal(a);
	for (struct enter_entry *entry = j->entries, *next; entry; entry = next) {
		next = entry->next;
		if (code == ERR_OK)
			settle(a, entry);
		else
			window_leave(&a->fetcher->window, &entry->flight);
		free(entry);
	}
	fetcher_job_free(j);
	if (code == ERR_OK && a->entries.first)
		enter_resume(a);
	if (code != ERR_OK)
		account_fail(a, &e);
	account_job_done(a);
}

void enter_job_start(struct account *a)
{
	struct enter_job *j = fetcher_job_new(sizeof(*j), run, done);
	struct enter_entry **at = &j->entries;

	j->account = a;
	j->tag = arena_span(j->job.arena, span_cstr(a->tag));
	j->generation = arena_span(j->job.arena, span_cstr(a->generation));
	j->token = arena_span(j->job.arena, span_cstr(a->token));
	while (a->entries.first && j->count < ENTER_JOB_MAX) {
		*at = a->entries.first;
		a->entries.bytes -= (*at)->flight ? (*at)->flight->size : 0;
		a->entries.first = (*at)->next;
		j->job.commit = j->job.commit || (*at)->kind == ENTER_MESSAGE;
		j->count++;
		at = &(*at)->next;
	}
	*at = NULL;
	if (!a->entries.first)
		a->entries.last = NULL;
	a->entries.count -= j->count;
	a->entries.taken = j->count;
	a->entries.running = true;
	account_job_give(a, &j->job);
}
