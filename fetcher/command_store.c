/*
 * Flags and moves at the provider (SYN-06 to SYN-08): mailbox by mailbox, all places of one in one command. What was done
 * before a connection or a fetcher died is done again without harm: a flag is set twice, a UID that has moved is no more.
 */
#include "common/base/log.h"
#include "fetcher/commands_impl.h"
#include "fetcher/link.h"
#include "fetcher/live.h"

#define SET_MAX 8192
#define LATER_TRIES \
	200u /* times that a mailbox numbered anew is waited for, a lease's renewal apart */

static struct mailbox *by_number(struct account *a, uint32_t number)
{
	struct mailbox *m = a->mailboxes;

	while (m && (m->dropped || m->number != number))
		m = m->next;
	return m;
}

static struct mailbox *with_role(struct account *a, const char *role)
{
	struct mailbox *m = a->mailboxes;

	while (m && (m->dropped || m->cursor.retired || !m->listed || !mailbox_is(m, role)))
		m = m->next;
	return m;
}

static bool is_move(const struct command *c)
{
	return strcmp(c->kind, "move") == 0;
}

/* Where archived mail lies: in a mailbox of its own, or in the one of all mail. */
static struct mailbox *archive_of(struct account *a)
{
	struct mailbox *m = with_role(a, "archive");

	return m ? m : with_role(a, "all");
}

static struct mailbox *target_of(const struct command *c)
{
	return strcmp(c->keyword, "archive") == 0 ? archive_of(c->account)
						  : with_role(c->account, c->keyword);
}

/* To the archive from the inbox alone, back from the archive alone, to the trash from everywhere. */
static bool is_meant(const struct command *c, const struct mailbox *m)
{
	if (!is_move(c))
		return true;
	if (m == target_of(c))
		return false;
	if (strcmp(c->keyword, "archive") == 0)
		return mailbox_is(m, "inbox");
	return strcmp(c->keyword, "inbox") != 0 || m == archive_of(c->account);
}

static void next_mailbox(struct command *c);

/* The UIDs are those of another numbering: once the mailbox was read anew, the messages have places there. */
static void try_later(struct command *c)
{
	if (++c->account->command_tries < LATER_TRIES)
		command_postpone(c);
	else
		command_finish(c, "numbered_anew");
}

static void leave(struct command *c)
{
	c->account->live.link->mailbox = NULL; /* selected for writing: visited anew before IDLE */
	next_mailbox(c);
}

static void stored(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	struct command *c = ctx;
	struct err e;

	(void)conn;
	(void)arg;
	if (!link_said_yes(tagged, &e))
		log_event(LOG_LEVEL_WARN, "store_refused", "account", "s", c->account->tag, "kind",
			  "s", c->kind, "error", "e", &e, NULL);
	if (is_move(c)) /* it comes in there as everything does */
		c->account->live.poll_due = c->account->live.unsettled = true;
	leave(c);
}

static void put_places(const struct command *c, const struct mailbox *m, struct buf *out)
{
	for (size_t i = 0; i < c->place_count; i++)
		if (c->places[i].mailbox == m->number)
			buf_printf(out, out->n ? ",%u" : "%u", c->places[i].uid);
}

/* Only these, so that nothing goes that somebody else has marked; without UIDPLUS they stay marked. */
static void remove_copied(struct command *c, const char *set)
{
	struct imap_conn *conn = c->account->live.link->conn;
	const bool precise = imap_conn_caps(conn) & IMAP_CAP_UIDPLUS;

	imap_conn_command(conn, precise ? NULL : stored, precise ? NULL : c, 0,
			  "UID STORE %s +FLAGS.SILENT (\\Deleted)", set);
	if (precise)
		imap_conn_command(conn, stored, c, 0, "UID EXPUNGE %s", set);
}

static void copied(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	struct command *c = ctx;
	struct buf set;
	struct err e;

	if (!link_said_yes(tagged, &e)) {
		stored(ctx, conn, tagged, arg);
		return;
	}
	buf_init(&set, SET_MAX);
	put_places(c, c->account->live.link->mailbox, &set);
	remove_copied(c, buf_cstr(&set));
	buf_fini(&set);
}

static void move(struct command *c, const char *set)
{
	struct imap_conn *conn = c->account->live.link->conn;
	const bool can = imap_conn_caps(conn) & IMAP_CAP_MOVE;
	struct buf name;

	buf_init(&name, 4 * MAILBOX_PATH_MAX);
	(void)imap_mailbox_put(conn, &name, mailbox_path(target_of(c)));
	imap_conn_command(conn, can ? stored : copied, c, 0, "UID %s %s %s", can ? "MOVE" : "COPY",
			  set, buf_cstr(&name));
	buf_fini(&name);
}

static void store(struct command *c, const char *set)
{
	const char *flag = strcmp(c->keyword, "$flagged") == 0 ? "\\Flagged" : "\\Seen";

	imap_conn_command(c->account->live.link->conn, stored, c, 0, "UID STORE %s %cFLAGS (%s)",
			  set, c->value ? '+' : '-', flag);
}

static void selected(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		     uint64_t arg)
{
	struct link *link = ctx;
	struct command *c = link->account->command;
	struct buf set;
	struct err e;

	(void)conn;
	(void)arg;
	if (!link_said_yes(tagged, &e)) {
		leave(c);
		return;
	}
	if (link->mailbox->cursor.validity != link->validity && link->validity) {
		link->mailbox->dirty = true;
		link->mailbox = NULL;
		try_later(c);
		return;
	}
	link->selected = true;
	buf_init(&set, SET_MAX);
	put_places(c, link->mailbox, &set);
	if (is_move(c))
		move(c, buf_cstr(&set));
	else
		store(c, buf_cstr(&set));
	buf_fini(&set);
}

/* The next mailbox with places that were not dealt with; NULL: none. */
static struct mailbox *undone(struct command *c)
{
	struct mailbox *m = NULL;

	for (size_t i = 0; i < c->place_count && !m; i++) {
		if (c->places[i].done)
			continue;
		m = by_number(c->account, c->places[i].mailbox);
		m = m && (m->cursor.retired || (m->listed && is_meant(c, m))) ? m : NULL;
		for (size_t k = i; k < c->place_count; k++)
			c->places[k].done = c->places[k].done ||
					    c->places[k].mailbox == c->places[i].mailbox;
	}
	return m;
}

static void next_mailbox(struct command *c)
{
	struct mailbox *m = undone(c);

	if (!m)
		command_finish(c, is_move(c) ? "moved" : "stored");
	else if (m->cursor.retired)
		try_later(c);
	else
		link_select(c->account->live.link, m, true, m->known, selected);
}

void command_store(struct command *c)
{
	if (is_move(c) && !target_of(c))
		command_finish(c, "no_mailbox");
	else
		next_mailbox(c);
}
