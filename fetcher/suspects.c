#include "fetcher/suspects.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/wire/pack.h"
#include "fetcher/account.h"
#include "fetcher/backfill.h"

#define SAME_MAX 4u
#define ALL_MAX 32u
#define COUNT_MAX 1024u
#define FORGET_MS 3600000 /* who asks again after that means it */

void suspects_clear(struct suspects *s)
{
	free(s->items);
	memset(s, 0, sizeof(*s));
}

static struct suspect *find(struct suspects *s, uint32_t mailbox, uint32_t uid)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].mailbox == mailbox && s->items[i].uid == uid)
			return &s->items[i];
	return NULL;
}

static struct suspect *add(struct suspects *s, uint32_t mailbox, uint32_t uid)
{
	struct suspect *found = find(s, mailbox, uid);

	if (found || s->count == COUNT_MAX)
		return found;
	s->items = realloc(s->items, (s->count + 1) * sizeof(*s->items));
	if (!s->items)
		abort();
	found = &s->items[s->count++];
	*found = (struct suspect){.mailbox = mailbox, .uid = uid};
	return found;
}

static void drop(struct suspects *s, struct suspect *one)
{
	*one = s->items[--s->count];
	if (s->count == 0)
		suspects_clear(s);
}

/* "<mailbox>:<uid>" → msgpack [deaths in a row, octets, deaths at all] */
static void read_one(struct suspects *s, struct span name, struct span value)
{
	const uint8_t *colon = name.n ? memchr(name.p, ':', name.n) : NULL;
	const size_t at = colon ? (size_t)(colon - name.p) : 0;
	struct pack_reader r = pack_reader_make(value);
	const size_t n = pack_read_array(&r);
	const uint64_t same = pack_read_u64(&r), octets = pack_read_u64(&r),
		       all = pack_read_u64(&r);
	uint64_t mailbox, uid;
	struct suspect *one;

	(void)octets;
	if (!colon || n < 3 || r.bad || !span_to_u64(span_sub(name, 0, at), UINT32_MAX, &mailbox) ||
	    !span_to_u64(span_sub(name, at + 1, name.n), UINT32_MAX, &uid))
		return;
	one = add(s, (uint32_t)mailbox, (uint32_t)uid);
	if (one) {
		one->same = same;
		one->all = all;
	}
}

void suspects_read(struct suspects *s, const struct store_reply *reply)
{
	suspects_clear(s);
	for (size_t i = 0; i + 1 < reply->count; i += 2)
		read_one(s, reply->items[i].string, reply->items[i + 1].string);
}

/* ---- counting ---- */

struct suspect_job {
	struct committer_job job;
	struct account *account;
	struct span tag, args[5];
	uint32_t mailbox, uid;
	struct store_reply reply;
};

static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct suspect_job *j = (struct suspect_job *)job;
	enum err_code code = store_fcall(env->store, "fetcher_1_suspect", &j->tag, 1, j->args, 5,
					 job->arena, &j->reply, &job->err);

	return code == ERR_OK ? account_answer(&j->reply, &job->err) : code;
}

static void done(struct committer_job *job)
{
	struct suspect_job *j = (struct suspect_job *)job;
	struct account *a = j->account;
	struct suspect *one = find(&a->suspects, j->mailbox, j->uid);

	if (job->code == ERR_OK && one && j->reply.count > 2) {
		one->same = (uint64_t)j->reply.items[1].integer;
		one->all = (uint64_t)j->reply.items[2].integer;
	}
	fetcher_job_free(j);
	account_job_done(a);
}

/* octets empty: it is no suspect any more. */
static void tell(struct account *a, uint32_t mailbox, uint32_t uid, const char *octets)
{
	struct suspect_job *j = fetcher_job_new(sizeof(*j), run, done);
	struct arena *arena = j->job.arena;

	j->account = a;
	j->mailbox = mailbox;
	j->uid = uid;
	j->tag = arena_span(arena, span_cstr(a->tag));
	j->args[0] = arena_span(arena, span_cstr(a->generation));
	j->args[1] = arena_span(arena, span_cstr(a->token));
	j->args[2] = span_cstr(arena_printf(arena, "%u", mailbox));
	j->args[3] = span_cstr(arena_printf(arena, "%u", uid));
	j->args[4] = span_cstr(arena_printf(arena, "%s", octets));
	account_job_give(a, &j->job);
}

void suspects_died(struct link *link)
{
	struct account *a = link->account;
	uint32_t uid;
	char octets[24];

	if (!link->mailbox || !imap_conn_in_message(link->conn, &uid))
		return;
	if (!uid)
		uid = link_awaited(link);
	if (!uid || !a->token[0] || !add(&a->suspects, link->mailbox->number, uid))
		return;
	snprintf(octets, sizeof(octets), "%llu", (unsigned long long)link->got);
	log_event(LOG_LEVEL_WARN, "message_suspected", "account", "s", a->tag, "mailbox", "u",
		  (uint64_t)link->mailbox->number, "uid", "u", (uint64_t)uid, "octets", "u",
		  link->got, NULL);
	tell(a, link->mailbox->number, uid, octets);
}

void suspects_came(struct link *link, uint32_t uid)
{
	struct account *a = link->account;
	struct suspect *one = find(&a->suspects, link->mailbox->number, uid);

	if (!one)
		return;
	drop(&a->suspects, one);
	tell(a, link->mailbox->number, uid, "");
}

/* ---- asking ---- */

void suspects_unreadable(struct link *link, uint32_t uid)
{
	backfill_refused(link->account, link->mailbox, uid,
			 SPAN_LIT("what the server says of the message cannot be read"));
}

static void give_up(struct link *link, struct suspect *one)
{
	char words[120];
	const int n = snprintf(words, sizeof(words),
			       "the connection broke off %llu times in the midst of the message",
			       (unsigned long long)one->all);

	one->aside_ms = clock_mono_ms();
	backfill_refused(link->account, link->mailbox, one->uid, span_make(words, (size_t)n));
	tell(link->account, one->mailbox, one->uid, "");
}

static bool is_hopeless(const struct suspect *one)
{
	return one->aside_ms || one->same >= SAME_MAX || one->all >= ALL_MAX;
}

static struct suspect *first_within(struct suspects *s, uint32_t mailbox, uint32_t low,
				    uint32_t high)
{
	struct suspect *first = NULL;

	for (size_t i = 0; i < s->count; i++) {
		struct suspect *one = &s->items[i];

		if (one->mailbox == mailbox && one->uid >= low && one->uid <= high &&
		    (!first || one->uid < first->uid))
			first = one;
	}
	return first;
}

static void put_range(struct buf *out, uint32_t low, uint32_t high)
{
	if (low > high)
		return;
	if (out->n)
		buf_put_byte(out, ',');
	buf_printf(out, "%u", low);
	if (high > low)
		buf_printf(out, ":%u", high);
}

/* Puts low:high without its suspects. */
struct parting {
	struct link *link;
	struct buf *rest;
	uint32_t *alone;
	size_t max, count;
	bool any;
};

static void part_range(struct parting *p, uint32_t low, uint32_t high)
{
	struct suspects *s = &p->link->account->suspects;
	struct suspect *one;

	while (low && low <= high &&
	       (one = first_within(s, p->link->mailbox->number, low, high)) != NULL) {
		const uint32_t uid = one->uid;

		p->any = true;
		if (is_hopeless(one)) {
			if (!one->aside_ms)
				give_up(p->link, one);
		} else if (p->count < p->max) {
			p->alone[p->count++] = uid;
		} else {
			put_range(p->rest, low, uid);
			low = uid + 1;
			continue;
		}
		put_range(p->rest, low, uid - 1);
		low = uid + 1; /* 0: it was the highest number there is */
	}
	if (low)
		put_range(p->rest, low, high);
}

static void forget_old(struct suspects *s)
{
	const int64_t now_ms = clock_mono_ms();

	for (size_t i = s->count; i > 0; i--)
		if (s->items[i - 1].aside_ms && now_ms - s->items[i - 1].aside_ms > FORGET_MS)
			drop(s, &s->items[i - 1]);
}

bool suspects_part(struct link *link, struct span set, struct buf *rest_out, uint32_t *alone_out,
		   size_t max, size_t *count_out)
{
	struct parting p = {.link = link, .rest = rest_out, .alone = alone_out, .max = max};
	const bool open_end = set.n > 2 && memcmp(set.p + set.n - 2, ":*", 2) == 0;
	uint32_t low, high;

	forget_old(&link->account->suspects);
	if (open_end)
		set.n -= 2;
	while (imap_set_next(&set, &low, &high)) {
		/* With `*` the last message would come, even if it is the suspect. */
		if (open_end && set.n == 0)
			high = UINT32_MAX;
		part_range(&p, low, high);
	}
	*count_out = p.count;
	return p.any;
}
