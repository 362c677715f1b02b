/* One message looked for in all mailboxes of the account, chosen or not. */
#include <stdio.h>
#include <stdlib.h>

#include "fetcher/coverage_impl.h"
#include "fetcher/imap_value.h"
#include "fetcher/live.h"

#define SEARCHES_MAX 8

/* As quoted string. */
static bool put_term(struct buf *out, const char *key, struct span s)
{
	const size_t before = out->n;

	buf_put_cstr(out, key);
	if (s.n <= COVERAGE_TERM_MAX && imap_quoted_put(out, s))
		return true;
	out->n = before;
	return false;
}

/* An IMAP date is an atom of digits, letters and hyphens. */
static bool is_date(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] == '-' || (s.p[i] >= '0' && s.p[i] <= '9') ||
		      (s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= 'a' && s.p[i] <= 'z')))
			return false;
	return s.n >= 10 && s.n <= 11;
}

static bool put_criteria(struct buf *out, const struct coverage_wanted *w)
{
	if (put_term(out, " HEADER Message-ID ", w->message_id))
		return true;
	if (!is_date(w->day) || !put_term(out, " FROM ", w->from))
		return false;
	buf_printf(out, " OR ON %.*s SENTON %.*s", (int)w->day.n, (const char *)w->day.p,
		   (int)w->day.n, (const char *)w->day.p);
	return true;
}

void coverage_search_end(struct coverage *c)
{
	struct coverage_search *s = c->searches;

	c->searches = s->next;
	free(s);
}

static void search_add(struct coverage *c, struct span request, struct span criteria)
{
	struct coverage_search **at = &c->searches, *s;
	size_t count = 0;

	for (; *at && count < SEARCHES_MAX; at = &(*at)->next, count++)
		if (span_eq(span_cstr((*at)->request), request))
			return;
	if (count == SEARCHES_MAX)
		return;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	snprintf(s->request, sizeof(s->request), "%.*s", (int)request.n, (const char *)request.p);
	snprintf(s->criteria, sizeof(s->criteria), "%.*s", (int)criteria.n,
		 (const char *)criteria.p);
	*at = s;
	c->asked = c->asked || c->link;
	c->looked_ms = c->retry_ms = c->due_ms = 0;
}

void coverage_find(struct account *a, struct span request, const struct coverage_wanted *wanted)
{
	struct buf criteria;

	buf_init(&criteria, sizeof(((struct coverage_search *)NULL)->criteria));
	if (request.n > 0 && request.n < COVERAGE_COMMAND_BYTES && put_criteria(&criteria, wanted))
		search_add(coverage_open(a), request, buf_span(&criteria));
	buf_fini(&criteria);
}

static void search_done(struct account *a)
{
	struct coverage *c = a->coverage;

	coverage_found_put(a, c->searches);
	coverage_search_end(c);
	coverage_next(a);
}

static void add_hits(struct coverage_search *s, const struct link *link)
{
	const struct mailbox *m = s->mailbox;
	const struct mailbox_cursor *c = &m->cursor;

	s->mailbox_hits = s->hit_count;
	for (size_t i = 0; i < link->found_count; i++) {
		const uint32_t uid = link->found[i];

		if (s->hit_count == COVERAGE_HITS) {
			s->incomplete = true;
			return;
		}
		s->hits[s->hit_count++] = (struct coverage_hit){
			.mailbox = m->number,
			.uid = uid,
			.bits = (m->chosen ? 1u : 0u) |
				(!m->known || c->since_ms <= 0 || uid >= c->next ? 2u : 0u) |
				(!m->known || uid >= c->next || (!c->done && uid < c->back) ? 4u
											    : 0u),
		};
	}
}

static void recent(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	struct link *link = ctx;
	struct coverage_search *s = link->account->coverage->searches;
	struct err e;

	(void)conn;
	(void)arg;
	s->incomplete = s->incomplete || !link_said_yes(tagged, &e);
	for (size_t i = s->mailbox_hits; i < s->hit_count; i++)
		for (size_t k = 0; k < link->found_count; k++)
			if (link->found[k] == s->hits[i].uid)
				s->hits[i].bits |= 2u;
	coverage_next(link->account);
}

static void found(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct coverage_search *s = a->coverage->searches;
	struct buf criteria;
	struct err e;

	(void)conn;
	(void)arg;
	if (!link_said_yes(tagged, &e)) {
		s->incomplete = true;
		coverage_next(a);
		return;
	}
	add_hits(s, link);
	if (s->hit_count == s->mailbox_hits || !s->mailbox->known ||
	    s->mailbox->cursor.since_ms <= 0) {
		coverage_next(a);
		return;
	}
	buf_init(&criteria, sizeof(s->criteria) + 64);
	buf_put_cstr(&criteria, s->criteria);
	buf_put_cstr(&criteria, " SINCE ");
	imap_date_put(&criteria, s->mailbox->cursor.since_ms);
	link_search(link, 1, UINT32_MAX, buf_span(&criteria), recent);
	buf_fini(&criteria);
}

/* What cannot be opened at all (a node of the tree alone) holds no message. */
static void selected(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		     uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct coverage_search *s = a->coverage->searches;
	const struct mailbox *m = s->mailbox;
	struct err e;

	(void)conn;
	(void)arg;
	if (!link_said_yes(tagged, &e)) {
		s->incomplete = s->incomplete || m->chosen;
		coverage_next(a);
		return;
	}
	link->selected = true;
	if (m->known && link->validity && link->validity != m->cursor.validity) {
		s->incomplete = true; /* being numbered anew */
		coverage_next(a);
		return;
	}
	link_search(link, 1, UINT32_MAX, span_cstr(s->criteria), found);
}

static struct mailbox *next_mailbox(const struct account *a, uint32_t after)
{
	struct mailbox *found_one = NULL;

	for (struct mailbox *m = a->mailboxes; m; m = m->next)
		if (!m->dropped && !m->cursor.retired && m->number > after &&
		    (!found_one || m->number < found_one->number))
			found_one = m;
	return found_one;
}

void coverage_search_next(struct account *a)
{
	struct coverage_search *s = a->coverage->searches;
	struct mailbox *m = next_mailbox(a, s->after);

	if (!m || s->hit_count == COVERAGE_HITS) {
		search_done(a);
		return;
	}
	s->after = m->number;
	s->mailbox = m;
	link_select(a->coverage->link, m, false, false, selected);
}
