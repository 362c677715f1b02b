/*
 * What a link asks for messages: UID FETCH, until it has an answer that can be used. A message whose line
 * could not be read, or whose body came empty, is asked for once more by itself; what then still does not come is left
 * out, and said so (FAULTS F13, F17). Where the server has ids of its own for messages, what is here already is told from
 * what is not before any body is asked for (identify.h).
 */
#include <stdlib.h>

#include "common/base/log.h"
#include "fetcher/account.h"
#include "fetcher/identify.h"
#include "fetcher/labels.h"
#include "fetcher/link_ask_impl.h"

#define AGAIN_MAX 512u /* messages of one FETCH that are asked for once more */

/* "…:*" */
static bool has_no_end(struct span set)
{
	return set.n > 2 && memcmp(set.p + set.n - 2, ":*", 2) == 0;
}

struct link_ask *link_ask_new(struct link *link, imap_done *done, uint64_t arg)
{
	struct link_ask *ask = calloc(1, sizeof(*ask));

	if (!ask)
		abort();
	ask->link = link;
	ask->done = done;
	ask->arg = arg;
	buf_init(&ask->set, 1 << 20);
	ask->next = link->asks;
	link->asks = ask;
	return ask;
}

static void ask_free(struct link_ask *ask)
{
	struct link_ask **at = &ask->link->asks;

	while (*at != ask)
		at = &(*at)->next;
	*at = ask->next;
	identify_forget(ask->identify);
	identify_clear(&ask->met);
	buf_fini(&ask->set);
	free(ask->again);
	free(ask->arrived.uids);
	free(ask);
}

void link_asks_free(struct link *link)
{
	while (link->asks)
		ask_free(link->asks);
	free(link->arrived.uids);
}

/* ---- what came ---- */

static void note(struct link_uids *list, uint32_t uid)
{
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		list->uids = realloc(list->uids, list->room * sizeof(*list->uids));
		if (!list->uids)
			abort();
	}
	list->uids[list->count++] = uid;
}

static bool has(const struct link_uids *list, uint32_t uid)
{
	for (size_t i = list->count; i > 0; i--)
		if (list->uids[i - 1] == uid)
			return true;
	return false;
}

void link_arrived(struct link *link, uint32_t uid)
{
	for (struct link_ask *ask = link->asks; ask; ask = ask->next)
		if (uid >= ask->low && uid <= ask->high) {
			note(&ask->arrived, uid);
			break;
		}
	if (link->account->suspects.count > 0)
		suspects_came(link, uid);
}

uint32_t link_awaited(const struct link *link)
{
	const struct link_ask *oldest = link->asks;
	struct span set;
	uint32_t low = 0, high;

	while (oldest && oldest->next)
		oldest = oldest->next;
	if (!oldest || oldest->alone)
		return oldest ? oldest->alone : 0;
	set = buf_span(&oldest->set);
	while (imap_set_next(&set, &low, &high))
		for (uint64_t uid = low; uid <= high; uid++)
			if (!has(&oldest->arrived, (uint32_t)uid))
				return (uint32_t)uid;
	if (!has_no_end(buf_span(&oldest->set)))
		return 0;
	return link->last_uid >= low ? link->last_uid + 1 : low;
}

bool link_has_arrived(const struct link *link, uint32_t uid)
{
	for (const struct link_ask *ask = link->asks; ask; ask = ask->next)
		if (has(&ask->arrived, uid))
			return true;
	return has(&link->arrived, uid);
}

void link_doubt(struct link *link)
{
	for (struct link_ask *ask = link->asks; ask; ask = ask->next)
		ask->doubtful = ask->spoilt = true;
}

bool link_asks_again(const struct link *link, uint32_t uid)
{
	for (const struct link_ask *ask = link->asks; ask; ask = ask->next)
		if (ask->alone == uid && uid)
			return true;
	return false;
}

/* ---- messages ---- */

static void command(struct link *link, imap_done *done, struct link_ask *ask, struct span set)
{
	imap_conn_command(link->conn, done, ask, 0,
			  "UID FETCH %.*s (UID FLAGS INTERNALDATE RFC822.SIZE%s BODY.PEEK[])",
			  (int)set.n, (const char *)set.p, identify_items(link));
}

void link_ask_finish(struct link_ask *ask, const struct imap_resp *tagged)
{
	struct link *link = ask->link;
	imap_done *done = ask->done;
	const uint64_t arg = ask->arg;
	const struct link_uids before = link->arrived;

	link->arrived = ask->arrived;
	ask->arrived = before;
	ask_free(ask);
	done(link, link->conn, tagged, arg);
}

static void one_more(struct link_ask *ask);

static void once_more(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		      uint64_t arg)
{
	struct link_ask *ask = ctx;
	struct link *link = ask->link;
	const uint32_t uid = ask->alone;

	(void)conn;
	(void)arg;
	ask->alone = 0;
	if (tagged->status != IMAP_OK) {
		link_ask_finish(ask, tagged);
		return;
	}
	if (!has(&ask->arrived, uid) && ask->spoilt)
		suspects_unreadable(link, uid);
	else if (!has(&ask->arrived, uid))
		log_event(LOG_LEVEL_WARN, "message_missing", "account", "s", link->account->tag,
			  "mailbox", "u", (uint64_t)link->mailbox->number, "uid", "u",
			  (uint64_t)uid, NULL);
	one_more(ask);
}

static void one_more(struct link_ask *ask)
{
	static const struct imap_resp yes = {.kind = IMAP_TAGGED, .status = IMAP_OK};
	char set[16];
	int n;

	if (ask->again_count == 0) {
		link_ask_finish(ask, &yes);
		return;
	}
	ask->alone = ask->again[--ask->again_count];
	ask->spoilt = false;
	n = snprintf(set, sizeof(set), "%u", ask->alone);
	command(ask->link, once_more, ask, span_make(set, (size_t)n));
}

static void again_room(struct link_ask *ask)
{
	if (!ask->again)
		ask->again = calloc(AGAIN_MAX, sizeof(*ask->again));
	if (!ask->again)
		abort();
}

/* All of the set that did not come, as far as it has an end. */
static void miss(struct link_ask *ask)
{
	const struct link *link = ask->link;
	struct span set = buf_span(&ask->set);
	const bool open_end = has_no_end(set);
	const uint32_t last = link->uidnext > link->last_uid ? link->uidnext - 1 : link->last_uid;
	uint32_t low, high;

	again_room(ask);
	if (open_end)
		set.n -= 2;
	while (imap_set_next(&set, &low, &high)) {
		if ((open_end && set.n == 0 && last > high) || high == UINT32_MAX)
			high = last;
		for (uint64_t uid = low; uid <= high && ask->again_count < AGAIN_MAX; uid++)
			if (!has(&ask->arrived, (uint32_t)uid))
				ask->again[ask->again_count++] = (uint32_t)uid;
	}
}

static void fetched(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	struct link_ask *ask = ctx;

	(void)conn;
	(void)arg;
	if (tagged->status != IMAP_OK || (!ask->doubtful && ask->again_count == 0)) {
		link_ask_finish(ask, tagged);
		return;
	}
	if (ask->doubtful) {
		miss(ask);
		log_event(LOG_LEVEL_INFO, "answers_doubtful", "account", "s",
			  ask->link->account->tag, "again", "u", (uint64_t)ask->again_count, NULL);
	}
	one_more(ask);
}

/* Suspects are asked for by themselves, after the others. */
static void put_set(struct link_ask *ask, struct span set)
{
	bool parted = false;

	if (ask->link->account->suspects.count > 0) {
		again_room(ask);
		parted = suspects_part(ask->link, set, &ask->set, ask->again, AGAIN_MAX,
				       &ask->again_count);
	}
	if (!parted) {
		buf_clear(&ask->set);
		buf_put_span(&ask->set, set);
	}
}

/* ---- which of them are here ---- */

bool link_met(struct link *link, const struct imap_resp *fetch)
{
	for (struct link_ask *ask = link->asks; ask && fetch->email_id.n; ask = ask->next)
		if (ask->meeting && fetch->uid >= ask->low && fetch->uid <= ask->high) {
			identify_add(&ask->met, link, fetch);
			return true;
		}
	return false;
}

bool link_was(const struct link *link, uint32_t uid, uint32_t check, struct id *id_out)
{
	for (const struct link_ask *ask = link->asks; ask; ask = ask->next) {
		const struct identify_met *met = identify_find(&ask->met, uid);

		if (!met || met->answer != IDENTIFY_REWRITTEN || !check || met->check != check)
			continue;
		*id_out = met->id;
		return true;
	}
	return false;
}

/* Known under this id: a place more, or the one that it has. */
static void place(struct link_ask *ask, const struct identify_met *met)
{
	struct link *link = ask->link;
	const struct source source = {.labels = met->labels};

	if (met->answer == IDENTIFY_SAME) {
		enter_message(link->account, link->mailbox, met->uid, met->flags, met->words,
			      &met->id, NULL, SPAN_LIT(""), &source);
		metrics_add(link->account->fetcher->metrics, FETCHER_KNOWN, 0, 1);
	}
	note(&ask->arrived, met->uid);
	link->account->done += link->lane == WIRE_LANE_BULK;
	if (met->uid > link->last_uid)
		link->last_uid = met->uid;
}

static void fetch_rest(struct link_ask *ask)
{
	struct buf rest;

	ask->meeting = false;
	buf_init(&rest, 1 << 20);
	identify_rest(&ask->met, buf_span(&ask->set), &rest);
	buf_clear(&ask->set);
	buf_put_span(&ask->set, buf_span(&rest));
	buf_fini(&rest);
	/* What came meanwhile is not in a set with an end. */
	if (ask->link->exists > ask->exists && !has_no_end(buf_span(&ask->set)))
		ask->link->mailbox->dirty = true;
	if (ask->set.n == 0)
		one_more(ask); /* the suspects, if there are any */
	else
		command(ask->link, fetched, ask, buf_span(&ask->set));
}

static void identified(void *ctx)
{
	struct link_ask *ask = ctx;
	const bool leave_drafts = labels_leave_drafts(ask->link->account, ask->link->mailbox);

	ask->identify = NULL;
	for (size_t i = 0; i < ask->met.count; i++) {
		struct identify_met *met = &ask->met.items[i];

		if (leave_drafts && met->draft)
			met->answer = IDENTIFY_UNWANTED;
		if (met->answer == IDENTIFY_SAME || met->answer == IDENTIFY_UNWANTED)
			place(ask, met);
	}
	fetch_rest(ask);
}

/* A server that does not tell its ids after all, or not of all, is asked for the bodies. */
static void all_met(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	struct link_ask *ask = ctx;

	(void)conn;
	(void)arg;
	if (tagged->status == IMAP_OK && ask->met.count > 0 && !ask->doubtful) {
		ask->identify = identify_start(ask->link->account, &ask->met, identified, ask);
	} else {
		ask->meeting = false;
		command(ask->link, fetched, ask, buf_span(&ask->set));
	}
}

static void meet(struct link_ask *ask)
{
	struct link *link = ask->link;

	ask->meeting = true;
	ask->exists = link->exists;
	imap_conn_command(link->conn, all_met, ask, 0, "UID FETCH %.*s (UID FLAGS RFC822.SIZE%s)",
			  (int)ask->set.n, (const char *)ask->set.p, identify_items(link));
}

void link_fetch(struct link *link, struct span set, imap_done *done, uint64_t arg)
{
	struct link_ask *ask = link_ask_new(link, done, arg);
	struct span rest = set;
	uint32_t low, high;

	put_set(ask, set);
	ask->low = UINT32_MAX;
	if (has_no_end(set))
		rest.n -= 2; /* else its last number would not be read */
	while (imap_set_next(&rest, &low, &high)) {
		ask->low = low < ask->low ? low : ask->low;
		ask->high = high > ask->high ? high : ask->high;
	}
	if (has_no_end(set))
		ask->high = UINT32_MAX;
	if (ask->set.n == 0) /* nothing but suspects */
		imap_conn_command(link->conn, fetched, ask, 0, "NOOP");
	else if (*identify_items(link))
		meet(ask);
	else
		command(link, fetched, ask, buf_span(&ask->set));
}
