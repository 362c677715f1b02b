#include "fetcher/live.h"

#include "common/base/clock.h"
#include "fetcher/commands.h"
#include "fetcher/mailbox_changes.h"
#include "fetcher/mailbox_list.h"
#include "fetcher/mailbox_sync.h"

#define NO_IDLE_MS 10000 /* poll where the server has no IDLE */
#define OTHERS_MAX 16u /* mailboxes that are not the user's own and watched by NOTIFY */
#define NOTIFIED_MS 600000 /* look all the same, where the server tells of changes by itself */

static struct mailbox *next_dirty(struct account *a, const struct mailbox *inbox);

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
	struct account *a = link->account;

	mailbox_list_take(a, resp);
	if (resp->kind == IMAP_LIST && !a->live.listing)
		a->live.list_due = true; /* a mailbox was made, renamed or deleted */
	/* Told by NOTIFY: go and look. */
	if (a->live.idling && (a->live.list_due || next_dirty(a, NULL)))
		live_wake(a);
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
	a->live.unsettled = true;
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
	const int64_t now_ms = clock_mono_ms();
	bool parked = false;

	for (const struct mailbox *m = a->mailboxes; m; m = m->next)
		parked = parked ||
			 (m->listed && !m->dropped && (m->parked_ms || m->unstable_ms > now_ms));
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
	link_rest(link);
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

/* Those synced that are not the user's own, as a list of NOTIFY. False if there are too many. */
static bool put_others(const struct account *a, struct buf *out)
{
	size_t count = 0;

	for (const struct mailbox *m = a->mailboxes; m; m = m->next) {
		if (m->dropped || !m->chosen || !m->listed ||
		    mailbox_space_is_own(&a->live.spaces, mailbox_path(m)))
			continue;
		buf_put_cstr(out, count++ ? " " : " (MAILBOXES (");
		if (count > OTHERS_MAX ||
		    !imap_mailbox_put(a->live.link->conn, out, mailbox_path(m)))
			return false;
	}
	if (count)
		buf_put_cstr(out, ") (MessageNew MessageExpunge FlagChange))");
	return buf_ok(out);
}

static void notify_done(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
			uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;

	(void)conn;
	(void)arg;
	a->live.notified = tagged->status == IMAP_OK;
	link->overflow = false;
	a->live.poll_due = a->live.notified; /* what changed since the last look */
	live_next(a);
}

/* RFC 5465: of the selected mailbox as ever, in IDLE; of all others by STATUS. False: the server cannot. */
static bool notify(struct account *a)
{
	const unsigned both = IMAP_CAP_NOTIFY | IMAP_CAP_IDLE;
	struct buf others;
	bool can = (imap_conn_caps(a->live.link->conn) & both) == both;

	if (!can || a->live.notify_asked)
		return false;
	a->live.notify_asked = true;
	buf_init(&others, 2 * OTHERS_MAX * MAILBOX_PATH_MAX);
	can = put_others(a, &others);
	if (can)
		imap_conn_command(a->live.link->conn, notify_done, a->live.link, 0,
				  "NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange)) "
				  "(PERSONAL (MessageNew MessageExpunge FlagChange MailboxName))%s",
				  buf_cstr(&others));
	buf_fini(&others);
	return can;
}

/* A command names messages; where they are must be known: what moved while we were away, or by the last command, first. */
static bool may_command(struct account *a)
{
	struct account_live *l = &a->live;

	if (!commands_due(a) || !l->unsettled)
		return commands_due(a);
	if (l->poll_due || next_dirty(a, NULL)) {
		l->settle_at = 0;
		return false;
	}
	if (l->settle_at == 0)
		l->settle_at = a->entries.told + 1;
	if (enter_done(&a->entries) + 1 < l->settle_at)
		return false;
	l->unsettled = false;
	l->settle_at = 0;
	return true;
}

void live_next(struct account *a)
{
	struct link *link = a->live.link;
	struct mailbox *inbox, *dirty;

	if (!link || !link->ready || a->live.idling || a->commanding || link->asks ||
	    imap_conn_outstanding(link->conn) > 0 || link->numbering)
		return;
	inbox = inbox_of(a);
	dirty = next_dirty(a, inbox);
	if (a->live.list_due) {
		mailbox_list_begin(a);
	} else if (a->live.new_mail && link->mailbox && link->selected) {
		a->live.new_mail = false;
		mailbox_fetch_new(a);
	} else if (may_command(a)) {
		commands_run(a);
	} else if (dirty) {
		a->live.strayed = a->live.strayed || dirty != inbox;
		mailbox_visit(a, dirty);
	} else if (a->live.poll_due) {
		mailbox_poll_begin(a);
	} else if (inbox && link->mailbox != inbox && inbox->parked_ms <= clock_mono_ms()) {
		mailbox_visit(a, inbox);
	} else if (a->live.strayed && a->live.notified) {
		/* While it was selected, what changed there was not told by STATUS. */
		a->live.strayed = false;
		mailbox_poll_begin(a);
	} else if (!notify(a)) {
		idle(a);
	}
}

/* What a server counted and did not show yet. True: there is something to look at. */
static bool look_again(struct account *a, int64_t now_ms)
{
	bool due = false;

	for (struct mailbox *m = a->mailboxes; m; m = m->next)
		if (m->look_ms && m->look_ms <= now_ms) {
			m->look_ms = 0;
			m->dirty = due = true;
		}
	return due;
}

static int64_t poll_every_ms(const struct account *a)
{
	const int64_t poll_ms = a->fetcher->conf->poll_ms;

	if (!(imap_conn_caps(a->live.link->conn) & IMAP_CAP_IDLE))
		return poll_ms < NO_IDLE_MS ? poll_ms : NO_IDLE_MS;
	if (a->live.notified && !a->live.link->overflow)
		return poll_ms > NOTIFIED_MS ? poll_ms : NOTIFIED_MS;
	return poll_ms;
}

static void tick_poll(struct account *a, int64_t now_ms)
{
	const struct fetcher_conf *conf = a->fetcher->conf;

	if (now_ms - a->live.polled_ms >= poll_every_ms(a)) {
		a->live.polled_ms = now_ms;
		a->live.poll_due = true;
		(void)look_again(a, now_ms);
		live_wake(a);
	} else if (a->live.notified && look_again(a, now_ms)) {
		live_wake(a);
	} else if (a->live.idling && now_ms - a->live.idle_ms >= conf->idle_ms) {
		live_wake(a);
	} else if (commands_due(a) && !a->commanding) {
		live_wake(a);
	}
}

int64_t live_due_ms(const struct account *a)
{
	const struct account_live *l = &a->live;
	int64_t due_ms;

	if (!l->link)
		return INT64_MAX;
	due_ms = imap_conn_due_ms(l->link->conn);
	if (!l->link->ready)
		return due_ms;
	due_ms = account_turn_first(due_ms, l->polled_ms + poll_every_ms(a));
	if (l->idling)
		due_ms = account_turn_first(due_ms, l->idle_ms + a->fetcher->conf->idle_ms);
	for (const struct mailbox *m = l->notified ? a->mailboxes : NULL; m; m = m->next)
		if (m->look_ms)
			due_ms = account_turn_first(due_ms, m->look_ms);
	return due_ms;
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
