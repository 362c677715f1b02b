#include "fetcher/mailbox_sync.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/backfill.h"
#include "fetcher/budget.h"
#include "fetcher/labels.h"
#include "fetcher/live.h"
#include "fetcher/mailbox_retired.h"
#include "fetcher/mailbox_turn.h"

#define WINDOW_UIDS 10000u
/* Messages a FETCH: a command costs a server as much as some messages do, but what a lost connection leaves of one is
 * fetched again. So a connection begins small and grows with what it has brought. */
#define BATCH_MIN 16u
#define BATCH_MAX 512u
#define RETRY_MS 5000
#define FORGIVE_MS 300000
#define DAY_MS 86400000
#define SLOW_BATCH 4u
#define SLOW_MS 1000
#define REFUSALS_MAX 3u /* single messages refused one after the other: perhaps it is not they */

static void fetch_some(struct account *a);
static void next_window(struct account *a);
static void next_mailbox(struct account *a);

static struct mailbox *undone(const struct account *a)
{
	for (struct mailbox *m = a->mailboxes; m; m = m->next)
		if (!m->dropped && m->chosen && m->listed && m->known && !m->cursor.done &&
		    m->failures < 3 && m->cursor.full_ms <= clock_wall_ms())
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
	backfill_people_stop(a);
	drop_found(a);
	a->bulk.outstanding = 0;
	a->bulk.pausing = false;
	a->bulk.target = NULL;
	a->bulk.task = NULL;
	a->bulk.epoch++;
}

/* The bulk connection's trouble is its own, as long as the live one is well. */
static void give_up(struct account *a, const struct err *e)
{
	int64_t asked_ms;

	log_event(LOG_LEVEL_INFO, "sync_interrupted", "account", "s", a->tag, "error", "e", e,
		  NULL);
	asked_ms = budget_refused(a, WIRE_LANE_BULK, e);
	mailbox_sync_stop(a);
	a->bulk.retry_ms = clock_mono_ms() + RETRY_MS + asked_ms;
}

static void on_ready(struct link *link)
{
	link->account->bulk.refused_ms = 0;
	next_mailbox(link->account);
}

static void on_closed(struct link *link, const struct err *e)
{
	give_up(link->account, e);
}

static void on_named(struct link *link, const struct imap_resp *resp)
{
	if (resp->kind == IMAP_FETCH)
		backfill_people_take(link->account, resp);
}

/* ---- what is done ---- */
static void mailbox_complete(struct account *a)
{
	struct mailbox *m = a->bulk.target;

	m->cursor.done = true;
	m->cursor.until_ms = 0;
	enter_cursor(a, m);
	log_event(LOG_LEVEL_INFO, "mailbox_synced", "account", "s", a->tag, "mailbox", "u",
		  (uint64_t)m->number, NULL);
	next_mailbox(a);
}

static void window_done(struct account *a)
{
	struct account_bulk *b = &a->bulk;
	bool more = b->low > 1;

	drop_found(a);
	if (b->task) {
		more = backfill_window_done(a, b->task, b->low);
	} else {
		b->target->cursor.back = b->low;
		if (!more) {
			mailbox_complete(a);
			return;
		}
	}
	/* A first sync does not wait for a backfill. */
	if (more && !(b->task && undone(a)))
		next_window(a);
	else
		next_mailbox(a);
}

/* ---- batches ---- */

/* Answers may come in any order; the cursor follows only without a gap. */
static void batches_settle(struct account *a)
{
	struct account_bulk *b = &a->bulk;
	bool moved = false;

	while (b->outstanding > 0 && b->batches[b->batch_first].answered) {
		if (!b->task)
			b->target->cursor.back = b->batches[b->batch_first].low;
		b->batch_first = (b->batch_first + 1) % MAILBOX_BATCHES;
		b->outstanding--;
		moved = !b->task;
	}
	if (moved)
		enter_cursor(a, b->target);
}

static void ask(struct account *a, unsigned slot);

/* False: the work was broken off. */
static bool single_refused(struct account *a, unsigned slot, const struct imap_resp *tagged,
			   const struct err *e)
{
	struct account_bulk *b = &a->bulk;
	const size_t at = b->batches[slot].ask.at;

	if (++b->refusals > REFUSALS_MAX && b->target->failures < 2) {
		b->target->failures++;
		give_up(a, e);
		return false;
	}
	backfill_refused(a, b->target, b->found[at], tagged->text);
	if (b->task)
		backfill_had(a, b->task, (struct backfill_count){.done = 1, .refused = 1});
	return true;
}

static void batch_done(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		       uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct account_bulk *b = &a->bulk;
	struct backfill_batch *batch = &b->batches[arg].ask;
	const size_t asked = batch->step;
	enum backfill_step step;
	struct err e;
	const bool yes = link_said_yes(tagged, &e);

	(void)conn;
	if (!yes && backfill_is_passing(tagged)) {
		b->target->failures++;
		give_up(a, &e);
		return;
	}
	step = backfill_batch_answered(batch, yes);
	if (step == BACKFILL_REFUSED) {
		if (!single_refused(a, (unsigned)arg, tagged, &e))
			return;
		step = backfill_batch_pass(batch);
	} else if (yes) {
		b->refusals = 0;
		b->batch_size = b->batch_size < BATCH_MAX ? 2 * b->batch_size : BATCH_MAX;
		if (b->task)
			backfill_had(a, b->task, (struct backfill_count){.done = asked});
	}
	if (step == BACKFILL_ASK) {
		ask(a, (unsigned)arg);
		return;
	}
	b->batches[arg].answered = true;
	batches_settle(a);
	fetch_some(a);
}

static void ask(struct account *a, unsigned slot)
{
	struct account_bulk *b = &a->bulk;
	const struct backfill_batch *batch = &b->batches[slot].ask;
	struct buf set;

	buf_init(&set, 16384);
	imap_set_put(&set, b->found + batch->at, batch->step);
	link_fetch(b->link, buf_span(&set), batch_done, slot);
	buf_fini(&set);
}

/* Newest first: the end of what was found. A server that found us too fast gives four a second for a while (FAULTS F9). */
static void fetch_some(struct account *a)
{
	struct account_bulk *b = &a->bulk;
	const bool slow = b->slow_ms > clock_mono_ms();

	while (b->found_count > 0 && b->outstanding < MAILBOX_BATCHES) {
		const size_t most = slow ? SLOW_BATCH : b->batch_size;
		const size_t n = b->found_count < most ? b->found_count : most;
		const unsigned slot = (b->batch_first + b->outstanding) % MAILBOX_BATCHES;

		b->pausing = slow &&
			     (b->outstanding > 0 || clock_mono_ms() - b->asked_ms < SLOW_MS);
		if (b->pausing)
			return;
		b->asked_ms = clock_mono_ms();
		b->found_count -= n;
		b->batches[slot].low = b->found_count ? b->found[b->found_count] : b->low;
		b->batches[slot].answered = false;
		backfill_batch_init(&b->batches[slot].ask, b->found_count, n);
		b->outstanding++;
		ask(a, slot);
	}
	if (b->outstanding == 0)
		window_done(a);
}

/* ---- windows ---- */

void mailbox_sync_known(struct account *a, uint32_t *uids, size_t count)
{
	struct account_bulk *b = &a->bulk;

	backfill_had(a, b->task,
		     (struct backfill_count){.done = b->found_count - count,
					     .unknown = b->found_count - count});
	free(b->found);
	b->found = uids;
	b->found_count = count;
	a->total += count;
	fetch_some(a);
}

void mailbox_sync_filtered(struct account *a, uint64_t epoch, const uint32_t *uids, size_t count)
{
	struct account_bulk *b = &a->bulk;

	if (epoch != b->epoch || !b->link || count > b->found_count)
		return;
	if (count)
		memcpy(b->found, uids, count * sizeof(*uids));
	b->found_count = count;
	if (b->task) {
		backfill_had(a, b->task, (struct backfill_count){.done = b->searched - count});
		if (b->task->known_people && count > 0) {
			backfill_people(a);
			return;
		}
		a->total += count;
	} else {
		a->total += b->searched;
		a->done += b->searched - count;
	}
	fetch_some(a);
}

static void window_found(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
			 uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct account_bulk *b = &a->bulk;
	struct err e;

	(void)conn;
	(void)arg;
	if (!link_said_yes(tagged, &e)) {
		b->target->failures++;
		give_up(a, &e);
		return;
	}
	if (b->low == 0)
		b->low = link->found_count < WINDOW_UIDS ? 1 : link->found[0];
	drop_found(a);
	b->found = link->found;
	b->found_count = b->searched = link->found_count;
	link->found = NULL;
	link->found_count = link->found_room = 0;
	if (b->task && b->task->phase == BACKFILL_COUNTING) {
		if (backfill_counted(a, b->task, b->low, b->searched))
			next_window(a);
		else
			next_mailbox(a);
	} else if (b->searched > 0 && (b->task || b->begun_before)) {
		b->begun_before = b->target->cursor.until_ms != 0; /* else only the first window */
		backfill_missing(a, b->target, b->found, b->searched, b->task || b->begun_before,
				 b->epoch);
	} else {
		a->total += b->searched;
		fetch_some(a);
	}
}

static void next_window(struct account *a)
{
	struct account_bulk *b = &a->bulk;
	const struct mailbox_cursor *c = &b->target->cursor;
	const int64_t since_ms = b->task ? b->task->since_ms : c->since_ms;
	const int64_t until_ms = b->task ? b->task->until_ms : c->until_ms;
	const uint32_t high = (b->task ? b->task->back : c->back) - 1;
	const bool parts = imap_conn_caps(b->link->conn) & IMAP_CAP_PARTIAL;

	struct buf criteria;

	/* 0: told by what is found. */
	b->low = parts ? 0 : high > WINDOW_UIDS ? high - WINDOW_UIDS + 1 : 1;
	buf_init(&criteria, 128);
	if (since_ms > 0) {
		buf_put_cstr(&criteria, " SINCE ");
		imap_date_put(&criteria, since_ms);
	}
	if (until_ms > 0) { /* a day more: dates have no time of day and no zone */
		buf_put_cstr(&criteria, " BEFORE ");
		imap_date_put(&criteria, until_ms + 2 * DAY_MS);
	}
	if (labels_leave_drafts(a, b->target))
		buf_put_cstr(&criteria, " UNDRAFT");
	if (parts)
		link_search_last(b->link, high, WINDOW_UIDS, buf_span(&criteria), window_found);
	else
		link_search_dated(b->link, b->low, high, buf_span(&criteria), since_ms,
				  until_ms > 0 ? until_ms + 2 * DAY_MS : 0, window_found);
	buf_fini(&criteria);
}

/* The mailbox selected is not the one meant any more. */
static bool is_another(const struct account *a)
{
	const struct account_bulk *b = &a->bulk;
	const uint32_t validity = b->task ? b->task->validity : b->target->cursor.validity;

	return (b->link->validity && b->link->validity != validity) ||
	       mailbox_id_other(&b->target->id, &b->link->mailbox_id);
}

static void begin_target(struct account *a)
{
	struct account_bulk *b = &a->bulk;
	const struct mailbox_cursor *c = &b->target->cursor;

	b->begun_before = c->back != c->next || c->until_ms;
	if (is_another(a)) {
		b->target->dirty = true; /* the live connection numbers it anew */
		b->target->failures = 3;
		live_wake(a);
		next_mailbox(a);
	} else if (b->task) {
		next_window(a);
	} else if (c->back <= 1 || b->link->exists == 0) {
		mailbox_complete(a);
	} else {
		next_window(a);
	}
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
	begin_target(a);
}

static void next_mailbox(struct account *a)
{
	struct account_bulk *b = &a->bulk;
	struct mailbox *m = undone(a);

	b->task = m ? NULL : backfill_next(a, &m);
	if (!m) {
		mailbox_sync_stop(a);
		return;
	}
	b->target = m;
	link_select(b->link, m, false, false, selected);
}

void mailbox_sync_wake(struct account *a)
{
	static const struct link_handlers handlers = {on_ready, on_closed, on_named, NULL};

	if (a->bulk.link || !mailbox_sync_wanted(a) || clock_mono_ms() < a->bulk.retry_ms ||
	    !account_bulk_may_log_in(a))
		return;
	a->bulk.batch_size = BATCH_MIN;
	a->bulk.refusals = 0;
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
		if (!m->dropped && m->chosen && m->listed && !m->parked_ms &&
		    (!m->known || !m->cursor.done))
			return;
	if (a->live.link && a->live.synced && !in_flight(a))
		account_initial_done(a);
}

/* What a server refused three times is asked for again after a while. */
static void forgive(struct account *a, int64_t now_ms)
{
	a->bulk.forgiven_ms = now_ms;
	for (struct mailbox *m = a->mailboxes; m; m = m->next)
		m->failures = 0;
}

bool mailbox_sync_at_rest(const struct account *a)
{
	return !a->bulk.link && a->entries.count == 0 && !a->entries.running && !in_flight(a);
}

/* All else follows from what happens. */
int64_t mailbox_sync_due_ms(const struct account *a)
{
	const struct account_bulk *b = &a->bulk;
	const int64_t due_ms =
		account_turn_first(backfill_due_ms(a), b->turn_ms ? b->turn_ms : INT64_MAX);

	if (b->link && b->pausing)
		return account_turn_first(due_ms, b->asked_ms + SLOW_MS);
	if (b->link)
		return account_turn_first(due_ms, imap_conn_due_ms(b->link->conn));
	return account_turn_first(
		due_ms, b->retry_ms > a->turn.last_ms ? b->retry_ms : b->forgiven_ms + FORGIVE_MS);
}

bool mailbox_sync_wanted(struct account *a)
{
	struct mailbox *m;

	return undone(a) || backfill_next(a, &m);
}

void mailbox_sync_tick(struct account *a, int64_t now_ms)
{
	backfill_tick(a, now_ms);
	if (a->bulk.turn_ms)
		mailbox_turn_tick(a, now_ms);
	if (a->phase != ACCOUNT_RUNNING)
		return;
	if (a->bulk.link) {
		octets_read(a, imap_conn_bytes(a->bulk.link->conn));
		if (a->bulk.pausing)
			fetch_some(a);
		imap_conn_tick(a->bulk.link->conn, now_ms);
		return;
	}
	if (now_ms - a->bulk.forgiven_ms >= FORGIVE_MS)
		forgive(a, now_ms);
	mailbox_retired_sweep(a);
	if ((a->live.link && a->live.link->ready) || now_ms < a->bulk.turn_ms)
		mailbox_sync_wake(a);
	tell_completion(a);
}
