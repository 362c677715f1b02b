#include "fetcher/coverage.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/budget.h"
#include "fetcher/coverage_impl.h"

#define REST_MS 30000 /* after an account was opened */
#define LOOK_MS 1000
#define RETRY_MS 60000
#define RETRY_ASKED_MS 2000
#define RETRY_LONG_MS 3600000
#define TRIES 3
#define AT_ONCE 4 /* connections of one process for what nobody asked for */

struct coverage *coverage_open(struct account *a)
{
	if (!a->coverage) {
		a->coverage = calloc(1, sizeof(*a->coverage));
		if (!a->coverage)
			abort();
		coverage_load(a);
	}
	return a->coverage;
}

int64_t coverage_again_ms(const struct account *a)
{
	return a->fetcher->conf->coverage_ms;
}

struct coverage_box *coverage_box(struct coverage *c, uint32_t number)
{
	const size_t count = number < 16 ? 16 : number + number / 2;

	if (number >= c->box_count) {
		c->boxes = realloc(c->boxes, count * sizeof(*c->boxes));
		if (!c->boxes)
			abort();
		memset(c->boxes + c->box_count, 0, (count - c->box_count) * sizeof(*c->boxes));
		c->box_count = count;
	}
	return &c->boxes[number];
}

static bool is_provable(const struct mailbox *m)
{
	return !m->dropped && !m->cursor.retired && m->chosen && m->known && m->cursor.done;
}

/* Who asks for what cannot be proved is told so. */
static void refuse_unprovable(struct account *a)
{
	for (const struct mailbox *m = a->mailboxes; m; m = m->next) {
		struct coverage_box *box = coverage_box(a->coverage, m->number);

		if (!box->asked || m->dropped || is_provable(m))
			continue;
		box->asked = false;
		coverage_put(a, m, m->chosen ? COVERAGE_SYNCING : COVERAGE_NOT_SYNCED, NULL);
	}
}

/* What was asked for goes first. */
static struct mailbox *next_due(struct account *a, bool *asked_out)
{
	const int64_t now_ms = clock_mono_ms();
	struct mailbox *found = NULL;

	*asked_out = false;
	a->coverage->due_ms = INT64_MAX;
	for (struct mailbox *m = a->mailboxes; m && !*asked_out; m = m->next) {
		struct coverage_box *box = coverage_box(a->coverage, m->number);

		if (!is_provable(m))
			continue;
		if (box->due_ms == 0)
			box->due_ms =
				now_ms +
				(coverage_again_ms(a) < REST_MS ? coverage_again_ms(a) : REST_MS);
		a->coverage->due_ms = account_turn_first(a->coverage->due_ms, box->due_ms);
		*asked_out = box->asked;
		if (box->asked || (!found && now_ms >= box->due_ms))
			found = m;
	}
	return found;
}

/* ---- connection ---- */

/* Connections for what nobody asked for are few at a time. */
static void count_proof(struct account *a)
{
	struct coverage *c = a->coverage;
	const bool counted = c->link && !c->asked;

	if (counted && !c->counted)
		a->fetcher->proofs++;
	else if (!counted && c->counted)
		a->fetcher->proofs--;
	c->counted = counted;
}

static void disconnect(struct account *a)
{
	struct coverage *c = a->coverage;

	coverage_check_end(&c->check);
	link_free(&c->link);
	c->asked = false;
	c->due_ms = 0;
	count_proof(a);
}

/* Nobody waits for what cannot be had. */
static void refuse_all(struct account *a)
{
	struct coverage *c = a->coverage;

	for (const struct mailbox *m = a->mailboxes; m; m = m->next) {
		struct coverage_box *box = coverage_box(c, m->number);

		if (box->asked && !m->dropped)
			coverage_put(a, m, COVERAGE_REFUSED, NULL);
		box->asked = false;
	}
	while (c->searches) {
		c->searches->incomplete = true;
		coverage_found_put(a, c->searches);
		coverage_search_end(c);
	}
}

static void box_failed(struct account *a)
{
	const struct mailbox *m = a->coverage->check.mailbox;
	const struct coverage_check *check = &a->coverage->check;
	struct coverage_box *box = coverage_box(a->coverage, m->number);

	if (check->tally.missing > box->missing)
		box->missing = check->tally.missing;
	box->asked = box->asked || check->command[0];
	if (++box->failures < TRIES) {
		box->due_ms = clock_mono_ms() + RETRY_MS;
		return;
	}
	if (box->asked)
		coverage_put(a, m, COVERAGE_REFUSED, NULL);
	box->asked = false;
	box->failures = 0;
	box->due_ms = clock_mono_ms() + RETRY_LONG_MS;
}

void coverage_give_up(struct account *a, const struct err *e)
{
	struct coverage *c = a->coverage;
	const bool asked = c->asked;
	const int64_t asked_ms = budget_refused(a, WIRE_LANE_BULK, e);

	log_event(LOG_LEVEL_INFO, "coverage_interrupted", "account", "s", a->tag, "error", "e", e,
		  NULL);
	if (c->check.mailbox)
		box_failed(a);
	else if (c->searches)
		c->searches->incomplete = true; /* it goes on behind the mailbox at work */
	disconnect(a);
	coverage_measure(a);
	c->failures++;
	if (c->failures >= TRIES || e->code == ERR_AUTH)
		refuse_all(a);
	c->retry_ms = clock_mono_ms() + (e->code == ERR_AUTH ? RETRY_LONG_MS
					 : asked	     ? RETRY_ASKED_MS
							     : RETRY_MS);
	if (c->retry_ms < clock_mono_ms() + asked_ms)
		c->retry_ms = clock_mono_ms() + asked_ms;
}

static void on_ready(struct link *link)
{
	link->account->coverage->failures = 0;
	coverage_next(link->account);
}

static void on_closed(struct link *link, const struct err *e)
{
	coverage_give_up(link->account, e);
}

void coverage_next(struct account *a)
{
	struct coverage *c = a->coverage;
	struct mailbox *m;
	bool asked;

	refuse_unprovable(a);
	m = next_due(a, &asked);
	c->asked = asked || c->searches;
	count_proof(a);
	if (c->searches)
		coverage_search_next(a);
	else if (m)
		coverage_check_begin(a, m);
	else
		disconnect(a);
}

/* Connects if there is something to do. What nobody waits for makes way for first syncs. */
static void start(struct account *a, int64_t now_ms)
{
	static const struct link_handlers handlers = {on_ready, on_closed, NULL, NULL};
	struct coverage *c = a->coverage;
	struct mailbox *m;
	bool asked;

	c->looked_ms = now_ms;
	refuse_unprovable(a);
	m = next_due(a, &asked);
	asked = asked || c->searches;
	if (asked)
		c->due_ms = 0;
	if (now_ms < c->retry_ms)
		c->due_ms = c->retry_ms;
	if (now_ms < c->retry_ms || (!m && !asked) ||
	    (!asked && (a->bulk.link || a->fetcher->proofs >= AT_ONCE)))
		return;
	if (!a->bulk.link && !account_bulk_may_log_in(a))
		return; /* it is asked for: coverage_wake */
	c->asked = asked;
	c->link = link_open(a, WIRE_LANE_BULK, &handlers);
	count_proof(a);
}

static bool is_connected(const struct account *a)
{
	return a->coverage && a->coverage->link;
}

static void tick_link(struct account *a, int64_t now_ms)
{
	struct coverage *c = a->coverage;

	octets_read(a, imap_conn_bytes(c->link->conn));
	if (a->bulk.link && !c->asked) {
		disconnect(a);
		return;
	}
	imap_conn_tick(c->link->conn, now_ms);
	if (is_connected(a)) /* the tick may have ended it */
		coverage_check_tick(a, now_ms);
}

int64_t coverage_due_ms(const struct account *a)
{
	const struct coverage *c = a->coverage;
	int64_t due_ms;

	if (!c || (!c->link && (!c->loaded || !a->live.synced)))
		return INT64_MAX;
	if (!c->link)
		return c->due_ms > c->looked_ms + LOOK_MS ? c->due_ms : c->looked_ms + LOOK_MS;
	due_ms = imap_conn_due_ms(c->link->conn);
	return c->check.again_ms ? account_turn_first(due_ms, c->check.again_ms) : due_ms;
}

void coverage_tick(struct account *a, int64_t now_ms)
{
	struct coverage *c = a->coverage;

	if (!c) {
		if (a->live.link && a->live.synced)
			(void)coverage_open(a);
	} else if (c->link) {
		tick_link(a, now_ms);
	} else if (c->loaded && a->live.synced && now_ms - c->looked_ms >= LOOK_MS) {
		start(a, now_ms);
	}
}

bool coverage_wake(struct account *a)
{
	const struct coverage *c = a->coverage;

	if (!c || c->link || !c->loaded || !a->live.synced)
		return false;
	start(a, clock_mono_ms());
	return c->link != NULL;
}

void coverage_stop(struct account *a)
{
	struct coverage *c = a->coverage;

	if (!c)
		return;
	disconnect(a);
	while (c->searches)
		coverage_search_end(c);
	metrics_add(a->fetcher->metrics, FETCHER_COVERAGE_MISSING, 0, -c->missing);
	a->coverage_serial++;
	a->coverage = NULL;
	free(c->boxes);
	free(c);
}

void coverage_ask(struct account *a, uint32_t mailbox, struct span command)
{
	struct coverage *c = coverage_open(a);
	struct coverage_box *box;

	if (mailbox == 0 || mailbox > a->last_number || command.n >= COVERAGE_COMMAND_BYTES)
		return;
	box = coverage_box(c, mailbox);
	snprintf(box->command, sizeof(box->command), "%.*s", (int)command.n,
		 (const char *)command.p);
	box->asked = true;
	c->asked = c->asked || c->link;
	count_proof(a);
	c->looked_ms = c->retry_ms = c->due_ms = 0;
}
