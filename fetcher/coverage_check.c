/* One mailbox: window by window downwards, slice by slice upwards in each; again until nothing had to be put right. */
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/coverage_impl.h"
#include "fetcher/labels.h"
#include "fetcher/live.h"

#define WINDOW_UIDS 10000u /* of one UID SEARCH, or of the rest of a mailbox */
#define SLICE_SPAN 16384u
#define WIDE (1u << 24) /* UIDs: in a larger window stretches without a message are passed over */
#define ROUNDS 4u
#define NEWEST_MS 10000 /* so long for live mail to see what is new */
#define NEWEST_AGAIN_MS 200
#define ENTERED_MS 30000 /* so long for what was found to be entered */
#define STILL_MISSING_MS 900000
#define RENUMBERED_MS 10000

static void next_window(struct account *a);
static void next_slice(struct account *a);

static void drop_lists(struct coverage_check *k)
{
	free(k->present);
	free(k->due);
	k->present = k->due = NULL;
	k->present_count = k->due_count = 0;
}

void coverage_check_end(struct coverage_check *k)
{
	drop_lists(k);
	k->mailbox = NULL;
	k->again_ms = 0;
}

static void leave(struct account *a)
{
	a->coverage_serial++;
	coverage_check_end(&a->coverage->check);
	coverage_next(a);
}

/* True if the server said no: then the mailbox has had its turn. */
static bool refused(struct account *a, const struct imap_resp *tagged)
{
	const struct mailbox *m = a->coverage->check.mailbox;
	struct coverage_box *box = coverage_box(a->coverage, m->number);
	struct err e;

	if (link_said_yes(tagged, &e))
		return false;
	log_event(LOG_LEVEL_INFO, "coverage_refused", "account", "s", a->tag, "mailbox", "u",
		  (uint64_t)m->number, "error", "e", &e, NULL);
	if (a->coverage->check.command[0])
		coverage_put(a, m, COVERAGE_REFUSED, &a->coverage->check);
	box->due_ms = clock_mono_ms() + STILL_MISSING_MS;
	leave(a);
	return true;
}

/* ---- a round ---- */

static void put_result(struct account *a)
{
	struct coverage_check *k = &a->coverage->check;
	struct coverage_box *box = coverage_box(a->coverage, k->mailbox->number);
	int64_t again_ms = coverage_again_ms(a);

	if (k->tally.missing && again_ms > STILL_MISSING_MS)
		again_ms = STILL_MISSING_MS;
	box->validity = k->mailbox->cursor.validity;
	box->first = k->first;
	box->missing = k->tally.missing;
	box->failures = 0;
	box->due_ms = clock_mono_ms() + again_ms;
	coverage_put(a, k->mailbox, COVERAGE_VERIFIED, k);
	coverage_measure(a);
	log_event(k->tally.missing ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "mailbox_verified", "account",
		  "s", a->tag, "mailbox", "u", (uint64_t)k->mailbox->number, "remote", "u",
		  k->tally.remote, "stored", "u", k->tally.stored, "fetched", "u", k->fetched,
		  "removed", "u", k->removed, "missing", "u", k->tally.missing, NULL);
	leave(a);
}

static void round_end(struct account *a)
{
	struct coverage_check *k = &a->coverage->check;
	const int64_t now_ms = clock_mono_ms();

	if (k->tally.missing + k->tally.extras == 0 || k->round + 1 == ROUNDS) {
		put_result(a);
		return;
	}
	k->round++;
	k->again_ms = now_ms + 1;
	k->again_until_ms = now_ms + ENTERED_MS;
}

static void round_begin(struct account *a)
{
	struct coverage_check *k = &a->coverage->check;
	const struct coverage_box *box = coverage_box(a->coverage, k->mailbox->number);
	const struct mailbox_cursor *c = &k->mailbox->cursor;
	const struct link *link = a->coverage->link;

	memset(&k->tally, 0, sizeof(k->tally));
	k->partial = false;
	k->next = c->next;
	k->first = box->validity == c->validity && box->first ? box->first : c->next;
	k->high = (link->uidnext > c->next ? link->uidnext : c->next) - 1;
	k->expected = link->exists;
	next_window(a);
}

static void selected(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		     uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct coverage_check *k = &a->coverage->check;
	struct mailbox *m = k->mailbox;
	const int64_t now_ms = clock_mono_ms();

	(void)conn;
	(void)arg;
	if (refused(a, tagged))
		return;
	link->selected = true;
	if (m->dropped || m->cursor.retired) {
		leave(a);
	} else if (link->validity && link->validity != m->cursor.validity) {
		m->dirty = true; /* the live connection numbers it anew, under another number */
		coverage_box(a->coverage, m->number)->due_ms = now_ms + RENUMBERED_MS;
		leave(a);
	} else if (link->uidnext > m->cursor.next && now_ms < k->newest_until_ms) {
		m->dirty = true;
		k->again_ms = k->again_until_ms = now_ms + NEWEST_AGAIN_MS;
		live_wake(a); /* last: it may end this connection */
	} else {
		round_begin(a);
	}
}

void coverage_check_begin(struct account *a, struct mailbox *mailbox)
{
	struct coverage *c = a->coverage;
	struct coverage_box *box = coverage_box(c, mailbox->number);
	struct coverage_check *k = &c->check;

	coverage_check_end(k);
	memset(k, 0, sizeof(*k));
	k->mailbox = mailbox;
	k->began_ms = clock_wall_ms();
	k->newest_until_ms = clock_mono_ms() + NEWEST_MS;
	if (box->asked)
		memcpy(k->command, box->command, sizeof(k->command));
	box->asked = false;
	link_select(c->link, mailbox, false, false, selected);
}

/* Once all that was found out is entered, the mailbox is looked at again. */
void coverage_check_tick(struct account *a, int64_t now_ms)
{
	struct coverage *c = a->coverage;
	struct coverage_check *k = &c->check;

	if (k->again_ms == 0 || now_ms < k->again_ms)
		return;
	if (now_ms < k->again_until_ms && (a->entries.first || a->entries.running))
		return;
	k->again_ms = 0;
	link_select(c->link, k->mailbox, false, false, selected);
}

/* ---- windows ---- */

static int compare_uids(const void *left, const void *right)
{
	const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/* What SEARCH said, ascending, each once, within low … high. */
static void take_found(struct link *link, uint32_t low, uint32_t high, uint32_t **list_out,
		       size_t *count_out)
{
	uint32_t *list = link->found;
	size_t count = 0;

	if (link->found_count)
		qsort(list, link->found_count, sizeof(*list), compare_uids);
	for (size_t i = 0; i < link->found_count; i++)
		if (list[i] >= low && list[i] <= high && (count == 0 || list[count - 1] != list[i]))
			list[count++] = list[i];
	link->found = NULL;
	link->found_count = link->found_room = 0;
	*list_out = list;
	*count_out = count;
}

/* The highest UID of the window that is to be here only if it is young enough. */
static uint32_t window_old(const struct coverage_check *k)
{
	return k->first - 1 < k->high ? k->first - 1 : k->high;
}

static void slices_begin(struct account *a)
{
	struct coverage_check *k = &a->coverage->check;

	k->slice_low = k->low;
	k->present_at = k->present_end = k->due_at = k->due_end = 0;
	next_slice(a);
}

/* Those from `first` on are due too, whatever their date. */
static void add_newest(struct coverage_check *k)
{
	size_t at = k->present_count;

	while (at > 0 && k->present[at - 1] >= k->first)
		at--;
	if (at == k->present_count)
		return;
	k->due = realloc(k->due, (k->due_count + k->present_count - at) * sizeof(*k->due));
	if (!k->due)
		abort();
	memcpy(k->due + k->due_count, k->present + at, (k->present_count - at) * sizeof(*k->due));
	k->due_count += k->present_count - at;
}

static void found_due(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		      uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct coverage_check *k = &a->coverage->check;

	(void)conn;
	(void)arg;
	if (refused(a, tagged))
		return;
	take_found(link, k->low, window_old(k), &k->due, &k->due_count);
	add_newest(k);
	slices_begin(a);
}

static void found_all(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		      uint64_t arg)
{
	struct link *link = ctx;
	struct account *a = link->account;
	struct coverage_check *k = &a->coverage->check;
	const int64_t since_ms = k->mailbox->cursor.since_ms;
	const uint32_t old = window_old(k);
	struct buf since;

	(void)conn;
	(void)arg;
	if (refused(a, tagged))
		return;
	drop_lists(k);
	take_found(link, k->low, k->high, &k->present, &k->present_count);
	k->tally.remote += k->present_count;
	k->expected -= k->expected < k->present_count ? k->expected : k->present_count;
	if (since_ms <= 0 || k->low > old || k->present_count == 0) {
		if (since_ms <= 0)
			k->first = 1;
		add_newest(k);
		slices_begin(a);
		return;
	}
	buf_init(&since, 64);
	buf_put_cstr(&since, " SINCE ");
	imap_date_put(&since, since_ms);
	link_search_dated(link, k->low, old, buf_span(&since), since_ms, 0, found_due);
	buf_fini(&since);
}

static void next_window(struct account *a)
{
	struct coverage_check *k = &a->coverage->check;

	if (k->high == 0) {
		round_end(a);
		return;
	}
	k->low = k->high > WINDOW_UIDS && k->expected > WINDOW_UIDS ? k->high - WINDOW_UIDS + 1 : 1;
	link_search(a->coverage->link, k->low, k->high,
		    labels_leave_drafts(a, k->mailbox) ? SPAN_LIT(" UNDRAFT") : SPAN_LIT(""),
		    found_all);
}

/* ---- slices ---- */

static void slice_passed(struct account *a)
{
	struct coverage_check *k = &a->coverage->check;

	k->slice_low = k->slice_high + 1;
	k->present_at = k->present_end;
	k->due_at = k->due_end;
	next_slice(a);
}

static size_t end_of(const uint32_t *uids, size_t count, size_t at, uint64_t high)
{
	while (at < count && uids[at] <= high)
		at++;
	return at;
}

static void next_slice(struct account *a)
{
	struct coverage_check *k = &a->coverage->check;
	const uint64_t gap_to = k->present_at < k->present_count ? k->present[k->present_at]
								 : (uint64_t)k->high + 1;

	if (k->high - k->low >= WIDE && gap_to > k->slice_low) {
		k->slice_low = gap_to;
		k->partial = true;
	}
	if (k->slice_low > k->high) {
		k->high = k->low - 1;
		next_window(a);
		return;
	}
	k->slice_high = k->slice_low + SLICE_SPAN - 1;
	if (k->slice_high > k->high)
		k->slice_high = k->high;
	if (k->present_at + COVERAGE_SLICE < k->present_count &&
	    k->present[k->present_at + COVERAGE_SLICE] <= k->slice_high)
		k->slice_high = k->present[k->present_at + COVERAGE_SLICE] - 1;
	k->present_end = end_of(k->present, k->present_count, k->present_at, k->slice_high);
	k->due_end = end_of(k->due, k->due_count, k->due_at, k->slice_high);
	coverage_compare(a);
}

static void fetched(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	struct link *link = ctx;
	struct err e;

	(void)conn;
	(void)arg;
	if (!link_said_yes(tagged, &e)) /* what did not come is found missing again */
		log_event(LOG_LEVEL_INFO, "coverage_refused", "account", "s", link->account->tag,
			  "error", "e", &e, NULL);
	slice_passed(link->account);
}

static void remove_extras(struct account *a)
{
	const struct coverage_check *k = &a->coverage->check;
	const uint64_t high = k->slice_high < k->next ? k->slice_high : k->next - 1;
	struct buf set;

	if (k->slice_low > high)
		return;
	buf_init(&set, 16384);
	imap_set_put(&set, k->present + k->present_at, k->present_end - k->present_at);
	enter_gone(a, k->mailbox, (uint32_t)k->slice_low, (uint32_t)high, buf_span(&set));
	buf_fini(&set);
}

static void tally_add(struct coverage_tally *t, const struct coverage_tally *slice)
{
	if (!t->counted)
		t->own_count = slice->own_count;
	t->counted = true;
	t->stored += slice->stored;
	t->outside += slice->outside;
	t->screened += slice->screened;
	t->set_aside += slice->set_aside;
	t->too_large += slice->too_large;
	t->deleted_here += slice->deleted_here;
	t->pending += slice->pending;
	t->extras += slice->extras;
	t->places += slice->places;
	t->missing += slice->missing;
}

void coverage_check_compared(struct account *a, const struct coverage_tally *slice,
			     const uint32_t *missing, size_t missing_count)
{
	struct coverage_check *k = &a->coverage->check;
	const bool last = k->round + 1 == ROUNDS;
	struct buf set;

	tally_add(&k->tally, slice);
	for (size_t i = 0; i < missing_count && k->tally.named_count < COVERAGE_NAMED; i++)
		k->tally.named[k->tally.named_count++] = missing[i];
	if (slice->extras && !last) {
		k->removed += slice->extras;
		remove_extras(a);
	}
	if (missing_count == 0 || last) {
		slice_passed(a);
		return;
	}
	k->fetched += missing_count;
	a->total += missing_count;
	buf_init(&set, 16384);
	imap_set_put(&set, missing, missing_count);
	link_fetch(a->coverage->link, buf_span(&set), fetched, 0);
	buf_fini(&set);
}
