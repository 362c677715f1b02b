#include "fetcher/link.h"

#include <stdlib.h>

#include "fetcher/account.h"
#include "fetcher/budget.h"
#include "fetcher/identify.h"
#include "fetcher/imap_refusal.h"
#include "fetcher/mailbox_name.h"
#include "fetcher/numbering.h"

#define FOUND_MAX 200000u

static void on_ready(void *ctx, struct imap_conn *conn)
{
	struct link *link = ctx;

	(void)conn;
	link->ready = true;
	if (link->lane == WIRE_LANE_LIVE)
		budget_login_end(link->account);
	account_login_told(link->account, link->lane, NULL);
	link->handlers->ready(link);
}

static void take_code(struct link *link, const struct imap_resp *r)
{
	uint64_t value;

	if (span_ieq(r->code, SPAN_LIT("UIDVALIDITY")) &&
	    span_to_u64(r->code_args, UINT32_MAX, &value))
		link->validity = (uint32_t)value;
	else if (span_ieq(r->code, SPAN_LIT("UIDNEXT")) &&
		 span_to_u64(r->code_args, UINT32_MAX, &value))
		link->uidnext = (uint32_t)value;
	else if (span_ieq(r->code, SPAN_LIT("HIGHESTMODSEQ")) &&
		 span_to_u64(r->code_args, UINT64_MAX, &value))
		link->modseq = value;
	else if (r->mailbox_id.n)
		mailbox_id_set(&link->mailbox_id, r->mailbox_id);
	else if (span_ieq(r->code, SPAN_LIT("NOTIFICATIONOVERFLOW")))
		link->overflow = true;
	else if (span_ieq(r->code, SPAN_LIT("CLOSED")) && link->mailbox)
		link->selected =
			link->mailbox->known; /* from here on it is about the new mailbox */
}

static void found_one(struct link *link, uint32_t uid)
{
	if (link->found_count == FOUND_MAX)
		return;
	if (link->found_count == link->found_room) {
		link->found_room = link->found_room ? 2 * link->found_room : 256;
		link->found = realloc(link->found, link->found_room * sizeof(*link->found));
		if (!link->found)
			abort();
	}
	link->found[link->found_count++] = uid;
}

static void take_found(struct link *link, struct span set)
{
	uint32_t low, high;

	while (imap_set_next(&set, &low, &high)) {
		low = low > link->search_low ? low : link->search_low;
		high = high < link->search_high ? high : link->search_high;
		for (uint64_t uid = low; uid <= high && link->found_count < FOUND_MAX; uid++)
			found_one(link, (uint32_t)uid);
	}
}

/* A body that comes later without flags has these (F20). */
static void flags_keep(struct link *link, const struct imap_resp *r)
{
	buf_clear(&link->flags);
	buf_put_span(&link->flags, r->attributes);
	link->flags_uid = buf_ok(&link->flags) ? r->uid : 0;
}

/* Flags of a message that we know, or soon will. */
static void take_flags(struct link *link, const struct imap_resp *r)
{
	struct mailbox *mailbox = link->mailbox;
	struct link_source from;
	struct buf words;
	unsigned bits;

	if (!(r->has & IMAP_HAS_UID)) {
		mailbox->dirty = mailbox->compare = true;
		return;
	}
	if ((!mailbox->known || r->uid < mailbox_low(&mailbox->cursor) ||
	     r->uid >= mailbox->cursor.next) &&
	    !link_has_arrived(link, r->uid)) {
		flags_keep(link, r);
		return;
	}
	buf_init(&words, 4096);
	bits = enter_flag_bits(r->attributes, &words);
	link_source_init(&from, link, r, SPAN_LIT(""));
	enter_flags(link->account, mailbox, r->uid, bits, buf_span(&words), &from.source);
	link_source_fini(&from);
	buf_fini(&words);
}

static void take_vanished(struct link *link, struct span set)
{
	uint32_t low, high;
	const struct mailbox_cursor *c = &link->mailbox->cursor;

	while (imap_set_next(&set, &low, &high)) {
		if (high >= c->next)
			high = c->next - 1;
		if (link->mailbox->known && c->next > 1)
			enter_gone(link->account, link->mailbox, low, high, SPAN_LIT(""));
	}
}

/* Without a date it might be. */
static bool is_in_time(const struct link *link, const struct imap_resp *r)
{
	if (!(r->has & IMAP_HAS_DATE))
		return true;
	return r->date_ms >= link->listing_since_ms &&
	       (!link->listing_until_ms || r->date_ms < link->listing_until_ms);
}

static void tell_named(struct link *link, const struct imap_resp *r)
{
	if (link->handlers->named)
		link->handlers->named(link, r);
}

static void take_fetch(struct link *link, const struct imap_resp *r)
{
	if (r->damaged) {
		link_doubt(link);
		receive_abort(link);
		return;
	}
	if (link->listing && r->has & IMAP_HAS_UID && r->body == IMAP_BODY_NONE &&
	    is_in_time(link, r))
		found_one(link, r->uid);
	if (r->body != IMAP_BODY_NONE)
		receive_end(link, r);
	else if (link->mailbox && link->selected && link_met(link, r))
		return;
	else if (r->header.p)
		tell_named(link, r);
	else if (link->mailbox && link->selected && r->has & IMAP_HAS_FLAGS)
		take_flags(link, r);
}

/* Names as they are kept, whatever way they are written on this connection. */
static void take_named(struct link *link, const struct imap_resp *r)
{
	struct imap_resp kept = *r;
	struct buf name, old;

	if (!imap_conn_utf8(link->conn)) {
		tell_named(link, r);
		return;
	}
	buf_init(&name, 4 * MAILBOX_PATH_MAX);
	buf_init(&old, 4 * MAILBOX_PATH_MAX);
	mailbox_name_from_utf8(r->name, &name);
	mailbox_name_from_utf8(r->old_name, &old);
	kept.name = buf_span(&name);
	kept.old_name = buf_span(&old);
	tell_named(link, &kept);
	buf_fini(&name);
	buf_fini(&old);
}

static void on_untagged(void *ctx, struct imap_conn *conn, const struct imap_resp *r)
{
	struct link *link = ctx;

	(void)conn;
	switch (r->kind) {
	case IMAP_UNTAGGED:
		take_code(link, r);
		break;
	case IMAP_EXISTS:
		link->exists = r->number;
		if (link->handlers->exists)
			link->handlers->exists(link);
		break;
	case IMAP_EXPUNGE:
		link->expunged = true;
		link->exists -= link->exists > 0;
		break;
	case IMAP_VANISHED:
		if (link->mailbox)
			take_vanished(link, r->set);
		break;
	case IMAP_SEARCH:
		take_found(link, r->set);
		break;
	case IMAP_FETCH:
		take_fetch(link, r);
		break;
	case IMAP_LIST:
	case IMAP_STATUS:
	case IMAP_NAMESPACE:
		take_named(link, r);
		break;
	default:
		break;
	}
}

/* ---- room in the window ---- */

static void no_room_put(struct link *link)
{
	struct fetcher *f = link->account->fetcher;
	struct link **last = &f->no_room[link->lane].last;

	if (link->no_room)
		return;
	link->no_room = true;
	link->no_room_lane = link->lane;
	link->no_room_next = NULL;
	if (*last)
		(*last)->no_room_next = link;
	else
		f->no_room[link->lane].first = link;
	*last = link;
}

static void no_room_leave(struct link *link)
{
	struct fetcher *f = link->account->fetcher;
	struct link **at = &f->no_room[link->no_room_lane].first, *before = NULL;

	if (!link->no_room)
		return;
	link->no_room = false;
	while (*at != link) {
		before = *at;
		at = &before->no_room_next;
	}
	*at = link->no_room_next;
	if (f->no_room[link->no_room_lane].last == link)
		f->no_room[link->no_room_lane].last = before;
}

void link_resume_all(struct fetcher *f)
{
	for (unsigned lane = 0; lane < WIRE_LANES; lane++) {
		struct link *link;

		while ((link = f->no_room[lane].first) != NULL) {
			imap_conn_resume(link->conn);
			if (f->no_room[lane].first == link)
				break; /* the others come after it */
		}
	}
}

static bool on_body_begin(void *ctx, struct imap_conn *conn, uint64_t bytes)
{
	struct link *link = ctx;

	(void)conn;
	if (!receive_begin(link, bytes)) {
		no_room_put(link);
		return false;
	}
	no_room_leave(link);
	return true;
}

static uint8_t *on_body_place(void *ctx, struct imap_conn *conn, uint64_t *n_out)
{
	(void)conn;
	return receive_place(ctx, n_out);
}

static void on_body_data(void *ctx, struct imap_conn *conn, struct span data)
{
	(void)conn;
	receive_data(ctx, data);
}

static void on_closed(void *ctx, struct imap_conn *conn, const struct err *e)
{
	struct link *link = ctx;
	struct account *a = link->account;

	(void)conn;
	account_login_told(a, link->lane, e);
	suspects_died(link);
	link->handlers->closed(link, e);
	account_touch(a);
}

static void on_turned(void *ctx, struct imap_conn *conn)
{
	struct link *link = ctx;

	(void)conn;
	account_touch(link->account);
}

struct link *link_open(struct account *a, unsigned lane, const struct link_handlers *handlers)
{
	const struct fetcher_conf *conf = a->fetcher->conf;
	struct link *link = calloc(1, sizeof(*link));
	const struct imap_handlers imap = {
		.ctx = link,
		.silence_ms = conf->silence_ms,
		.ready = on_ready,
		.untagged = on_untagged,
		.body_begin = on_body_begin,
		.body_place = on_body_place,
		.body_data = on_body_data,
		.closed = on_closed,
		.turned = on_turned,
	};
	const struct mailconn_target target = {
		.protocol = MAILCONN_IMAP,
		.security = a->config.security,
		.host = a->config.host,
		.port = a->config.port,
		.user = a->config.login,
		.password = a->config.bearer ? span_make(NULL, 0) : a->config.password,
		.bearer = a->config.bearer ? a->config.password : span_make(NULL, 0),
		.ca_file = conf->ca_file,
		.connect_ms = conf->connect_ms,
	};

	if (!link)
		abort();
	link->account = a;
	link->lane = lane;
	link->handlers = handlers;
	buf_init(&link->flags, 4096);
	link->conn = imap_conn_open(&a->fetcher->net, &target, &imap);
	/* The live connection carries little, and there are many of it. */
	if (lane == WIRE_LANE_BULK && conf->compress)
		imap_conn_compress(link->conn, conf->compress_round_trip_ms);
	metrics_add(a->fetcher->metrics, FETCHER_CONNECTIONS, 0, 1);
	budget_opened(a);
	return link;
}

void link_free(struct link **at)
{
	struct link *link = *at;

	*at = NULL;
	if (!link)
		return;
	metrics_add(link->account->fetcher->metrics, FETCHER_CONNECTIONS, 0, -1);
	account_login_leave(link->account, link->lane);
	octets_read(link->account, imap_conn_bytes(link->conn));
	budget_closed(link->account);
	no_room_leave(link);
	receive_abort(link);
	numbering_stop(link);
	imap_conn_free(&link->conn);
	link_asks_free(link);
	buf_fini(&link->flags);
	free(link->found);
	free(link);
}

void link_rest(struct link *link)
{
	free(link->found);
	link->found = NULL;
	link->found_count = link->found_room = 0;
	if (!link->coming && !link->too_large) /* else a message is coming in */
		secret_digest_free(&link->digest);
}

static void select_answered(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
			    uint64_t arg)
{
	struct link *link = ctx;

	if (tagged->status != IMAP_OK || !numbering_doubts(link))
		link->select_done(link, conn, tagged, arg);
}

void link_select(struct link *link, struct mailbox *mailbox, bool writing, bool resync,
		 imap_done *done)
{
	const unsigned caps = imap_conn_caps(link->conn);
	const struct mailbox_cursor *c = &mailbox->cursor;
	const bool had = link->selected;
	struct buf text;

	link->mailbox = mailbox;
	/* What QRESYNC tells comes before the tagged answer; after another mailbox only behind [CLOSED]. */
	link->selected = mailbox->known && caps & IMAP_CAP_QRESYNC && !had;
	link->expunged = false;
	link->last_uid = link->flags_uid = 0;
	link->arrived.count = 0;
	link->exists = link->uidnext = link->validity = 0;
	link->modseq = 0;
	link->mailbox_id.n = 0;
	buf_init(&text, 4 * MAILBOX_PATH_MAX);
	buf_put_cstr(&text, writing ? "SELECT " : "EXAMINE ");
	if (!imap_mailbox_put(link->conn, &text, mailbox_path(mailbox)))
		buf_put_cstr(&text, "\"\"");
	if (resync && caps & IMAP_CAP_QRESYNC && c->validity && c->modseq)
		buf_printf(&text, " (QRESYNC (%u %llu))", c->validity,
			   (unsigned long long)c->modseq);
	else if (caps & IMAP_CAP_CONDSTORE)
		buf_put_cstr(&text, " (CONDSTORE)");
	link->select_done = done;
	imap_conn_command(link->conn, select_answered, link, 0, "%s", buf_cstr(&text));
	buf_fini(&text);
}

bool link_said_yes(const struct imap_resp *tagged, struct err *e)
{
	char words[240];
	int n;

	if (tagged->status == IMAP_OK)
		return true;
	if (tagged->code.n)
		n = snprintf(words, sizeof(words), "[%.*s] %.*s",
			     (int)(tagged->code.n < 32 ? tagged->code.n : 32),
			     (const char *)tagged->code.p,
			     (int)(tagged->text.n < 160 ? tagged->text.n : 160),
			     (const char *)tagged->text.p);
	else
		n = snprintf(words, sizeof(words), "%.*s",
			     (int)(tagged->text.n < 160 ? tagged->text.n : 160),
			     (const char *)tagged->text.p);
	return err_set(e, ERR_TEMP, ERR_MAILBOX,
		       imap_refusal_name(span_make(words, (size_t)n), "command_refused"),
		       "the server said: %s", words) == ERR_OK;
}
