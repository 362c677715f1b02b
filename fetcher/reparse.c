/*
 * The command `reparse`: all committed messages go to the parser again, page by page of KEY_A_MESSAGES, from their blobs,
 * with mode 1: the linker replaces their facts and nothing else. A page is done when all of it was acknowledged by commit
 * notices; what was not is given again, a few times. Each step begins when the one before is done, not with the next tick.
 * A crash begins it anew: replacing facts twice is harmless.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "fetcher/commands.h"
#include "fetcher/hop.h"

#define PAGE_MAX 512
#define BODIES_MAX 32 /* of one job */
#define BODIES_BYTES (8u << 20)
#define AGAIN_MS 5000
#define TRIES 4

struct reparse_item {
	struct flight flight; /* only what names it */
	bool waiting;
};

struct reparse {
	char command_id[48], cursor[24];
	struct reparse_item items[PAGE_MAX];
	size_t count, waiting, next; /* next: to be read and given */
	int64_t given_ms;
	unsigned tries;
	uint64_t done, lost;
	bool reading, last; /* last: no page follows */
};

struct reparse_job {
	struct committer_job job;
	struct account *account;
	struct reparse *reparse; /* only compared */
	struct span company, name, cursor;
	uint64_t generation;
	struct secret_key *data_key;
	size_t max_bytes;
	/* page */
	struct store_reply reply;
	/* bodies */
	size_t first, count;
	struct flight flights[BODIES_MAX];
	struct buf bodies[BODIES_MAX];
};

static struct reparse_job *job_new(struct account *a,
				   enum err_code (*run)(struct committer_job *,
							const struct committer_env *),
				   void (*done)(struct committer_job *))
{
	struct reparse_job *j = fetcher_job_new(sizeof(*j), run, done);

	j->account = a;
	j->reparse = a->reparse;
	j->company = span_cstr(a->company);
	j->name = span_cstr(a->name);
	j->cursor = arena_span(j->job.arena, span_cstr(a->reparse->cursor));
	j->generation = a->generation_number;
	j->data_key = arena_copy(j->job.arena, &a->config.data_key, sizeof(a->config.data_key));
	j->max_bytes = (size_t)a->fetcher->conf->max_message_bytes;
	a->reparse->reading = true;
	return j;
}

/* ---- one page of ids ---- */

static enum err_code page_run(struct committer_job *job, const struct committer_env *env)
{
	struct reparse_job *j = (struct reparse_job *)job;

	return store_do(env->store, job->arena, &j->reply, &job->err, "HSCAN %b %b COUNT 256",
			key_account(job->arena, j->company, j->name, KEY_A_MESSAGES), j->cursor);
}

/* [version, thread, n, received_ms, sent_ms, size, blob, …] */
static bool take_record(struct flight *f, struct span id, struct span record)
{
	struct pack_reader r = pack_reader_make(record);
	size_t n = pack_read_array(&r);
	struct span blob;

	pack_skip_n(&r, 3);
	f->received_ms = pack_read_i64(&r);
	pack_skip(&r);
	f->size = pack_read_u64(&r);
	blob = pack_read_bytes(&r);
	if (n < 7 || r.bad || blob.n == 0 || blob.n > BLOB_REF_MAX || id.n != ID_BYTES)
		return false;
	memcpy(f->id.b, id.p, ID_BYTES);
	memcpy(f->blob, blob.p, blob.n);
	f->blob_bytes = blob.n;
	f->lane = WIRE_LANE_BULK;
	return true;
}

static void take_page(struct reparse *p, const struct store_reply *reply)
{
	const struct store_reply *pairs = &reply->items[1];

	snprintf(p->cursor, sizeof(p->cursor), "%.*s", (int)reply->items[0].string.n,
		 (const char *)reply->items[0].string.p);
	p->last = strcmp(p->cursor, "0") == 0;
	p->count = p->waiting = p->next = 0;
	p->tries = 0;
	for (size_t i = 0; i + 1 < pairs->count && p->count < PAGE_MAX; i += 2) {
		memset(&p->items[p->count], 0, sizeof(p->items[0]));
		if (!take_record(&p->items[p->count].flight, pairs->items[i].string,
				 pairs->items[i + 1].string))
			continue;
		p->items[p->count++].waiting = true;
		p->waiting++;
	}
}

static void page_done(struct committer_job *job)
{
	struct reparse_job *j = (struct reparse_job *)job;
	struct account *a = j->account;
	struct reparse *p = a->reparse == j->reparse ? a->reparse : NULL;

	if (p) {
		p->reading = false;
		if (job->code == ERR_OK && j->reply.count == 2) {
			take_page(p, &j->reply);
			reparse_tick(a, clock_mono_ms());
		}
	}
	fetcher_job_free(j);
	account_job_done(a);
}

/* ---- bodies ---- */

static enum err_code bodies_run(struct committer_job *job, const struct committer_env *env)
{
	struct reparse_job *j = (struct reparse_job *)job;

	for (size_t i = 0; i < j->count; i++) {
		const struct flight *f = &j->flights[i];
		const struct blob_identity identity = {j->company, j->name, j->generation, f->id};
		struct blob_ref ref;
		struct err e;

		buf_init(&j->bodies[i], j->max_bytes + 1);
		if (blob_ref_decode(span_make(f->blob, f->blob_bytes), &ref) != ERR_OK ||
		    blob_read(env->blob_dir, &ref, &identity, j->data_key, &j->bodies[i], &e) !=
			    ERR_OK)
			j->flights[i].blob_bytes = 0;
	}
	return ERR_OK;
}

static void bodies_done(struct committer_job *job)
{
	struct reparse_job *j = (struct reparse_job *)job;
	struct account *a = j->account;
	struct reparse *p = a->reparse == j->reparse ? a->reparse : NULL;

	for (size_t i = 0; i < j->count; i++) {
		if (p && j->flights[i].blob_bytes)
			hop_give(a, &j->flights[i], buf_span(&j->bodies[i]), 1, false);
		else if (p)
			p->lost++;
		buf_fini(&j->bodies[i]);
	}
	if (p) {
		p->reading = false;
		p->given_ms = clock_mono_ms();
		reparse_tick(a, p->given_ms);
	}
	fetcher_job_free(j);
	account_job_done(a);
}

static void give_some(struct account *a)
{
	struct reparse *p = a->reparse;
	struct reparse_job *j = job_new(a, bodies_run, bodies_done);
	uint64_t bytes = 0;

	while (p->next < p->count && j->count < BODIES_MAX &&
	       (j->count == 0 || bytes < BODIES_BYTES)) {
		const struct reparse_item *item = &p->items[p->next++];

		if (!item->waiting)
			continue;
		j->flights[j->count++] = item->flight;
		bytes += item->flight.size;
	}
	account_job_give(a, &j->job);
}

/* ---- the whole ---- */

void reparse_start(struct account *a, const char *command_id)
{
	reparse_stop(a);
	a->reparse = calloc(1, sizeof(*a->reparse));
	if (!a->reparse)
		abort();
	snprintf(a->reparse->command_id, sizeof(a->reparse->command_id), "%s", command_id);
	snprintf(a->reparse->cursor, sizeof(a->reparse->cursor), "0");
	log_event(LOG_LEVEL_INFO, "reparse_started", "account", "s", a->tag, NULL);
}

void reparse_stop(struct account *a)
{
	free(a->reparse);
	a->reparse = NULL;
}

static void complete(struct account *a)
{
	log_event(LOG_LEVEL_INFO, "reparse_done", "account", "s", a->tag, "messages", "u",
		  a->reparse->done, "lost", "u", a->reparse->lost, NULL);
	account_number_set(a, "reparseDone", a->reparse->done);
	account_command_done(a, a->reparse->command_id, NULL);
	if (strcmp(a->command_last, a->reparse->command_id) == 0)
		a->command_last[0] = '\0';
	reparse_stop(a);
}

void reparse_committed(struct account *a, const struct wire_list *ids)
{
	struct reparse *p = a->reparse;

	for (size_t i = 0; p && i < ids->count; i++)
		for (size_t k = 0; k < p->count; k++) {
			struct reparse_item *item = &p->items[k];

			if (!item->waiting ||
			    !span_eq(ids->items[i], span_make(item->flight.id.b, ID_BYTES)))
				continue;
			item->waiting = false;
			p->waiting--;
			p->done++;
		}
	reparse_tick(a, clock_mono_ms());
}

void reparse_tick(struct account *a, int64_t now_ms)
{
	struct reparse *p = a->reparse;

	if (!p || p->reading || a->phase != ACCOUNT_RUNNING)
		return;
	if (p->waiting > 0 && p->next < p->count) {
		if (hop_queued(a->fetcher, WIRE_LANE_BULK) < 2 * BUS_BATCH_MAX)
			give_some(a);
	} else if (p->waiting > 0 && p->tries < TRIES) {
		if (now_ms - p->given_ms >= AGAIN_MS &&
		    hop_queued(a->fetcher, WIRE_LANE_BULK) == 0) {
			p->tries++;
			p->next = 0;
		}
	} else if (p->last) {
		p->lost += p->waiting;
		complete(a);
	} else {
		p->lost += p->waiting;
		account_number_set(a, "reparseDone", p->done);
		account_job_give(a, &job_new(a, page_run, page_done)->job);
	}
}
