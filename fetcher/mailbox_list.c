#include "fetcher/mailbox_list.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/labels.h"
#include "fetcher/live.h"
#include "fetcher/mailbox_ids.h"
#include "fetcher/mailbox_name.h"
#include "fetcher/numbering.h"

#define FLAGS_MS 900000
#define INBOX_FLAGS_MS 60000
#define RESYNC_FLAGS 50000u /* of larger mailboxes only what changed since is told */
#define LIST_MS 600000 /* without LIST-STATUS: polls between two lists take this long together */

static bool same_path(struct span a, struct span b)
{
	return span_eq(a, b) || (span_ieq(a, SPAN_LIT("INBOX")) && span_ieq(b, SPAN_LIT("INBOX")));
}

struct mailbox *mailbox_find(struct account *a, struct span path)
{
	struct mailbox *m = a->mailboxes;

	while (m && (m->dropped || m->cursor.retired || !same_path(mailbox_path(m), path)))
		m = m->next;
	return m;
}

struct mailbox *mailbox_add(struct account *a, struct span path, int delimiter)
{
	struct mailbox *m;

	if (a->last_number >= MAILBOX_COUNT_MAX)
		return NULL;
	m = mailbox_new(path, delimiter);
	if (!m)
		return NULL;
	m->number = ++a->last_number;
	m->next = a->mailboxes;
	a->mailboxes = m;
	return m;
}

static bool is_named(struct span path, struct span text)
{
	return same_path(text, path) || mailbox_name_is(path, text);
}

/* Without a choice, one's own alone; a choice may leave out the prefix of one's own ("INBOX."). */
static bool wanted(const struct account *a, const struct mailbox *m)
{
	const struct mailbox_spaces *spaces = &a->live.spaces;
	const struct span path = mailbox_path(m);
	const bool own = mailbox_space_is_own(spaces, path);

	if (!a->config.folders)
		return own && !mailbox_is(m, "trash") && !mailbox_is(m, "junk") &&
		       !mailbox_is(m, "drafts");
	for (size_t i = 0; i < a->config.folder_count; i++)
		if (is_named(path, a->config.folders[i]) ||
		    (own && is_named(mailbox_space_name(spaces, path), a->config.folders[i])))
			return true;
	return false;
}

static void take_list(struct account *a, const struct imap_resp *r)
{
	const bool renamed = r->old_name.n &&
			     mailbox_renamed(a, r->old_name, r->name, r->delimiter);
	struct mailbox *m = mailbox_find(a, r->name);
	const bool closed = imap_words_have(r->attributes, "\\Noselect") ||
			    imap_words_have(r->attributes, "\\NonExistent");

	if (imap_words_have(r->attributes, "\\NonExistent"))
		return;
	if (!m)
		m = mailbox_add(a, r->name, r->delimiter);
	if (!m)
		return;
	m->listed = true;
	mailbox_role_set(m, r->attributes,
			 !(imap_conn_caps(a->live.link->conn) & IMAP_CAP_SPECIAL_USE));
	m->chosen = !closed && wanted(a, m);
	m->dirty = m->dirty || renamed || (m->chosen && !m->known);
}

/* Not chosen: where it ends is noted, so that what enters after a choice is told from what lay there (SYN-02). */
static void note(struct account *a, struct mailbox *m, const struct imap_resp *r)
{
	struct mailbox_cursor *c = &m->cursor;
	/* NOTIFY tells only what changed. */
	const uint32_t validity = r->has & IMAP_HAS_UIDVALIDITY ? r->uidvalidity : c->validity;

	if (validity == 0 || !(r->has & IMAP_HAS_UIDNEXT))
		return;
	if (m->known && (c->validity != validity || c->next >= r->uidnext))
		return;
	if (!m->known && c->validity == validity && c->next == r->uidnext)
		return;
	if (!m->known) {
		c->validity = validity;
		c->done = c->noted = true;
		c->remote = r->messages;
	}
	c->next = r->uidnext;
	m->told = *c;
	enter_cursor(a, m);
}

static const struct mailbox *retired_of(const struct account *a, const struct mailbox *of)
{
	const struct mailbox *m = a->mailboxes;

	while (m &&
	       (m->dropped || !m->cursor.retired || !span_eq(mailbox_path(m), mailbox_path(of))))
		m = m->next;
	return m;
}

void mailbox_begin(struct account *a, struct mailbox *m, const struct mailbox_cursor *before)
{
	const struct mailbox *retired = retired_of(a, m);
	struct mailbox_cursor *c = &m->cursor;

	c->since_ms = a->config.since_ms;
	if (retired) { /* made anew: as far back as it was */
		if (retired->cursor.since_ms < c->since_ms)
			c->since_ms = retired->cursor.since_ms;
	} else if (before->done) { /* it was there, and was not chosen */
		c->done = true;
		if (before->noted && before->validity == c->validity && before->next < c->next) {
			c->next = c->back = before->next;
			m->dirty = true; /* what came since is fetched by the next visit */
		}
	} else if (a->config.initial_done) { /* what is in a new folder has just entered it */
		c->since_ms = 0;
	}
}

static void take_status(struct account *a, const struct imap_resp *r)
{
	struct mailbox *m = mailbox_find(a, r->name);
	const struct mailbox_cursor *c;

	if (m && r->mailbox_id.n)
		mailbox_id_set(&m->listed_id, r->mailbox_id);
	if (m && !m->chosen)
		note(a, m, r);
	if (!m || !m->chosen)
		return;
	c = &m->cursor;
	if (!m->known || (r->has & IMAP_HAS_UIDVALIDITY && numbering_is_other(m, r->uidvalidity)) ||
	    (r->has & IMAP_HAS_UIDNEXT && r->uidnext != c->next) ||
	    (r->has & IMAP_HAS_MESSAGES && r->messages != c->remote) ||
	    (r->has & IMAP_HAS_MODSEQ && c->modseq &&
	     r->modseq != (m->modseq_seen ? m->modseq_seen : c->modseq)))
		m->dirty = true;
}

void mailbox_list_take(struct account *a, const struct imap_resp *resp)
{
	if (resp->kind == IMAP_NAMESPACE)
		mailbox_spaces_set(&a->live.spaces, resp);
	else if (resp->kind == IMAP_LIST)
		take_list(a, resp);
	else if (resp->kind == IMAP_STATUS)
		take_status(a, resp);
}

/* The account asks for older mail than the last time: once more from the top, but only what lies before. */
static void widen(struct account *a, struct mailbox *m)
{
	struct mailbox_cursor *c = &m->cursor;

	if (!c->done || c->since_ms == 0 || a->config.since_ms >= c->since_ms)
		return;
	c->until_ms = c->since_ms;
	c->since_ms = a->config.since_ms;
	c->back = c->next;
	c->done = false;
	enter_cursor(a, m);
}

void mailbox_resync(struct account *a, struct mailbox *m)
{
	struct mailbox_cursor *c = &m->cursor;

	m->dirty = m->compare = true;
	m->failures = 0;
	if (c->modseq && c->remote <= RESYNC_FLAGS)
		c->modseq = 1; /* the server tells of everything that ever changed */
	if (c->next <= 1)
		return;
	c->until_ms = clock_wall_ms();
	c->back = c->next;
	c->done = false;
	enter_cursor(a, m);
}

/* One message, whatever labels show it: it is read from where all mail is (FAULTS F34). */
static void choose_all_mail(struct account *a)
{
	for (struct mailbox *m = a->mailboxes; labels_are_folders(a) && m; m = m->next)
		m->chosen = m->chosen && mailbox_is(m, "all");
}

/* What is no longer on the server loses its places; what is new and not wanted is at least shown. */
static void settle(struct account *a)
{
	for (struct mailbox *m = a->mailboxes; m; m = m->next) {
		if (m->dropped || m->cursor.retired)
			continue;
		if (!m->listed) {
			log_event(LOG_LEVEL_INFO, "mailbox_gone", "account", "s", a->tag, "mailbox",
				  "u", (uint64_t)m->number, NULL);
			if (m->cursor.next > 1)
				enter_gone(a, m, 1, m->cursor.next - 1, SPAN_LIT(""));
			enter_drop(a, m);
			m->dropped = true;
		} else if (!m->chosen && !m->known && !m->told.done) {
			m->cursor.done = m->told.done = true;
			enter_cursor(a, m);
		} else if (m->chosen && m->known) {
			widen(a, m);
		}
	}
}

/* What the server told of the selected mailbox in passing, where IDLE is not there to tell it. */
static void look_at_selected(struct link *link)
{
	struct mailbox *m = link->mailbox;

	if (!m || !link->selected || imap_conn_caps(link->conn) & IMAP_CAP_QRESYNC)
		return;
	m->compare = m->compare || link->expunged;
	m->dirty = m->dirty || link->expunged || link->exists != m->cursor.remote;
}

static void poll_done(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		      uint64_t arg);

/* STATUS says nothing new of the mailbox that is selected; IDLE or NOOP does. */
static void poke_selected(struct link *link)
{
	if (link->mailbox && link->selected && !(imap_conn_caps(link->conn) & IMAP_CAP_IDLE))
		imap_conn_command(link->conn, poll_done, link, 0, "NOOP");
}

static void list_done(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		      uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct err e;

	(void)conn;
	(void)arg;
	a->live.listing = false;
	if (!link_said_yes(tagged, &e)) {
		account_fail(a, &e);
		return;
	}
	mailbox_ids_settle(a);
	choose_all_mail(a);
	settle(a);
	look_at_selected(link);
	live_next(a);
}

static const char *status_items(unsigned caps)
{
	if (caps & IMAP_CAP_OBJECTID)
		return caps & IMAP_CAP_CONDSTORE
			       ? "MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ MAILBOXID"
			       : "MESSAGES UIDNEXT UIDVALIDITY MAILBOXID";
	return caps & IMAP_CAP_CONDSTORE ? "MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ"
					 : "MESSAGES UIDNEXT UIDVALIDITY";
}

void mailbox_list_begin(struct account *a)
{
	struct link *link = a->live.link;
	const unsigned caps = imap_conn_caps(link->conn);

	a->live.list_due = a->live.poll_due = false;
	a->live.listing = true;
	poke_selected(link);
	a->live.listed_ms = clock_mono_ms();
	for (struct mailbox *m = a->mailboxes; m; m = m->next) {
		m->listed = false;
		m->listed_id.n = 0;
	}
	if (caps & IMAP_CAP_LIST_STATUS)
		imap_conn_command(
			link->conn, list_done, link, 0, "LIST \"\" \"*\" RETURN (%sSTATUS (%s))",
			caps & IMAP_CAP_SPECIAL_USE ? "SPECIAL-USE " : "", status_items(caps));
	else if (caps & IMAP_CAP_SPECIAL_USE && caps & IMAP_CAP_LIST_EXTENDED)
		imap_conn_command(link->conn, list_done, link, 0,
				  "LIST \"\" \"*\" RETURN (SPECIAL-USE)");
	else
		imap_conn_command(link->conn, list_done, link, 0, "LIST \"\" \"*\"");
}

static void poll_done(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		      uint64_t arg)
{
	struct link *link = ctx;

	look_at_selected(link);
	(void)tagged; /* a mailbox that refuses STATUS is found missing by the next list */
	(void)arg;
	if (imap_conn_outstanding(conn) == 0)
		live_next(link->account);
}

static struct mailbox *poll_from(struct account *a)
{
	struct mailbox *m = a->live.poll_at ? a->live.poll_at : a->mailboxes;

	while (m && (m->dropped || !m->chosen || !m->listed))
		m = m->next;
	return m;
}

/* STATUS one by one, some at a time: a thousand mailboxes take several turns. */
static void poll_some(struct account *a)
{
	struct link *link = a->live.link;
	struct mailbox *m = poll_from(a);
	struct buf name;

	if (!a->live.poll_at)
		poke_selected(link);
	buf_init(&name, 4 * MAILBOX_PATH_MAX);
	while (m && imap_conn_outstanding(link->conn) < IMAP_COMMANDS_MAX / 2) {
		buf_clear(&name);
		if (imap_mailbox_put(link->conn, &name, mailbox_path(m)))
			imap_conn_command(link->conn, poll_done, link, 0, "STATUS %s (%s)",
					  buf_cstr(&name),
					  status_items(imap_conn_caps(link->conn)));
		a->live.poll_at = m->next;
		m = m->next ? poll_from(a) : NULL;
	}
	buf_fini(&name);
	if (!m) {
		a->live.poll_at = NULL;
		a->live.poll_due = false;
	}
	if (imap_conn_outstanding(link->conn) == 0)
		live_next(a);
}

/* Without CONDSTORE nothing tells that flags changed: look from time to time. */
static void look_at_flags(struct account *a)
{
	const unsigned caps = imap_conn_caps(a->live.link->conn);
	const int64_t now_ms = clock_mono_ms();
	const bool all = now_ms - a->live.flags_ms >= FLAGS_MS;
	const bool inbox = !(caps & IMAP_CAP_IDLE) && now_ms - a->live.inbox_ms >= INBOX_FLAGS_MS;

	if (caps & IMAP_CAP_CONDSTORE || (!all && !inbox))
		return;
	for (struct mailbox *m = a->mailboxes; m; m = m->next)
		m->dirty = m->dirty || (m->chosen && m->listed && (all || mailbox_is(m, "inbox")));
	a->live.inbox_ms = now_ms;
	if (all)
		a->live.flags_ms = now_ms;
}

void mailbox_poll_begin(struct account *a)
{
	const bool with_list = imap_conn_caps(a->live.link->conn) & IMAP_CAP_LIST_STATUS;

	look_at_flags(a);
	if (with_list || clock_mono_ms() - a->live.listed_ms >= LIST_MS)
		mailbox_list_begin(a);
	else
		poll_some(a);
}
