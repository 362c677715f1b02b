/*
 * Our own copy of a sent message, filed in the sent mailbox once. A connection or a fetcher that dies between the server's
 * taking it and our knowing leaves the command to be done again: so the server is asked for the message before it is given.
 */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/commands_impl.h"
#include "fetcher/imap_value.h"
#include "fetcher/link.h"
#include "fetcher/live.h"
#include "fetcher/mailbox_role.h"

#define TRIES 3

static void append_finish(struct command *c, const char *filing, const char *outcome)
{
	c->filing = filing;
	command_finish(c, outcome);
}

struct mailbox *command_sent_mailbox(struct account *a)
{
	struct mailbox *m = a->mailboxes;

	while (m && (m->dropped || m->cursor.retired || !m->listed || !mailbox_is(m, "sent")))
		m = m->next;
	return m;
}

/* The content of the Message-ID field as our composer wrote it, on one line. Empty: there is none. */
static struct span message_id_of(struct span raw)
{
	const struct span name = SPAN_LIT("Message-ID:");

	while (raw.n > 0 && raw.p[0] != '\r' && raw.p[0] != '\n') {
		const size_t end = span_find_byte(raw, '\n');
		const struct span line = span_sub(raw, 0, end);

		if (span_istarts(line, name))
			return span_trim(span_sub(line, name.n, line.n));
		raw = span_sub(raw, end + 1, raw.n);
	}
	return SPAN_LIT("");
}

static void appended(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		     uint64_t arg)
{
	struct command *c = ctx;
	struct account *a = c->account;
	struct err e;

	(void)conn;
	(void)arg;
	a->live.poll_due = true; /* it comes in as everything does */
	if (link_said_yes(tagged, &e)) {
		append_finish(c, "filed", "filed");
	} else if (++a->command_tries < TRIES) {
		account_fail(a, &e);
	} else {
		log_event(LOG_LEVEL_WARN, "append_refused", "account", "s", a->tag, "error", "e",
			  &e, NULL);
		append_finish(c, "failed", "refused");
	}
}

static void append_now(struct command *c, const struct mailbox *sent)
{
	struct buf text;

	buf_init(&text, 4 * MAILBOX_PATH_MAX);
	buf_put_cstr(&text, "APPEND ");
	(void)imap_mailbox_put(c->account->live.link->conn, &text, mailbox_path(sent));
	buf_put_cstr(&text, " (\\Seen)");
	imap_conn_append(c->account->live.link->conn, appended, c, 0, buf_span(&text),
			 buf_span(&c->raw));
	buf_fini(&text);
}

/* A server that does not search is no reason to leave a sent message unfiled. */
static void searched(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		     uint64_t arg)
{
	struct link *link = ctx;
	struct command *c = link->account->command;
	const struct mailbox *sent = link->mailbox;
	struct err e;

	(void)conn;
	(void)arg;
	link->mailbox = NULL; /* visited anew before IDLE */
	if (link_said_yes(tagged, &e) && link->found_count > 0)
		append_finish(c, "filed", "already_there");
	else
		append_now(c, sent);
}

static void selected(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		     uint64_t arg)
{
	struct link *link = ctx;
	struct command *c = link->account->command;
	const struct mailbox *sent = link->mailbox;
	struct buf criteria;
	struct err e;

	(void)conn;
	(void)arg;
	if (!link_said_yes(tagged, &e)) {
		link->mailbox = NULL;
		append_now(c, sent);
		return;
	}
	link->selected = true;
	buf_init(&criteria, 2048);
	buf_put_cstr(&criteria, " HEADER Message-ID ");
	if (link->exists > 0 && imap_quoted_put(&criteria, message_id_of(buf_span(&c->raw)))) {
		link_search(link, 1, UINT32_MAX, buf_span(&criteria), searched);
	} else {
		link->mailbox = NULL;
		append_now(c, sent);
	}
	buf_fini(&criteria);
}

void command_append(struct command *c)
{
	struct account *a = c->account;
	struct mailbox *sent = command_sent_mailbox(a);

	if (c->filed)
		append_finish(c, "filed", "already_there");
	else if (!sent || c->raw.n == 0)
		append_finish(c, "failed", !sent ? "no_sent_mailbox" : "no_message");
	else
		link_select(a->live.link, sent, false, sent->known, selected);
}
