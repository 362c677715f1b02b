/* Which messages a mailbox has: UID SEARCH. A server without SEARCH is asked for the UIDs by FETCH (FAULTS F22). */
#include <stdlib.h>

#include "fetcher/imap_refusal.h"
#include "fetcher/link_ask_impl.h"

#define DAY_MS 86400000

static int compare_uids(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void listed(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	struct link_ask *ask = ctx;
	struct link *link = ask->link;
	size_t kept = 0;

	(void)conn;
	(void)arg;
	link->listing = false;
	if (link->found_count > 1)
		qsort(link->found, link->found_count, sizeof(*link->found), compare_uids);
	for (size_t i = 0; i < link->found_count; i++)
		if (link->found[i] >= ask->low && link->found[i] <= ask->high &&
		    (kept == 0 || link->found[i] != link->found[kept - 1]))
			link->found[kept++] = link->found[i];
	link->found_count = kept;
	link_ask_finish(ask, tagged);
}

/* The days of SEARCH have no zone: one day more on either side. */
static void list(struct link_ask *ask)
{
	struct link *link = ask->link;

	link->found_count = 0;
	link->listing = true;
	link->listing_since_ms = ask->since_ms ? ask->since_ms - ask->since_ms % DAY_MS - DAY_MS
					       : 0;
	link->listing_until_ms = ask->until_ms ? ask->until_ms - ask->until_ms % DAY_MS + DAY_MS
					       : 0;
	imap_conn_command(link->conn, listed, ask, 0, "UID FETCH %u:%u (UID%s)", ask->low,
			  ask->high, ask->since_ms || ask->until_ms ? " INTERNALDATE" : "");
}

static void searched(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		     uint64_t arg)
{
	struct link_ask *ask = ctx;

	(void)conn;
	(void)arg;
	if (tagged->status == IMAP_OK || tagged->code.n || ask->high < ask->low ||
	    imap_refusal_is_general(imap_refusal_name(tagged->text, ""))) {
		link_ask_finish(ask, tagged);
		return;
	}
	list(ask);
}

void link_search_dated(struct link *link, uint32_t low, uint32_t high, struct span criteria,
		       int64_t since_ms, int64_t until_ms, imap_done *done)
{
	link_search(link, low, high, criteria, done);
	link->asks->low = low; /* a list is an answer too */
	link->asks->high = high;
	link->asks->since_ms = since_ms;
	link->asks->until_ms = until_ms;
}

void link_search(struct link *link, uint32_t low, uint32_t high, struct span criteria,
		 imap_done *done)
{
	const char *how = imap_conn_caps(link->conn) & IMAP_CAP_ESEARCH ? " RETURN (ALL)" : "";
	struct link_ask *ask = link_ask_new(link, done, 0);

	/* With criteria a list is no answer: it would bring what was not asked for. */
	ask->low = criteria.n ? 1 : low;
	ask->high = criteria.n ? 0 : high;
	link->found_count = 0;
	/* A server may answer with all that it has (FAULTS F23); "…,*" asks for the last, whatever its number is. */
	link->search_low = criteria.n && *criteria.p == ',' ? 1 : low;
	link->search_high = high;
	imap_conn_command(link->conn, searched, ask, 0, "UID SEARCH%s UID %u:%u%.*s", how, low,
			  high, (int)criteria.n, (const char *)criteria.p);
}

void link_search_last(struct link *link, uint32_t high, size_t count, struct span criteria,
		      imap_done *done)
{
	struct link_ask *ask = link_ask_new(link, done, 0);

	ask->low = 1; /* a list is no answer here either */
	link->found_count = 0;
	imap_conn_command(link->conn, searched, ask, 0,
			  "UID SEARCH RETURN (PARTIAL -1:-%zu) UID 1:%u%.*s", count, high,
			  (int)criteria.n, (const char *)criteria.p);
}
