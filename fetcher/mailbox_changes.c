#include "fetcher/mailbox_changes.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/imap_refusal.h"
#include "fetcher/live.h"
#include "fetcher/mailbox_ids.h"
#include "fetcher/mailbox_list.h"
#include "fetcher/mailbox_sync.h"
#include "fetcher/numbering.h"

#define MANY 200u /* more new messages than this are a backlog: bulk lane */
#define COMPARE_UIDS 10000u /* a window of UID SEARCH */
#define FLAGS_UIDS 1000u /* a window of FETCH FLAGS */
#define FLAGS_NEWEST 2000u /* without CONDSTORE: how far flags are looked at */
#define PARK_REFUSALS 3u /* visits refused: then it is left alone for a while (FAULTS F30) */
#define PARK_MS 60000 /* at first; twice as long each time, up to park_ms */
#define PARK_TIMES 6u
#define LATE_LOOKS 4u
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
	m->dirty = false; /* the next poll finds it again */
	a->live.link->selected = false;
	a->live.link->mailbox = NULL;
	if (mailbox_is(m, "inbox") || imap_refusal_is_general(e.name)) {
		account_fail(a, &e);
		return true;
	}
	if (++m->refusals >= PARK_REFUSALS) {
		const unsigned again = m->refusals - PARK_REFUSALS;
		const int64_t ms = (int64_t)PARK_MS << (again < PARK_TIMES ? again : PARK_TIMES);
		const int64_t most_ms = a->fetcher->conf->park_ms;

		m->parked_ms = clock_mono_ms() + (ms < most_ms ? ms : most_ms);
		a->live.worst = e;
		a->live.worst_state = NULL;
	}
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
	c->modseq = m->modseq_seen = link->modseq;
	c->remote = link->exists;
	c->done = link->exists == 0 || c->back <= 1;
	if (link->mailbox_id.n)
		m->id = link->mailbox_id;
	c->full_ms = before.full_ms;
	c->doubt_ms = before.doubt_ms;
	mailbox_begin(a, m, &before);
	m->known = true;
	enter_cursor(a, m);
}

/* UIDVALIDITY changed, or another mailbox has the name: a new number; the old one keeps its places until the new one has all of them. */
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
	m->cursor.full_ms = numbering_next_ms(a, old);
	m->cursor.doubt_ms = old->cursor.doubt_ms;
	numbering_complain(a, m, a->live.link->validity);
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
	mailbox_ids_selected(a, m, &link->mailbox_id);
	if (link->validity == 0)
		link->validity = 1; /* F2: not given; messages are known by their bytes anyway */
	if (m->known &&
	    (m->cursor.validity != link->validity || mailbox_id_other(&m->id, &link->mailbox_id))) {
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
	mailbox->look_ms = 0;
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

static bool has_come(const void *ctx, uint32_t uid)
{
	return link_has_arrived(ctx, uid);
}

/* Each look for late messages waits longer than the one before. */
static void late_settle(struct account *a, struct mailbox *m)
{
	if (m->late_count > 0 && m->looks++ < LATE_LOOKS)
		m->look_ms = clock_mono_ms() + (a->fetcher->conf->poll_ms << (2 * m->looks - 2));
	else
		m->late_count = 0;
}

static void fetched(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	uint32_t low;

	(void)conn;
	if (refused(a, tagged))
		return;
	low = a->live.target->cursor.next;
	advance(a, a->live.target);
	mailbox_late_note(a->live.target, low, a->live.target->cursor.next, has_come, link);
	late_settle(a, a->live.target);
	if (arg) {
		step_changed(a);
		return;
	}
	a->live.target->cursor.remote = link->exists;
	enter_cursor(a, a->live.target);
	live_next(a);
}

/* What is late, and what is new: `low:*` always brings the last message, so not where nothing can be new. */
static void fetch_from(struct account *a, uint64_t visiting, bool anything_new)
{
	struct link *link = a->live.link;
	const struct mailbox *m = a->live.target;
	struct buf set;

	buf_init(&set, 1024);
	imap_set_put(&set, m->late, m->late_count);
	if (anything_new)
		buf_printf(&set, set.n ? ",%u:*" : "%u:*", m->cursor.next);
	link_fetch(link, buf_span(&set), fetched, visiting);
	buf_fini(&set);
}

void mailbox_fetch_new(struct account *a)
{
	a->live.target = a->live.link->mailbox;
	fetch_from(a, 0, true);
}

static void step_new(struct account *a)
{
	struct link *link = a->live.link;
	const uint32_t next = a->live.target->cursor.next;

	const bool nothing = link->exists == 0 || (link->uidnext && link->uidnext <= next);

	if (nothing && (link->exists == 0 || a->live.target->late_count == 0)) {
		step_changed(a);
		return;
	}
	link->lane = link->uidnext > next + MANY ? WIRE_LANE_BULK : WIRE_LANE_LIVE;
	fetch_from(a, 1, !nothing);
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

static const char *label_items(unsigned caps)
{
	return caps & IMAP_CAP_GMAIL ? " X-GM-LABELS" : "";
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
	else if ((caps & IMAP_CAP_QRESYNC && !link->renamed) || link->modseq == c->modseq)
		step_compare(a); /* SELECT told it all, or there is nothing to tell */
	else
		imap_conn_command(link->conn, changed_done, link, 0,
				  "UID FETCH %u:%u (UID FLAGS%s) (CHANGEDSINCE %llu)",
				  mailbox_low(c), c->next - 1, label_items(caps),
				  (unsigned long long)c->modseq);
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
			  "UID FETCH %u:%u (UID FLAGS%s)", low, high,
			  label_items(imap_conn_caps(a->live.link->conn)));
}

/* ---- UIDs that went ---- */

static void compare_done(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
			 uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct buf set;

	(void)conn;
	(void)arg;
	if (refused(a, tagged))
		return;
	buf_init(&set, 1 << 20);
	imap_set_put(&set, link->found, link->found_count);
	enter_gone(a, a->live.target, a->live.step_low, a->live.step_high, buf_span(&set));
	buf_fini(&set);
	step_compare(a);
}

static bool must_compare(struct account *a)
{
	const struct mailbox *m = a->live.target;
	const struct link *link = a->live.link;

	if (imap_conn_caps(link->conn) & IMAP_CAP_QRESYNC && !link->renamed)
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
	a->live.step_high = high;
	link_search(link, low, high, SPAN_LIT(""), compare_done);
}

/* F4: a server may count a change before it shows it. So the cursor stays one visit behind, and there is one visit more
 * after the last that saw the number move. QRESYNC servers tell exactly. */
static void modseq_settle(struct account *a, struct mailbox *m)
{
	const struct link *link = a->live.link;
	const uint64_t before = m->modseq_seen;

	m->modseq_seen = link->modseq;
	if (imap_conn_caps(link->conn) & IMAP_CAP_QRESYNC || !before || before > link->modseq) {
		m->cursor.modseq = link->modseq;
		return;
	}
	m->cursor.modseq = before;
	if (before != link->modseq && m->look_ms == 0)
		m->look_ms = clock_mono_ms() + a->fetcher->conf->poll_ms;
}

static void finish(struct account *a)
{
	struct link *link = a->live.link;
	struct mailbox *m = a->live.target;
	struct mailbox_cursor *c = &m->cursor;

	m->compare = link->expunged = false;
	m->refusals = 0;
	m->parked_ms = 0;
	c->remote = link->exists;
	if (link->modseq)
		modseq_settle(a, m);
	if (!mailbox_cursor_eq(c, &m->told)) {
		m->told = *c;
		enter_cursor(a, m);
	}
	mailbox_sync_wake(a);
	live_next(a);
}
