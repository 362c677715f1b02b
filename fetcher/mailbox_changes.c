#include "fetcher/mailbox_changes.h"

#include "common/base/log.h"
#include "fetcher/live.h"
#include "fetcher/mailbox_list.h"
#include "fetcher/mailbox_sync.h"

#define MANY 200u /* more new messages than this are a backlog: bulk lane */
#define COMPARE_UIDS 10000u /* a window of UID SEARCH */
#define FLAGS_UIDS 1000u /* a window of FETCH FLAGS */
#define FLAGS_NEWEST 2000u /* without CONDSTORE: how far flags are looked at */
#define ENTRIES_MAX 4000u /* waiting entries: then the next window waits */

static void step_new(struct account *a);
static void step_changed(struct account *a);
static void step_flags(struct account *a);
static void step_compare(struct account *a);
static void finish(struct account *a);

/* True if the command failed; then the visit is over. */
static bool refused(struct account *a, const struct imap_resp *tagged)
{
	struct mailbox *m = a->live.target;
	struct err e;

	if (link_said_yes(tagged, &e))
		return false;
	log_event(LOG_LEVEL_WARN, "mailbox_refused", "account", "s", a->tag, "mailbox", "u",
		  (uint64_t)m->number, "error", "e", &e, NULL);
	m->failures++;
	m->dirty = false; /* the next poll finds it again */
	a->live.link->selected = false;
	a->live.link->mailbox = NULL;
	if (mailbox_is(m, "inbox"))
		account_fail(a, &e);
	else
		live_next(a);
	return true;
}

/* ---- a mailbox we have not seen, or one made anew ---- */

static void begin_cursor(struct account *a, struct mailbox *m)
{
	struct link *link = a->live.link;
	struct mailbox_cursor *c = &m->cursor;
	const struct mailbox_cursor before = *c;

	memset(c, 0, sizeof(*c));
	c->validity = link->validity;
	c->next = c->back = link->uidnext ? link->uidnext : link->last_uid + 1;
	c->modseq = link->modseq;
	c->remote = link->exists;
	c->done = link->exists == 0 || c->back <= 1;
	mailbox_begin(a, m, &before);
	m->known = true;
	enter_cursor(a, m);
}

/* UIDVALIDITY changed: a new number; the old one keeps its places until the new one has all of them. */
static struct mailbox *renumber(struct account *a, struct mailbox *old)
{
	struct mailbox *m = mailbox_add(a, mailbox_path(old), old->delimiter);

	log_event(LOG_LEVEL_WARN, "uidvalidity_changed", "account", "s", a->tag, "mailbox", "u",
		  (uint64_t)old->number, "from", "u", (uint64_t)old->cursor.validity, "to", "u",
		  (uint64_t)a->live.link->validity, NULL);
	if (!m)
		return NULL;
	memcpy(m->role, old->role, sizeof(m->role));
	m->chosen = m->listed = true;
	old->cursor.retired = true;
	old->chosen = old->dirty = false;
	enter_cursor(a, old);
	a->live.link->mailbox = a->live.target = m;
	return m;
}

static void last_uid_known(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
			   uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;

	(void)conn;
	(void)arg;
	if (refused(a, tagged))
		return;
	link->last_uid = link->found_count ? link->found[link->found_count - 1] : 0;
	begin_cursor(a, a->live.target);
	finish(a);
}

static void selected(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		     uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct mailbox *m = a->live.target;

	(void)conn;
	(void)arg;
	if (refused(a, tagged))
		return;
	link->selected = true;
	m->failures = 0;
	if (link->validity == 0)
		link->validity = 1; /* F2: not given; messages are known by their bytes anyway */
	if (m->known && m->cursor.validity != link->validity) {
		m = renumber(a, m);
		if (!m) {
			finish(a);
			return;
		}
	}
	if (m->known) {
		step_new(a);
	} else if (link->uidnext == 0 && link->exists > 0) {
		link_search(link, UINT32_MAX, UINT32_MAX, SPAN_LIT(",*"), last_uid_known); /* F5 */
	} else {
		begin_cursor(a, m);
		finish(a);
	}
}

void mailbox_visit(struct account *a, struct mailbox *mailbox)
{
	a->live.target = mailbox;
	mailbox->dirty = false;
	link_select(a->live.link, mailbox, false, mailbox->known, selected);
}

/* ---- new messages ---- */

static void advance(struct account *a, struct mailbox *m)
{
	struct link *link = a->live.link;

	if (link->uidnext > m->cursor.next)
		m->cursor.next = link->uidnext;
	if (link->last_uid >= m->cursor.next)
		m->cursor.next = link->last_uid + 1;
	link->lane = WIRE_LANE_LIVE;
}

static void fetched(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;

	(void)conn;
	if (refused(a, tagged))
		return;
	advance(a, a->live.target);
	if (arg) {
		step_changed(a);
		return;
	}
	a->live.target->cursor.remote = link->exists;
	enter_cursor(a, a->live.target);
	live_next(a);
}

static void fetch_from(struct account *a, uint64_t visiting)
{
	struct link *link = a->live.link;
	char set[32];
	int n = snprintf(set, sizeof(set), "%u:*", a->live.target->cursor.next);

	link_fetch(link, span_make(set, (size_t)n), fetched, visiting);
}

void mailbox_fetch_new(struct account *a)
{
	a->live.target = a->live.link->mailbox;
	fetch_from(a, 0);
}

static void step_new(struct account *a)
{
	struct link *link = a->live.link;
	const uint32_t next = a->live.target->cursor.next;

	if (link->exists == 0 || (link->uidnext && link->uidnext <= next)) {
		step_changed(a);
		return;
	}
	link->lane = link->uidnext > next + MANY ? WIRE_LANE_BULK : WIRE_LANE_LIVE;
	fetch_from(a, 1);
}

/* ---- flags ---- */

static void changed_done(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
			 uint64_t arg)
{
	struct link *link = ctx;

	(void)conn;
	(void)arg;
	if (!refused(link->account, tagged))
		step_compare(link->account);
}

static void step_changed(struct account *a)
{
	struct link *link = a->live.link;
	const struct mailbox_cursor *c = &a->live.target->cursor;
	const unsigned caps = imap_conn_caps(link->conn);

	a->live.step_low = c->next;
	if (mailbox_low(c) >= c->next || link->exists == 0)
		step_compare(a);
	else if (!(caps & IMAP_CAP_CONDSTORE) || link->modseq == 0 || c->modseq == 0)
		step_flags(a);
	else if (caps & IMAP_CAP_QRESYNC || link->modseq == c->modseq)
		step_compare(a); /* SELECT told it all, or there is nothing to tell */
	else
		imap_conn_command(link->conn, changed_done, link, 0,
				  "UID FETCH %u:%u (UID FLAGS) (CHANGEDSINCE %llu)", mailbox_low(c),
				  c->next - 1, (unsigned long long)c->modseq);
}

static void flags_done(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		       uint64_t arg)
{
	struct link *link = ctx;

	(void)conn;
	(void)arg;
	if (!refused(link->account, tagged))
		step_flags(link->account);
}

/* The newest, window by window downwards from step_low. */
static void step_flags(struct account *a)
{
	const struct mailbox_cursor *c = &a->live.target->cursor;
	const uint32_t high = a->live.step_low - 1;
	uint32_t low = high > FLAGS_UIDS ? high - FLAGS_UIDS + 1 : 1;

	if (low < mailbox_low(c))
		low = mailbox_low(c);
	if (a->live.step_low <= mailbox_low(c) || c->next - a->live.step_low >= FLAGS_NEWEST) {
		a->live.step_low = c->next;
		a->live.target->compare = true;
		step_compare(a);
		return;
	}
	a->live.step_low = low;
	imap_conn_command(a->live.link->conn, flags_done, a->live.link, 0,
			  "UID FETCH %u:%u (UID FLAGS)", low, high);
}

/* ---- UIDs that went ---- */

static void compare_done(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
			 uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	const uint32_t low = a->live.step_low;
	struct buf set;

	(void)conn;
	if (refused(a, tagged))
		return;
	buf_init(&set, 1 << 20);
	imap_set_put(&set, link->found, link->found_count);
	enter_gone(a, a->live.target, low, (uint32_t)arg, buf_span(&set));
	buf_fini(&set);
	step_compare(a);
}

static bool must_compare(struct account *a)
{
	const struct mailbox *m = a->live.target;
	const struct link *link = a->live.link;

	if (imap_conn_caps(link->conn) & IMAP_CAP_QRESYNC)
		return false;
	return m->compare || link->expunged || link->exists != m->cursor.remote;
}

static void step_compare(struct account *a)
{
	struct link *link = a->live.link;
	const struct mailbox_cursor *c = &a->live.target->cursor;
	const uint32_t high = a->live.step_low - 1;
	uint32_t low = high > COMPARE_UIDS ? high - COMPARE_UIDS + 1 : 1;

	if (low < mailbox_low(c))
		low = mailbox_low(c);
	if (!must_compare(a) || a->live.step_low <= mailbox_low(c)) {
		finish(a);
		return;
	}
	a->live.step_low = low;
	link->found_count = 0;
	imap_conn_command(link->conn, compare_done, link, high, "UID SEARCH%s UID %u:%u",
			  imap_conn_caps(link->conn) & IMAP_CAP_ESEARCH ? " RETURN (ALL)" : "", low,
			  high);
}

static void finish(struct account *a)
{
	struct link *link = a->live.link;
	struct mailbox *m = a->live.target;
	struct mailbox_cursor *c = &m->cursor;

	m->compare = link->expunged = false;
	c->remote = link->exists;
	if (link->modseq)
		c->modseq = link->modseq;
	if (!mailbox_cursor_eq(c, &m->told)) {
		m->told = *c;
		enter_cursor(a, m);
	}
	mailbox_sync_wake(a);
	live_next(a);
}
