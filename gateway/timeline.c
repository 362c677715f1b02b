#include "gateway/timeline.h"

#include <stdlib.h>

#include "gateway/problem.h"
#include "gateway/ranked.h"
#include "gateway/thread_view.h"

enum {
	POSITION_BYTES = 8 + 4 + ID_BYTES,
	STEP = 50, /* read at once, if the first reading did not fill the page */
	PASSED_MAX =
		1000, /* threads of the viewer's own that one page passes over, as they were read */
};

/* One entry of a source, and the place in the merged order: newest first, then by account number and id. */
struct position {
	int64_t ms;
	uint32_t number;
	struct id id;
	const struct account_entry *account;
};

static int compare(const void *a, const void *b)
{
	const struct position *left = a, *right = b;

	if (left->ms != right->ms)
		return left->ms < right->ms ? 1 : -1;
	if (left->number != right->number)
		return left->number < right->number ? 1 : -1;
	return memcmp(right->id.b, left->id.b, ID_BYTES);
}

static void position_write(const struct position *p, uint8_t out[POSITION_BYTES])
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)((uint64_t)p->ms >> (56 - 8 * i));
	for (int i = 0; i < 4; i++)
		out[8 + i] = (uint8_t)(p->number >> (24 - 8 * i));
	memcpy(out + 12, p->id.b, ID_BYTES);
}

static uint64_t read_be(const uint8_t *p, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | p[i];
	return value;
}

static bool position_read(struct span s, struct position *p)
{
	if (s.n != POSITION_BYTES)
		return false;
	p->ms = (int64_t)read_be(s.p, 8);
	p->number = (uint32_t)read_be(s.p + 8, 4);
	memcpy(p->id.b, s.p + 12, ID_BYTES);
	return true;
}

static const struct account_entry *account_of(const struct timeline *t, uint32_t number)
{
	for (size_t i = 0; i < t->account_count; i++)
		if (t->accounts[i].number == number)
			return &t->accounts[i];
	return NULL;
}

static bool entry_read(const struct timeline *t, const struct ranked_entry *entry,
		       struct position *out)
{
	struct span member = entry->member;

	out->account = t->sources[entry->source].account;
	if (!out->account) {
		if (member.n < 4)
			return false;
		out->account = account_of(t, (uint32_t)read_be(member.p, 4));
		member = span_sub(member, 4, member.n);
	}
	if (!out->account || member.n != ID_BYTES)
		return false;
	memcpy(out->id.b, member.p, ID_BYTES);
	out->number = (uint32_t)out->account->number;
	out->ms = entry->ms;
	return true;
}

static enum err_code read_sources(struct http_request *r, const struct timeline *t,
				  const struct position *after, size_t want,
				  struct ranked_entry **found_out, size_t *count_out, struct err *e)
{
	struct span *keys = arena_array(r->arena, t->source_count + 1, sizeof(*keys));

	for (size_t i = 0; i < t->source_count; i++)
		keys[i] = t->sources[i].key;
	return ranked_read(r, keys, t->source_count, after ? &after->ms : NULL, want, found_out,
			   count_out, e);
}

/* The next `want` entries behind `after`, in order, each thread once. */
static enum err_code next_entries(struct http_request *r, const struct timeline *t,
				  const struct position *after, size_t want,
				  struct position **entries_out, size_t *count_out, struct err *e)
{
	struct ranked_entry *found = NULL;
	size_t found_count = 0, count = 0, kept = 0;
	enum err_code code = read_sources(r, t, after, want, &found, &found_count, e);
	struct position *entries;

	*count_out = 0;
	if (code != ERR_OK)
		return code;
	entries = arena_array(r->arena, found_count + 1, sizeof(*entries));
	for (size_t i = 0; i < found_count; i++)
		if (entry_read(t, &found[i], &entries[count]) &&
		    (!after || compare(after, &entries[count]) < 0))
			count++;
	qsort(entries, count, sizeof(*entries), compare);
	for (size_t i = 0; i < count && kept < want; i++)
		if (!kept || compare(&entries[kept - 1], &entries[i]) != 0)
			entries[kept++] = entries[i];
	*entries_out = entries;
	*count_out = kept;
	return ERR_OK;
}

/* A page in the making. What the viewer may not see moves `at` and nothing else: neither where the page ends, nor
 * whether another follows, may tell of it. */
struct walk {
	json_t *data;
	size_t limit;
	bool begun, more; /* more: there is one to show behind the page */
	struct position at; /* all before and this one were looked at */
	struct position last; /* where the next page begins behind */
	size_t passed;
};

/* Takes entries into the page until one is left over. */
static enum err_code show(struct http_request *r, const struct timeline *t,
			  const struct position *entries, size_t count, struct walk *w,
			  struct err *e)
{
	struct mail_ref *refs = arena_array(r->arena, count + 1, sizeof(*refs));
	struct mail_thread *threads = arena_array(r->arena, count + 1, sizeof(*threads));
	json_t **views = arena_array(r->arena, count + 1, sizeof(json_t *));
	enum err_code code;

	for (size_t i = 0; i < count; i++)
		refs[i] = (struct mail_ref){entries[i].account, entries[i].id};
	code = mail_threads_load(r, refs, count, threads, e);
	for (size_t i = 0; i < count && code == ERR_OK; i++)
		if (!id_eq(&threads[i].id, &entries[i].id))
			threads[i].visibility =
				VISIBLE_NONE; /* shows under its survivor's own entry */
	if (code == ERR_OK)
		code = thread_views(r, threads, count, t->unread_only, views, e);
	for (size_t i = 0; i < count && code == ERR_OK; i++) {
		w->passed += !views[i] && threads[i].visibility != VISIBLE_NONE;
		if (views[i] && json_array_size(w->data) == w->limit) {
			w->more = true;
			json_decref(views[i]);
		} else if (views[i]) {
			json_array_append_new(w->data, views[i]);
			w->last = entries[i];
		}
	}
	return code;
}

static enum err_code fill(struct http_request *r, const struct timeline *t, struct walk *w,
			  struct err *e)
{
	enum err_code code = ERR_OK;
	bool end = false, at_once = true;

	while (code == ERR_OK && !end && !w->more) {
		size_t left = w->limit - json_array_size(w->data) + 1;
		size_t count = 0, want = left > STEP || at_once ? left : STEP;
		struct position *entries = NULL;

		code = next_entries(r, t, w->begun ? &w->at : NULL, want, &entries, &count, e);
		if (code == ERR_OK && count)
			code = show(r, t, entries, count, w, e);
		end = count < want;
		if (code != ERR_OK || !count)
			break;
		w->at = entries[count - 1];
		w->begun = true;
		at_once = false;
		if (!w->more && !end && w->passed > PASSED_MAX) {
			w->more = true;
			w->last = w->at;
		}
	}
	return code;
}

void timeline_answer(struct http_request *r, const struct timeline *timeline)
{
	struct walk w = {.data = json_array()};
	uint8_t next[POSITION_BYTES];
	struct page page;
	struct err e;

	if (!page_read(r, &page)) {
		json_decref(w.data);
		return;
	}
	w.limit = page.limit;
	w.begun = page.cursor.n > 0;
	if (w.begun && !position_read(page.cursor, &w.at)) {
		problem_answer(r, PROBLEM_INVALID_CURSOR, "The cursor is not one of this list.");
		json_decref(w.data);
		return;
	}
	if (timeline->source_count && fill(r, timeline, &w, &e) != ERR_OK) {
		problem_from_err(r, &e);
		json_decref(w.data);
		return;
	}
	position_write(&w.last, next);
	page_answer(r, w.data, w.more ? span_make(next, sizeof(next)) : span_make(NULL, 0));
}
