#include "fetcher/numbering.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/account.h"

#define SAMPLES 3u
#define SURE_MS 600000 /* where no UIDVALIDITY is given: for so long it is not asked again */

struct sample {
	uint32_t uid;
	struct id id;
	bool came, equal;
};

struct sample_job {
	struct committer_job job;
	struct account *account;
	struct link *link; /* NULL: it is gone */
	struct span tag, args[4];
	struct store_reply reply;
};

struct numbering {
	struct sample_job *job; /* NULL: answered */
	struct sample samples[SAMPLES];
	size_t count;
};

bool numbering_is_other(const struct mailbox *m, uint32_t validity)
{
	if (validity == 0 || validity == m->cursor.validity)
		return false;
	for (size_t i = 0; i < MAILBOX_ALIASES; i++)
		if (m->aliases[i] == validity)
			return false;
	return true;
}

int64_t numbering_next_ms(const struct account *a, const struct mailbox *old)
{
	const int64_t now_ms = clock_wall_ms(), last_ms = old->cursor.full_ms,
		      next_ms = last_ms + a->fetcher->conf->renumber_ms;

	if (last_ms == 0)
		return now_ms;
	if (last_ms > now_ms) /* it was not read yet */
		return last_ms;
	return next_ms > now_ms ? next_ms : now_ms;
}

void numbering_complain(struct account *a, struct mailbox *m, uint32_t validity)
{
	const int64_t now_ms = clock_wall_ms(), while_ms = a->fetcher->conf->renumber_ms,
		      before_ms = m->cursor.doubt_ms;
	const int path_bytes = (int)(m->path_bytes < 100 ? m->path_bytes : 100);

	if (validity)
		m->cursor.doubt_ms = now_ms;
	if (validity && now_ms - before_ms >= while_ms)
		return; /* once is no fault: a mailbox was restored */
	m->unstable_ms = clock_mono_ms() + while_ms;
	if (err_set(&a->live.worst, ERR_TEMP, ERR_MAILBOX,
		    validity ? "uidvalidity_unstable" : "uidvalidity_missing",
		    validity ? "the server numbers a folder anew again and again: %.*s"
			     : "the server does not say whether its numbers still count: %.*s",
		    path_bytes, (const char *)m->path))
		a->live.worst_state = NULL;
}

static bool is_flapping(const struct account *a, const struct mailbox *m)
{
	return clock_wall_ms() - m->cursor.doubt_ms < a->fetcher->conf->renumber_ms;
}

/* ---- the answer ---- */

static void conclude(struct link *link, bool same)
{
	static const struct imap_resp yes = {.kind = IMAP_TAGGED, .status = IMAP_OK};
	struct mailbox *m = link->mailbox;
	const uint32_t said = link->validity;

	numbering_stop(link);
	log_event(LOG_LEVEL_INFO, "numbering_compared", "account", "s", link->account->tag,
		  "mailbox", "u", (uint64_t)m->number, "uidvalidity", "u", (uint64_t)said, "same",
		  "u", (uint64_t)same, NULL);
	if (same) {
		if (said)
			m->aliases[m->alias_next++ % MAILBOX_ALIASES] = said;
		m->sure_ms = clock_mono_ms();
		link->validity = m->cursor.validity;
		link->renamed = true;
		m->cursor.modseq = 0; /* changes were counted under the other name */
		m->compare = true;
		numbering_complain(link->account, m, said);
	} else if (said == 0) {
		link->validity = m->cursor.validity + 1 ? m->cursor.validity + 1 : 1;
	}
	link->select_done(link, link->conn, &yes, 0);
}

/* What is missing may have been deleted, as long as the numbers go on behind it. */
static bool is_same(const struct link *link)
{
	const struct numbering *n = link->numbering;
	uint32_t highest = 0;
	size_t equal = 0, came = 0;

	for (size_t i = 0; i < n->count; i++) {
		equal += n->samples[i].equal;
		came += n->samples[i].came;
		highest = n->samples[i].uid > highest ? n->samples[i].uid : highest;
	}
	if (n->count == 0) /* nothing is known by a number */
		return link->uidnext == 0 || link->uidnext >= link->mailbox->cursor.next;
	return equal > 0 && equal == came && (came == n->count || link->uidnext > highest);
}

static void fetched(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	struct link *link = ctx;

	(void)conn;
	(void)arg;
	if (tagged->status == IMAP_OK) {
		conclude(link, is_same(link));
		return;
	}
	numbering_stop(link); /* nobody knows: as if the mailbox had been refused */
	link->select_done(link, link->conn, tagged, 0);
}

bool numbering_takes(struct link *link, uint32_t uid, const struct id *id)
{
	struct numbering *n = link->numbering;

	if (!n)
		return false;
	for (size_t i = 0; i < n->count; i++)
		if (n->samples[i].uid == uid) {
			n->samples[i].came = true;
			n->samples[i].equal = id_eq(&n->samples[i].id, id);
		}
	return true;
}

/* ---- the question ---- */

static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct sample_job *j = (struct sample_job *)job;
	enum err_code code = store_fcall(env->store, "fetcher_1_sample", &j->tag, 1, j->args, 4,
					 job->arena, &j->reply, &job->err);

	return code == ERR_OK ? account_answer(&j->reply, &job->err) : code;
}

static void take_samples(struct numbering *n, const struct store_reply *reply)
{
	for (size_t i = 1; i + 1 < reply->count && n->count < SAMPLES; i += 2) {
		const struct span id = reply->items[i + 1].string;
		uint64_t uid;

		if (id.n != ID_BYTES || !span_to_u64(reply->items[i].string, UINT32_MAX, &uid))
			continue;
		n->samples[n->count].uid = (uint32_t)uid;
		memcpy(n->samples[n->count].id.b, id.p, ID_BYTES);
		n->count++;
	}
}

static void ask(struct link *link)
{
	struct numbering *n = link->numbering;
	uint32_t uids[SAMPLES];
	struct buf set;

	if (n->count == 0 || link->exists == 0) {
		conclude(link, is_same(link));
		return;
	}
	for (size_t i = 0; i < n->count; i++)
		uids[i] = n->samples[i].uid;
	buf_init(&set, 64);
	imap_set_put(&set, uids, n->count);
	imap_conn_command(link->conn, fetched, link, 0, "UID FETCH %s (UID BODY.PEEK[])",
			  buf_cstr(&set));
	buf_fini(&set);
}

static void done(struct committer_job *job)
{
	struct sample_job *j = (struct sample_job *)job;
	struct account *a = j->account;
	struct link *link = j->link;
	struct err e = job->err;
	const enum err_code code = job->code;

	if (link) {
		link->numbering->job = NULL;
		take_samples(link->numbering, &j->reply);
	}
	fetcher_job_free(j);
	if (link && code == ERR_OK)
		ask(link);
	else if (link)
		account_fail(a, &e);
	account_job_done(a);
}

void numbering_stop(struct link *link)
{
	if (link->numbering && link->numbering->job)
		link->numbering->job->link = NULL;
	free(link->numbering);
	link->numbering = NULL;
}

static void begin(struct link *link)
{
	struct account *a = link->account;
	const struct mailbox_cursor *c = &link->mailbox->cursor;
	struct sample_job *j = fetcher_job_new(sizeof(*j), run, done);
	struct arena *arena = j->job.arena;

	link->numbering = calloc(1, sizeof(*link->numbering));
	if (!link->numbering)
		abort();
	link->numbering->job = j;
	j->account = a;
	j->link = link;
	j->tag = arena_span(arena, span_cstr(a->tag));
	j->args[0] = arena_span(arena, span_cstr(a->generation));
	j->args[1] = span_cstr(arena_printf(arena, "%u", link->mailbox->number));
	j->args[2] = span_cstr(arena_printf(arena, "%u", mailbox_low(c)));
	j->args[3] = span_cstr(arena_printf(arena, "%u", c->next > 1 ? c->next - 1 : 1));
	account_job_give(a, &j->job);
}

bool numbering_doubts(struct link *link)
{
	struct mailbox *m = link->mailbox;
	const bool other = numbering_is_other(m, link->validity);

	link->renamed = false;
	if (!m->known || link->validity == m->cursor.validity)
		return false;
	if (other && !is_flapping(link->account, m))
		return false; /* as RFC 3501 has it: the numbers count no more */
	if (other ||
	    (link->validity == 0 && (!m->sure_ms || clock_mono_ms() - m->sure_ms > SURE_MS))) {
		begin(link);
		return true;
	}
	link->validity = m->cursor.validity;
	link->renamed = true;
	return false;
}
