/*
 * What a link asks for messages: UID FETCH and UID SEARCH, until it has an answer that can be used. A message whose line
 * could not be read, or whose body came empty, is asked for once more by itself; what then still does not come is left
 * out, and said so (FAULTS F13, F17). A server without SEARCH is asked for the whole range (F22).
 */
#include <stdlib.h>

#include "common/base/log.h"
#include "fetcher/account.h"
#include "fetcher/imap_refusal.h"

#define AGAIN_MAX 512u /* messages of one FETCH that are asked for once more */
#define RANGE_MAX 20000u

struct link_ask {
	struct link_ask *next;
	struct link *link;
	imap_done *done;
	uint64_t arg;
	uint32_t low, high; /* of a search */
	uint32_t *again; /* still to be asked for by themselves */
	size_t again_count;
	struct buf set;
};

static struct link_ask *ask_new(struct link *link, imap_done *done, uint64_t arg)
{
	struct link_ask *ask = calloc(1, sizeof(*ask));

	if (!ask)
		abort();
	ask->link = link;
	ask->done = done;
	ask->arg = arg;
	buf_init(&ask->set, 1 << 20);
	if (!link->asks) {
		link->arrived_count = 0;
		link->doubtful = 0;
	}
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
	buf_fini(&ask->set);
	free(ask->again);
	free(ask);
}

void link_asks_free(struct link *link)
{
	while (link->asks)
		ask_free(link->asks);
	free(link->arrived);
}

/* ---- what came ---- */

void link_arrived(struct link *link, uint32_t uid)
{
	if (link->arrived_count == link->arrived_room) {
		link->arrived_room = link->arrived_room ? 2 * link->arrived_room : 256;
		link->arrived = realloc(link->arrived, link->arrived_room * sizeof(*link->arrived));
		if (!link->arrived)
			abort();
	}
	link->arrived[link->arrived_count++] = uid;
}

bool link_has_arrived(const struct link *link, uint32_t uid)
{
	for (size_t i = link->arrived_count; i > 0; i--)
		if (link->arrived[i - 1] == uid)
			return true;
	return false;
}

/* ---- messages ---- */

static void command(struct link *link, imap_done *done, struct link_ask *ask, struct span set)
{
	imap_conn_command(link->conn, done, ask, 0,
			  "UID FETCH %.*s (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])",
			  (int)set.n, (const char *)set.p);
}

static void finish(struct link_ask *ask, const struct imap_resp *tagged)
{
	struct link *link = ask->link;
	imap_done *done = ask->done;
	const uint64_t arg = ask->arg;

	ask_free(ask);
	done(link, link->conn, tagged, arg);
}

static void one_more(struct link_ask *ask);

static void once_more(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		      uint64_t arg)
{
	struct link_ask *ask = ctx;
	struct link *link = ask->link;
	const uint32_t uid = ask->again[--ask->again_count];

	(void)conn;
	(void)arg;
	link->again = false;
	if (tagged->status != IMAP_OK) {
		finish(ask, tagged);
		return;
	}
	if (!link_has_arrived(link, uid))
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
		finish(ask, &yes);
		return;
	}
	n = snprintf(set, sizeof(set), "%u", ask->again[ask->again_count - 1]);
	ask->link->again = true;
	command(ask->link, once_more, ask, span_make(set, (size_t)n));
}

/* All of the set that did not come, as far as it has an end. */
static void miss(struct link_ask *ask)
{
	const struct link *link = ask->link;
	struct span set = buf_span(&ask->set);
	const bool open_end = set.n > 2 && memcmp(set.p + set.n - 2, ":*", 2) == 0;
	const uint32_t last = link->uidnext > link->last_uid ? link->uidnext - 1 : link->last_uid;
	uint32_t low, high;

	ask->again = calloc(AGAIN_MAX, sizeof(*ask->again));
	if (!ask->again)
		abort();
	if (open_end)
		set.n -= 2;
	while (imap_set_next(&set, &low, &high)) {
		if (open_end && set.n == 0 && last > high)
			high = last;
		for (uint64_t uid = low; uid <= high && ask->again_count < AGAIN_MAX; uid++)
			if (!link_has_arrived(link, (uint32_t)uid))
				ask->again[ask->again_count++] = (uint32_t)uid;
	}
}

static void fetched(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	struct link_ask *ask = ctx;

	(void)conn;
	(void)arg;
	if (tagged->status != IMAP_OK || ask->link->doubtful == 0) {
		finish(ask, tagged);
		return;
	}
	miss(ask);
	log_event(LOG_LEVEL_INFO, "answers_doubtful", "account", "s", ask->link->account->tag,
		  "again", "u", (uint64_t)ask->again_count, NULL);
	one_more(ask);
}

void link_fetch(struct link *link, struct span set, imap_done *done, uint64_t arg)
{
	struct link_ask *ask = ask_new(link, done, arg);

	buf_put_span(&ask->set, set);
	command(link, fetched, ask, set);
}

/* ---- UIDs ---- */

static void searched(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		     uint64_t arg)
{
	static const struct imap_resp yes = {.kind = IMAP_TAGGED, .status = IMAP_OK};
	struct link_ask *ask = ctx;
	struct buf set;

	(void)conn;
	(void)arg;
	if (tagged->status == IMAP_OK || tagged->code.n || ask->high < ask->low ||
	    ask->high - ask->low > RANGE_MAX ||
	    imap_refusal_is_general(imap_refusal_name(tagged->text, ""))) {
		finish(ask, tagged);
		return;
	}
	buf_init(&set, 64);
	buf_printf(&set, "%u:%u", ask->low, ask->high);
	ask->link->found_count = 0;
	link_found(ask->link, buf_span(&set));
	buf_fini(&set);
	finish(ask, &yes);
}

void link_search(struct link *link, uint32_t low, uint32_t high, struct span criteria,
		 imap_done *done)
{
	const char *how = imap_conn_caps(link->conn) & IMAP_CAP_ESEARCH ? " RETURN (ALL)" : "";
	struct link_ask *ask = ask_new(link, done, 0);

	/* With criteria the range is no answer: it would bring what was not asked for. */
	ask->low = criteria.n ? 1 : low;
	ask->high = criteria.n ? 0 : high;
	link->found_count = 0;
	imap_conn_command(link->conn, searched, ask, 0, "UID SEARCH%s UID %u:%u%.*s", how, low,
			  high, (int)criteria.n, (const char *)criteria.p);
}
