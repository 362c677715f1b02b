/*
 * Known people only (SYN-03): of the messages found, their address fields are fetched, a chunk at a time, and the company's
 * addresses are asked for those in them. Only messages with a person the CRM knows are fetched whole.
 */
#include <stdlib.h>

#include "common/base/address.h"
#include "common/store/keys.h"
#include "fetcher/backfill.h"
#include "fetcher/mailbox_sync.h"

#define CHUNK 128u /* messages a FETCH */
#define ADDRESSES_MAX 4096u /* of a chunk */

struct people_job {
	struct committer_job job;
	struct account *account;
	uint64_t epoch;
	struct span company;
	uint32_t of[ADDRESSES_MAX]; /* the message an address stands in */
	struct span addresses[ADDRESSES_MAX];
	size_t count;
	bool known[ADDRESSES_MAX];
	bool full; /* not all addresses were looked at: then the chunk is taken as it is */
};

struct backfill_people {
	struct people_job *job; /* being filled */
	size_t at, n; /* the chunk, of what was found */
	uint32_t *kept;
	size_t kept_count;
};

static void next_chunk(struct account *a);

void backfill_people_stop(struct account *a)
{
	struct backfill_people *p = a->bulk.people;

	if (!p)
		return;
	if (p->job)
		fetcher_job_free(p->job);
	free(p->kept);
	free(p);
	a->bulk.people = NULL;
}

/* ---- addresses of a header ---- */

static bool ends_address(uint8_t c)
{
	return c <= ' ' || c == '<' || c == '>' || c == ',' || c == ';' || c == ':' || c == '"' ||
	       c == '(' || c == ')';
}

static bool is_own(const struct account *a, const char *address)
{
	for (size_t i = 0; i < a->config.own.count; i++)
		if (span_eq(a->config.own.items[i], span_cstr(address)))
			return true;
	return false;
}

static void put_address(struct account *a, struct people_job *j, uint32_t uid, struct span raw)
{
	char address[ADDRESS_MAX + 1];

	if (!address_normalize(raw, address) || is_own(a, address))
		return;
	if (j->count == ADDRESSES_MAX) {
		j->full = true;
		return;
	}
	j->of[j->count] = uid;
	j->addresses[j->count++] = arena_span(j->job.arena, span_cstr(address));
}

void backfill_people_take(struct account *a, const struct imap_resp *fetch)
{
	const struct backfill_people *p = a->bulk.people;
	const struct span h = fetch->header;
	size_t begin = 0;

	if (!p || !p->job || !(fetch->has & IMAP_HAS_UID))
		return;
	for (size_t i = 0; i <= h.n; i++) {
		struct span word;

		if (i < h.n && !ends_address(h.p[i]))
			continue;
		word = span_sub(h, begin, i - begin);
		begin = i + 1;
		if (word.n > 2 && span_find_byte(word, '@') < word.n)
			put_address(a, p->job, fetch->uid, word);
	}
}

/* ---- who is known ---- */

static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct people_job *j = (struct people_job *)job;
	struct span args[2 + 256];
	struct store_reply reply;

	args[0] = SPAN_LIT("HMGET");
	args[1] = key_company(job->arena, j->company, KEY_C_ADDRESSES);
	for (size_t at = 0; at < j->count; at += 256) {
		const size_t n = j->count - at < 256 ? j->count - at : 256;
		enum err_code code;

		memcpy(args + 2, j->addresses + at, n * sizeof(*args));
		code = store_call(env->store, args, 2 + n, job->arena, &reply, &job->err);
		if (code != ERR_OK)
			return code;
		for (size_t i = 0; i < n && i < reply.count; i++)
			j->known[at + i] = reply.items[i].type == STORE_STRING;
	}
	return ERR_OK;
}

static bool has_known(const struct people_job *j, uint32_t uid)
{
	for (size_t i = 0; i < j->count; i++)
		if (j->of[i] == uid && j->known[i])
			return true;
	return false;
}

static void keep(struct account *a, const struct people_job *j)
{
	struct backfill_people *p = a->bulk.people;

	for (size_t i = p->at; i < p->at + p->n; i++)
		if (j->full || has_known(j, a->bulk.found[i]))
			p->kept[p->kept_count++] = a->bulk.found[i];
	p->at += p->n;
	next_chunk(a);
}

static void done(struct committer_job *job)
{
	struct people_job *j = (struct people_job *)job;
	struct account *a = j->account;
	struct err e = job->err;

	if (j->epoch == a->bulk.epoch && a->bulk.people) {
		if (job->code == ERR_OK)
			keep(a, j);
		else
			account_fail(a, &e);
	}
	fetcher_job_free(j);
	account_job_done(a);
}

static void fetched(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct backfill_people *p = a->bulk.people;
	struct people_job *j = p->job;
	struct err e;

	(void)conn;
	(void)arg;
	if (!link_said_yes(tagged, &e))
		j->full = true; /* fetching them whole finds the one that is refused */
	p->job = NULL;
	account_job_give(a, &j->job);
}

static void next_chunk(struct account *a)
{
	struct account_bulk *b = &a->bulk;
	struct backfill_people *p = b->people;
	struct buf set;

	p->n = b->found_count - p->at < CHUNK ? b->found_count - p->at : CHUNK;
	if (p->n == 0) {
		uint32_t *kept = p->kept;
		const size_t count = p->kept_count;

		p->kept = NULL;
		backfill_people_stop(a);
		mailbox_sync_known(a, kept, count);
		return;
	}
	p->job = fetcher_job_new(sizeof(*p->job), run, done);
	p->job->account = a;
	p->job->epoch = b->epoch;
	p->job->company = span_cstr(a->company);
	buf_init(&set, 16384);
	imap_set_put(&set, b->found + p->at, p->n);
	imap_conn_command(
		b->link->conn, fetched, b->link, 0,
		"UID FETCH %s (UID BODY.PEEK[HEADER.FIELDS (FROM SENDER REPLY-TO TO CC BCC)])",
		buf_cstr(&set));
	buf_fini(&set);
}

void backfill_people(struct account *a)
{
	struct backfill_people *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->kept = calloc(a->bulk.found_count, sizeof(*p->kept));
	if (!p->kept)
		abort();
	a->bulk.people = p;
	next_chunk(a);
}
