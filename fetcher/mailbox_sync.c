#include "fetcher/mailbox_sync.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"

#define WINDOW_UIDS 10000u
/* Messages a FETCH: a command costs a server as much as some messages do, but what a lost connection leaves of one is
 * fetched again. So a connection begins small and grows with what it has brought. */
#define BATCH_MIN 16u
#define BATCH_MAX 512u
#define RETRY_MS 5000
#define FORGIVE_MS 300000
#define DAY_MS 86400000

static void next_window(struct account *a);
static void next_mailbox(struct account *a);

static struct mailbox *undone(struct account *a)
{
	for (struct mailbox *m = a->mailboxes; m; m = m->next)
		if (!m->dropped && m->chosen && m->listed && m->known && !m->cursor.done &&
		    m->failures < 3)
			return m;
	return NULL;
}

static void drop_found(struct account *a)
{
	free(a->bulk.found);
	a->bulk.found = NULL;
	a->bulk.found_count = 0;
}

void mailbox_sync_stop(struct account *a)
{
	link_free(&a->bulk.link);
	drop_found(a);
	a->bulk.outstanding = 0;
	a->bulk.target = NULL;
}

/* The bulk connection's trouble is its own, as long as the live one is well. */
static void give_up(struct account *a, const struct err *e)
{
	log_event(LOG_LEVEL_INFO, "sync_interrupted", "account", "s", a->tag, "error", "e", e,
		  NULL);
	mailbox_sync_stop(a);
	a->bulk.retry_ms = clock_mono_ms() + RETRY_MS;
	if (e->code == ERR_AUTH)
		account_fail(a, e);
}

static void on_ready(struct link *link)
{
	next_mailbox(link->account);
}

static void on_closed(struct link *link, const struct err *e)
{
	give_up(link->account, e);
}

static void on_named(struct link *link, const struct imap_resp *resp)
{
	(void)link;
	(void)resp;
}

static void on_exists(struct link *link)
{
	(void)link;
}

/* ---- batches ---- */

/* The retired number of a mailbox that is complete again gives up its places. */
static void sweep_retired(struct account *a, const struct mailbox *complete)
{
	for (struct mailbox *m = a->mailboxes; m; m = m->next) {
		if (m->dropped || !m->cursor.retired ||
		    !span_eq(mailbox_path(m), mailbox_path(complete)))
			continue;
		if (m->cursor.next > 1)
			enter_gone(a, m, 1, m->cursor.next - 1, SPAN_LIT(""));
		enter_drop(a, m);
		m->dropped = true;
	}
}

static void mailbox_complete(struct account *a)
{
	struct mailbox *m = a->bulk.target;

	m->cursor.done = true;
	enter_cursor(a, m);
	sweep_retired(a, m);
	log_event(LOG_LEVEL_INFO, "mailbox_synced", "account", "s", a->tag, "mailbox", "u",
		  (uint64_t)m->number, NULL);
	next_mailbox(a);
}

static void fetch_some(struct account *a);

/* Answers may come in any order; the cursor follows only without a gap. */
static void batches_settle(struct account *a)
{
	struct account_bulk *b = &a->bulk;
	bool moved = false;

	while (b->outstanding > 0 && b->batches[b->batch_first].answered) {
		b->target->cursor.back = b->batches[b->batch_first].low;
		b->batch_first = (b->batch_first + 1) % MAILBOX_BATCHES;
		b->outstanding--;
		moved = true;
	}
	if (moved)
		enter_cursor(a, b->target);
}

static void batch_done(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		       uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct err e;

	(void)conn;
	if (!link_said_yes(tagged, &e)) {
		a->bulk.target->failures++;
		give_up(a, &e);
		return;
	}
	a->bulk.batches[arg].answered = true;
	a->bulk.batch_size = a->bulk.batch_size < BATCH_MAX ? 2 * a->bulk.batch_size : BATCH_MAX;
	batches_settle(a);
	fetch_some(a);
}

static void fetch_batch(struct account *a, struct span set, uint32_t low)
{
	struct account_bulk *b = &a->bulk;
	const unsigned slot = (b->batch_first + b->outstanding) % MAILBOX_BATCHES;

	b->batches[slot].low = low;
	b->batches[slot].answered = false;
	b->outstanding++;
	link_fetch(b->link, set, batch_done, slot);
}

/* Newest first: the end of what was found. */
static void fetch_some(struct account *a)
{
	struct account_bulk *b = &a->bulk;
	struct buf set;

	buf_init(&set, 16384);
	while (b->found_count > 0 && b->outstanding < MAILBOX_BATCHES) {
		const size_t n = b->found_count < b->batch_size ? b->found_count : b->batch_size;

		b->found_count -= n;
		buf_clear(&set);
		imap_set_put(&set, b->found + b->found_count, n);
		fetch_batch(a, buf_span(&set), b->found_count ? b->found[b->found_count] : b->low);
	}
	buf_fini(&set);
	if (b->outstanding > 0)
		return;
	b->target->cursor.back = b->low;
	if (b->low <= 1)
		mailbox_complete(a);
	else
		next_window(a);
}

/* ---- windows ---- */

static void window_found(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
			 uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct err e;

	(void)conn;
	(void)arg;
	if (!link_said_yes(tagged, &e)) {
		a->bulk.target->failures++;
		give_up(a, &e);
		return;
	}
	drop_found(a);
	a->bulk.found = link->found;
	a->bulk.found_count = link->found_count;
	link->found = NULL;
	link->found_count = link->found_room = 0;
	a->total += a->bulk.found_count;
	fetch_some(a);
}

static void next_window(struct account *a)
{
	struct account_bulk *b = &a->bulk;
	const struct mailbox_cursor *c = &b->target->cursor;
	const uint32_t high = c->back - 1;
	struct buf criteria;

	b->low = high > WINDOW_UIDS ? high - WINDOW_UIDS + 1 : 1;
	buf_init(&criteria, 128);
	if (c->since_ms > 0) {
		buf_put_cstr(&criteria, " SINCE ");
		imap_date_put(&criteria, c->since_ms);
	}
	if (c->until_ms > 0) { /* a day more: dates have no time of day and no zone */
		buf_put_cstr(&criteria, " BEFORE ");
		imap_date_put(&criteria, c->until_ms + 2 * DAY_MS);
	}
	link_search(b->link, b->low, high, buf_span(&criteria), window_found);
	buf_fini(&criteria);
}

static void selected(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		     uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct mailbox *m = a->bulk.target;
	struct err e;

	(void)conn;
	(void)arg;
	if (!link_said_yes(tagged, &e)) {
		m->failures++;
		log_event(LOG_LEVEL_WARN, "mailbox_refused", "account", "s", a->tag, "mailbox", "u",
			  (uint64_t)m->number, "error", "e", &e, NULL);
		next_mailbox(a);
		return;
	}
	link->selected = true;
	if (link->validity && link->validity != m->cursor.validity) {
		m->dirty = true; /* the live connection numbers it anew */
		m->failures = 3;
		next_mailbox(a);
	} else if (m->cursor.back <= 1 || link->exists == 0) {
		mailbox_complete(a);
	} else {
		next_window(a);
	}
}

static void next_mailbox(struct account *a)
{
	struct mailbox *m = undone(a);

	if (!m) {
		mailbox_sync_stop(a);
		return;
	}
	a->bulk.target = m;
	link_select(a->bulk.link, m, false, false, selected);
}

void mailbox_sync_wake(struct account *a)
{
	static const struct link_handlers handlers = {on_ready, on_closed, on_named, on_exists};

	if (a->bulk.link || !undone(a) || clock_mono_ms() < a->bulk.retry_ms ||
	    !account_bulk_may_log_in(a))
		return;
	a->bulk.batch_size = BATCH_MIN;
	a->bulk.link = link_open(a, WIRE_LANE_BULK, &handlers);
}

static bool in_flight(const struct account *a)
{
	for (const struct flight *f = a->fetcher->window.first; f; f = f->next)
		if (f->owner == a && f->lane == WIRE_LANE_BULK)
			return true;
	return false;
}

/* All chosen mailboxes were visited, nothing is left to fetch, and all of it was committed. */
static void tell_completion(struct account *a)
{
	if (a->config.initial_done || a->bulk.link || a->entries.count > 0 || a->entries.running ||
	    undone(a))
		return;
	for (const struct mailbox *m = a->mailboxes; m; m = m->next)
		if (!m->dropped && m->chosen && m->listed && (!m->known || !m->cursor.done))
			return;
	if (a->live.link && a->live.synced && !in_flight(a))
		account_initial_done(a);
}

/* What a server refused three times is asked for again after a while. */
static void forgive(struct account *a, int64_t now_ms)
{
	a->bulk.forgiven_ms = now_ms;
	for (struct mailbox *m = a->mailboxes; m; m = m->next)
		if (!m->cursor.done)
			m->failures = 0;
}

void mailbox_sync_tick(struct account *a, int64_t now_ms)
{
	if (a->bulk.link) {
		metrics_add(a->fetcher->metrics, FETCHER_BYTES, 0,
			    (int64_t)imap_conn_bytes(a->bulk.link->conn));
		imap_conn_tick(a->bulk.link->conn, now_ms);
		return;
	}
	if (now_ms - a->bulk.forgiven_ms >= FORGIVE_MS)
		forgive(a, now_ms);
	if (a->live.link && a->live.link->ready)
		mailbox_sync_wake(a);
	tell_completion(a);
}
