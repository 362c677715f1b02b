#include "fetcher/live.h"

#include "common/base/clock.h"
#include "fetcher/commands.h"
#include "fetcher/mailbox_changes.h"
#include "fetcher/mailbox_list.h"
#include "fetcher/mailbox_sync.h"

#define NO_IDLE_MS 10000 /* poll where the server has no IDLE */

static void on_ready(struct link *link)
{
	struct account *a = link->account;

	a->live.list_due = true;
	if (!a->config.initial_done)
		account_state_set(a, "syncing", NULL);
	live_next(a);
}

static void on_closed(struct link *link, const struct err *e)
{
	account_fail(link->account, e);
}

static void on_named(struct link *link, const struct imap_resp *resp)
{
	mailbox_list_take(link->account, resp);
}

static void on_exists(struct link *link)
{
	struct account *a = link->account;

	if (!a->live.idling)
		return;
	a->live.new_mail = true;
	live_wake(a);
}

void live_start(struct account *a)
{
	static const struct link_handlers handlers = {on_ready, on_closed, on_named, on_exists};

	memset(&a->live, 0, sizeof(a->live));
	a->live.polled_ms = a->live.flags_ms = clock_mono_ms();
	a->live.link = link_open(a, WIRE_LANE_LIVE, &handlers);
}

void live_stop(struct account *a)
{
	link_free(&a->live.link);
}

void live_wake(struct account *a)
{
	struct link *link = a->live.link;

	if (!link || !link->ready)
		return;
	if (a->live.idling)
		imap_conn_idle_end(link->conn);
	else
		live_next(a);
}

static void idle_done(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		      uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct err e;

	(void)conn;
	(void)arg;
	a->live.idling = false;
	if (!link_said_yes(tagged, &e)) {
		account_fail(a, &e);
		return;
	}
	if (link->expunged && !(imap_conn_caps(link->conn) & IMAP_CAP_QRESYNC))
		link->mailbox->dirty = link->mailbox->compare = true;
	live_next(a);
}

/* A folder that fails is not passed over in silence (FAULTS F31), and no longer told of than it does. */
static void tell_worst(struct account *a)
{
	struct account_live *l = &a->live;
	bool parked = false;

	for (const struct mailbox *m = a->mailboxes; m; m = m->next)
		parked = parked || (m->parked_ms && m->listed && !m->dropped);
	if (l->worst.code == ERR_OK || (parked && l->worst_state == a->state))
		return;
	if (!parked)
		err_clear(&l->worst);
	l->worst_state = a->state;
	account_state_set(a, a->state, &l->worst);
}

static void idle(struct account *a)
{
	struct link *link = a->live.link;

	a->live.synced = true;
	account_synced(a);
	tell_worst(a);
	if (!(imap_conn_caps(link->conn) & IMAP_CAP_IDLE))
		return;
	a->live.idling = true;
	a->live.idle_ms = clock_mono_ms();
	imap_conn_idle(link->conn, idle_done, link);
}

static struct mailbox *inbox_of(struct account *a)
{
	struct mailbox *first = NULL;

	for (struct mailbox *m = a->mailboxes; m; m = m->next) {
		if (m->dropped || !m->chosen || !m->listed)
			continue;
		if (mailbox_is(m, "inbox"))
			return m;
		first = first ? first : m;
	}
	return first;
}

/* The inbox first, then the others. */
static struct mailbox *next_dirty(struct account *a, const struct mailbox *inbox)
{
	const int64_t now_ms = clock_mono_ms();
	struct mailbox *found = NULL;

	for (struct mailbox *m = a->mailboxes; m; m = m->next) {
		if (m->dropped || !m->chosen || !m->listed || !m->dirty || m->parked_ms > now_ms)
			continue;
		if (m == inbox)
			return m;
		found = found ? found : m;
	}
	return found;
}

void live_next(struct account *a)
{
	struct link *link = a->live.link;
	struct mailbox *inbox, *dirty;

	if (!link || !link->ready || a->live.idling || a->commanding ||
	    imap_conn_outstanding(link->conn) > 0)
		return;
	inbox = inbox_of(a);
	dirty = next_dirty(a, inbox);
	if (a->live.list_due) {
		mailbox_list_begin(a);
	} else if (a->live.new_mail && link->mailbox && link->selected) {
		a->live.new_mail = false;
		mailbox_fetch_new(a);
	} else if (commands_due(a)) {
		commands_run(a);
	} else if (dirty) {
		mailbox_visit(a, dirty);
	} else if (a->live.poll_due) {
		mailbox_poll_begin(a);
	} else if (inbox && link->mailbox != inbox && inbox->parked_ms <= clock_mono_ms()) {
		mailbox_visit(a, inbox);
	} else {
		idle(a);
	}
}

/* What a server counted and did not show yet. */
static void look_again(struct account *a, int64_t now_ms)
{
	for (struct mailbox *m = a->mailboxes; m; m = m->next)
		if (m->look_ms && m->look_ms <= now_ms) {
			m->look_ms = 0;
			m->dirty = true;
		}
}

static void tick_poll(struct account *a, int64_t now_ms)
{
	const struct fetcher_conf *conf = a->fetcher->conf;
	const bool has_idle = imap_conn_caps(a->live.link->conn) & IMAP_CAP_IDLE;
	const int64_t every_ms = has_idle || conf->poll_ms < NO_IDLE_MS ? conf->poll_ms
									: NO_IDLE_MS;

	if (now_ms - a->live.polled_ms >= every_ms) {
		a->live.polled_ms = now_ms;
		a->live.poll_due = true;
		look_again(a, now_ms);
		live_wake(a);
	} else if (a->live.idling && now_ms - a->live.idle_ms >= conf->idle_ms) {
		live_wake(a);
	} else if (commands_due(a) && !a->commanding) {
		live_wake(a);
	}
}

void live_tick(struct account *a, int64_t now_ms)
{
	struct link *link = a->live.link;

	if (!link)
		return;
	octets_read(a, imap_conn_bytes(link->conn));
	if (link->ready)
		tick_poll(a, now_ms);
	if (a->live.link)
		imap_conn_tick(a->live.link->conn, now_ms);
}
