#include "fetcher/identify.h"

#include <stdlib.h>

#include "fetcher/account.h"
#include "fetcher/labels.h"

#define CALL_MAX 256u /* ids a call */
#define HOST_BYTES 4
#define NAME_BYTES_MAX 512u

const char *identify_items(const struct link *link)
{
	const unsigned caps = imap_conn_caps(link->conn);

	return caps & IMAP_CAP_GMAIL	  ? " X-GM-MSGID X-GM-LABELS"
	       : caps & IMAP_CAP_OBJECTID ? " EMAILID"
					  : "";
}

/* A message's name: kind, host, the server's id. */
static void put_name(struct buf *out, const struct link *link, struct span email_id)
{
	const bool gmail = imap_conn_caps(link->conn) & IMAP_CAP_GMAIL;
	struct secret_digest *digest = secret_digest_new();
	uint8_t hash[32];

	secret_digest_add(digest, span_cstr(link->account->config.host));
	secret_digest_end(digest, hash);
	secret_digest_free(&digest);
	buf_put_byte(out, gmail ? 'g' : 'e');
	buf_put(out, hash, HOST_BYTES);
	buf_put_span(out, email_id);
}

void link_source_init(struct link_source *s, struct link *link, const struct imap_resp *fetch,
		      struct span raw)
{
	struct label_facts facts;

	memset(s, 0, sizeof(*s));
	buf_init(&s->name, NAME_BYTES_MAX);
	buf_init(&s->labels, LABELS_BYTES_MAX);
	labels_take(link->account, fetch, &s->labels, &facts);
	s->place = facts.place;
	s->source.labels = buf_span(&s->labels);
	if (fetch->email_id.n == 0)
		return;
	put_name(&s->name, link, fetch->email_id);
	s->source.name = buf_span(&s->name);
	s->source.size = fetch->has & IMAP_HAS_SIZE ? (uint32_t)fetch->size : (uint32_t)raw.n;
	s->source.check = message_check(raw);
}

void link_source_fini(struct link_source *s)
{
	buf_fini(&s->name);
	buf_fini(&s->labels);
}

/* ---- what was met ---- */

static struct identify_met *item_new(struct identify_list *list)
{
	struct identify_met *more;

	if (!list->arena)
		list->arena = arena_new(0);
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 16;
		more = arena_array(list->arena, list->room, sizeof(*more));
		if (list->count)
			memcpy(more, list->items, list->count * sizeof(*more));
		list->items = more;
	}
	return &list->items[list->count++];
}

void identify_add(struct identify_list *list, struct link *link, const struct imap_resp *fetch)
{
	struct identify_met *met;
	struct buf words, labels, name;
	struct label_facts facts;

	if (list->count == IDENTIFY_MAX) {
		list->more = true;
		return;
	}
	met = item_new(list);
	memset(met, 0, sizeof(*met));
	buf_init(&words, 4096);
	buf_init(&labels, LABELS_BYTES_MAX);
	buf_init(&name, NAME_BYTES_MAX);
	met->uid = fetch->uid;
	met->size = (uint32_t)fetch->size;
	met->flags = enter_flag_bits(fetch->attributes, &words);
	met->words = arena_span(list->arena, buf_span(&words));
	put_name(&name, link, fetch->email_id);
	met->name = arena_span(list->arena, buf_span(&name));
	labels_take(link->account, fetch, &labels, &facts);
	met->labels = arena_span(list->arena, buf_span(&labels));
	met->draft = facts.draft || met->flags & ENTER_FLAG_DRAFT;
	buf_fini(&words);
	buf_fini(&labels);
	buf_fini(&name);
}

void identify_clear(struct identify_list *list)
{
	arena_free(&list->arena);
	memset(list, 0, sizeof(*list));
}

static int compare(const void *a, const void *b)
{
	const uint32_t x = ((const struct identify_met *)a)->uid,
		       y = ((const struct identify_met *)b)->uid;

	return (x > y) - (x < y);
}

/* ---- what Redis knows ---- */

struct identify_job {
	struct committer_job job;
	struct account *account;
	struct identify_list *list; /* NULL: nobody waits any more */
	void (*done)(void *ctx);
	void *ctx;
	struct span tag, generation;
	struct span *names, *values;
	size_t count;
};

static enum err_code ask(struct identify_job *j, const struct committer_env *env, size_t from,
			 size_t n)
{
	struct span args[1 + CALL_MAX] = {j->generation};
	struct store_reply reply;
	enum err_code code;

	for (size_t i = 0; i < n; i++)
		args[1 + i] = j->names[from + i];
	code = store_fcall(env->store, "fetcher_1_identify", &j->tag, 1, args, 1 + n, j->job.arena,
			   &reply, &j->job.err);
	if (code == ERR_OK)
		code = account_answer(&reply, &j->job.err);
	if (code != ERR_OK)
		return code;
	for (size_t i = 0; reply.count > 1 && i < reply.items[1].count && i < n; i++)
		j->values[from + i] = reply.items[1].items[i].string;
	return ERR_OK;
}

static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct identify_job *j = (struct identify_job *)job;
	enum err_code code = ERR_OK;

	for (size_t at = 0; at < j->count && code == ERR_OK; at += CALL_MAX)
		code = ask(j, env, at, j->count - at < CALL_MAX ? j->count - at : CALL_MAX);
	return code;
}

static uint32_t u32_of(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* id ‖ size ‖ check */
static void take(struct identify_met *met, struct span value)
{
	if (value.n != ID_BYTES + 8)
		return;
	memcpy(met->id.b, value.p, ID_BYTES);
	met->check = u32_of(value.p + ID_BYTES + 4);
	met->answer = u32_of(value.p + ID_BYTES) == met->size ? IDENTIFY_SAME : IDENTIFY_REWRITTEN;
}

static void done(struct committer_job *job)
{
	struct identify_job *j = (struct identify_job *)job;
	struct account *a = j->account;
	struct err e = job->err;
	const bool wanted = j->list != NULL;
	void (*const tell)(void *ctx) = j->done;
	void *const ctx = j->ctx;

	for (size_t i = 0; wanted && job->code == ERR_OK && i < j->count; i++)
		take(&j->list->items[i], j->values[i]);
	if (wanted && job->code != ERR_OK)
		account_fail(a, &e); /* forgets the job: there is no link any more */
	else if (wanted)
		tell(ctx);
	fetcher_job_free(j);
	account_job_done(a);
}

struct identify_job *identify_start(struct account *a, struct identify_list *list,
				    void (*tell)(void *ctx), void *ctx)
{
	struct identify_job *j = fetcher_job_new(sizeof(*j), run, done);
	struct arena *arena = j->job.arena;

	qsort(list->items, list->count, sizeof(*list->items), compare);
	j->account = a;
	j->list = list;
	j->done = tell;
	j->ctx = ctx;
	j->tag = arena_span(arena, span_cstr(a->tag));
	j->generation = arena_span(arena, span_cstr(a->generation));
	j->count = list->count;
	j->names = arena_array(arena, j->count, sizeof(*j->names));
	j->values = arena_array(arena, j->count, sizeof(*j->values));
	for (size_t i = 0; i < j->count; i++) {
		j->names[i] = arena_span(arena, list->items[i].name);
		j->values[i] = SPAN_LIT("");
	}
	account_job_give(a, &j->job);
	return j;
}

void identify_forget(struct identify_job *job)
{
	if (job)
		job->list = NULL;
}
