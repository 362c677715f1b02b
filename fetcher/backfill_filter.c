/* What of a window of UIDs is not stored yet: asked of Redis before anything is fetched again. */
#include "fetcher/backfill.h"
#include "fetcher/mailbox_sync.h"

#define CALL_MAX 256u /* UIDs a call */

struct missing_job {
	struct committer_job job;
	struct account *account;
	struct span tag, generation, mailbox, retry;
	uint64_t epoch;
	uint32_t *uids; /* in; then those that are missing */
	size_t count, missing;
};

/* In place: what is kept is never more than what was read. */
static enum err_code ask(struct missing_job *j, const struct committer_env *env, size_t from,
			 size_t n)
{
	struct arena *arena = j->job.arena;
	struct span args[3 + CALL_MAX] = {j->generation, j->mailbox, j->retry};
	struct store_reply reply;
	enum err_code code;

	for (size_t i = 0; i < n; i++)
		args[3 + i] = span_cstr(arena_printf(arena, "%u", j->uids[from + i]));
	code = store_fcall(env->store, "fetcher_1_missing", &j->tag, 1, args, 3 + n, arena, &reply,
			   &j->job.err);
	if (code == ERR_OK)
		code = account_answer(&reply, &j->job.err);
	if (code != ERR_OK)
		return code;
	for (size_t i = 0; reply.count > 1 && i < reply.items[1].count && i < n; i++) {
		uint64_t uid;

		if (span_to_u64(reply.items[1].items[i].string, UINT32_MAX, &uid))
			j->uids[j->missing++] = (uint32_t)uid;
	}
	return ERR_OK;
}

static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct missing_job *j = (struct missing_job *)job;
	enum err_code code = ERR_OK;

	for (size_t at = 0; at < j->count && code == ERR_OK; at += CALL_MAX)
		code = ask(j, env, at, j->count - at < CALL_MAX ? j->count - at : CALL_MAX);
	return code;
}

static void done(struct committer_job *job)
{
	struct missing_job *j = (struct missing_job *)job;
	struct account *a = j->account;
	struct err e = job->err;

	if (job->code == ERR_OK)
		mailbox_sync_filtered(a, j->epoch, j->uids, j->missing);
	else if (j->epoch == a->bulk.epoch)
		account_fail(a, &e);
	fetcher_job_free(j);
	account_job_done(a);
}

void backfill_missing(struct account *a, const struct mailbox *mailbox, const uint32_t *uids,
		      size_t count, bool retry_refused, uint64_t epoch)
{
	struct missing_job *j = fetcher_job_new(sizeof(*j), run, done);
	struct arena *arena = j->job.arena;

	j->account = a;
	j->epoch = epoch;
	j->tag = arena_span(arena, span_cstr(a->tag));
	j->generation = arena_span(arena, span_cstr(a->generation));
	j->mailbox = span_cstr(arena_printf(arena, "%u", mailbox->number));
	j->retry = retry_refused ? SPAN_LIT("1") : SPAN_LIT("0");
	j->uids = arena_copy(arena, uids, count * sizeof(*uids));
	j->count = count;
	account_job_give(a, &j->job);
}
