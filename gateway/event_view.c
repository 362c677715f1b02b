#include "gateway/event_view.h"

#include "common/base/clock.h"
#include "gateway/event_detail.h"
#include "gateway/json.h"
#include "gateway/mail_thread.h"
#include "gateway/mirror.h"
#include "gateway/thread_view.h"

enum { WINDOW_MIN = 16, LOOK_MS = 2000 };

static const char *const event_names[] = {"account.created",
					  "account.connected",
					  "account.auth_failed",
					  "account.connect_failed",
					  "account.paused",
					  "account.deleted",
					  "account.initial_sync_completed",
					  "account.backfill_progress",
					  "account.backfill_completed",
					  "account.backfill_cancelled",
					  "message.created",
					  "message.updated",
					  "message.moved",
					  "message.deleted",
					  "message.set_aside",
					  "thread.updated",
					  "thread.merged",
					  "thread.linked",
					  "thread.unlinked",
					  "thread.link_skipped",
					  "thread.shared",
					  "thread.unshared",
					  "thread.replied",
					  "submission.queued",
					  "submission.sent",
					  "submission.delayed",
					  "submission.failed",
					  "submission.unknown",
					  "submission.cancelled",
					  "message.bounced",
					  "message.auto_replied",
					  "message.opened",
					  "message.clicked",
					  "message.unsubscribed",
					  "message.complained",
					  "person.created",
					  "bcc.received",
					  "bcc.rejected",
					  "placement.completed",
					  "placement.flagged",
					  "webhook.disabled",
					  "erasure.completed"};

/* Its number, or -1. */
static int name_find(struct span name)
{
	for (size_t i = 0; i < sizeof(event_names) / sizeof(*event_names); i++)
		if (span_eq(name, span_cstr(event_names[i])))
			return (int)i;
	return -1;
}

bool event_types_parse(struct http_request *r, const char *text, struct event_types *types_out,
		       const char **unknown_out)
{
	struct span rest = span_cstr(text);

	types_out->bits = 0;
	while (rest.n) {
		size_t end = span_find_byte(rest, ',');
		struct span one = span_trim(span_sub(rest, 0, end));
		int number = name_find(one);

		if (number < 0) {
			*unknown_out = arena_cstr(r->arena, span_sub(one, 0, 64));
			return false;
		}
		types_out->bits |= UINT64_C(1) << number;
		rest = span_sub(rest, end < rest.n ? end + 1 : end, rest.n);
	}
	return true;
}

/* One event that may be shown. */
struct candidate {
	const struct event_item *item;
	const char *name;
	unsigned k;
	struct journal_event event;
	struct mail_thread *thread; /* of this moment; NULL: none */
};

struct window {
	struct event_item *items;
	size_t item_count;
	struct candidate *candidates;
	size_t count;
	struct mail_ref *refs; /* the candidates' threads, each once */
	struct mail_thread *threads;
	size_t thread_count;
};

/* What is being made: it depends on what the viewer may see, never on what is left out in between. */
struct making {
	struct event_made *events;
	size_t limit, count;
	struct mail_ref *shown; /* threads that are in an envelope already */
	size_t shown_count;
};

static bool wanted(struct event_types types, const char *name)
{
	int number = name_find(span_cstr(name));

	return !types.bits || (number >= 0 && types.bits >> number & 1);
}

static bool owns(const struct http_request *r, const struct event_item *item)
{
	return account_belongs(&r->viewer, item->account);
}

/* What can be said before threads are loaded. */
static bool may_concern(const struct http_request *r, const struct event_item *item,
			const struct journal_event *event)
{
	if (!r->viewer.user.n)
		return event->company;
	return owns(r, item) || event->audience == JOURNAL_FOR_THREAD;
}

static size_t thread_slot(struct window *w, const struct event_item *item)
{
	for (size_t i = 0; i < w->thread_count; i++)
		if (w->refs[i].account == item->account &&
		    id_eq(&w->refs[i].id, &item->entry.thread))
			return i;
	w->refs[w->thread_count] = (struct mail_ref){item->account, item->entry.thread};
	return w->thread_count++;
}

static void candidate_add(struct window *w, const struct event_item *item, unsigned k,
			  const struct journal_event *event)
{
	struct candidate *c = &w->candidates[w->count++];

	*c = (struct candidate){.item = item, .name = event->name, .k = k, .event = *event};
	if (item->entry.has_thread)
		c->thread = &w->threads[thread_slot(w, item)];
}

static bool is_at(const struct event_item *item, const struct event_position *at)
{
	return item->ms == at->ms && item->sequence == at->sequence;
}

static void item_expand(struct http_request *r, struct window *w, const struct event_item *item,
			struct event_types types, unsigned from)
{
	struct journal_event events[JOURNAL_EVENTS_MAX];
	size_t count = journal_events(&item->entry, events);

	for (unsigned k = from; k < count; k++)
		if (wanted(types, events[k].name) && may_concern(r, item, &events[k]))
			candidate_add(w, item, k, &events[k]);
}

/* The company's own event, for a user: a person they may see, a webhook of theirs. */
static enum err_code own_visible(struct http_request *r, const struct event_item *item,
				 bool *visible_out, struct err *e)
{
	json_t *data = json_loadb((const char *)item->data.p, item->data.n, 0, NULL), *person;
	struct span id = json_get_span(data, "personId");
	enum err_code code = ERR_OK;

	*visible_out = false;
	if (span_eq(item->name, SPAN_LIT("webhook.disabled"))) {
		*visible_out = span_eq(json_get_span(data, "userId"), r->viewer.user);
	} else if (span_eq(item->name, SPAN_LIT("person.created")) && id.n) {
		person = mirror_get(r, MIRROR_PERSON, arena_span(r->arena, id), e);
		code = person ? ERR_OK : e->code;
		*visible_out = person != NULL;
		json_decref(person);
	}
	json_decref(data);
	return code;
}

/* All of the company's own events are for the company's token. */
static enum err_code own_expand(struct http_request *r, struct window *w,
				const struct event_item *item, struct event_types types,
				struct err *e)
{
	int number = name_find(item->name);
	enum err_code code = ERR_OK;
	bool visible = true;

	if (number < 0 || !wanted(types, event_names[number]))
		return ERR_OK;
	if (r->viewer.user.n)
		code = own_visible(r, item, &visible, e);
	if (visible)
		w->candidates[w->count++] =
			(struct candidate){.item = item, .name = event_names[number]};
	return code;
}

static enum err_code expand(struct http_request *r, struct window *w, struct event_types types,
			    const struct event_position *at, struct err *e)
{
	size_t room = w->item_count * JOURNAL_EVENTS_MAX + 1;
	enum err_code code = ERR_OK;

	w->candidates = arena_array(r->arena, room, sizeof(*w->candidates));
	w->refs = arena_array(r->arena, w->item_count + 1, sizeof(*w->refs));
	w->threads = arena_array(r->arena, w->item_count + 1, sizeof(*w->threads));
	for (size_t i = 0; i < w->item_count && code == ERR_OK; i++) {
		const struct event_item *item = &w->items[i];
		unsigned from = is_at(item, at) ? at->next : 0;

		if (item->name.n && from == 0)
			code = own_expand(r, w, item, types, e);
		else if (!item->name.n)
			item_expand(r, w, item, types, from);
	}
	if (code == ERR_OK && w->thread_count)
		code = mail_threads_load(r, w->refs, w->thread_count, w->threads, e);
	return code;
}

/* Of deleted ones: it was, when it was deleted. */
static bool is_shared(const struct candidate *c)
{
	const struct journal_entry *entry = &c->item->entry;

	if (c->thread->state.count)
		return c->thread->state.shared;
	return entry->type == JOURNAL_DELETED && entry->shared;
}

/* The company, without a user, learns nothing of private threads, not even that they are there; that one no longer is
 * shared it is told, to forget what it knew. */
static bool is_the_companys(const struct candidate *c)
{
	return !c->thread || c->item->entry.type == JOURNAL_SUBMISSION ||
	       strcmp(c->name, "thread.unshared") == 0 || is_shared(c);
}

/* The decision, on the records of this moment. */
static bool may_see(const struct http_request *r, const struct candidate *c)
{
	if (c->item->name.n || owns(r, c->item))
		return true;
	if (!r->viewer.user.n)
		return is_the_companys(c);
	return c->event.audience == JOURNAL_FOR_THREAD && c->thread &&
	       c->thread->visibility != VISIBLE_NONE;
}

static void put(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

static void put_text(json_t *object, const char *name, struct span text)
{
	if (text.n)
		put(object, name, json_from_span(text));
}

static void put_id(struct http_request *r, json_t *object, const char *name,
		   const struct candidate *c, const struct id *id)
{
	put(object, name, json_string(mail_public_id(r, c->item->account, id)));
}

static void put_deleted(struct http_request *r, json_t *data, const struct candidate *c)
{
	const struct journal_entry *entry = &c->item->entry;
	json_t *ids = json_array();

	for (size_t i = 0; i < entry->deleted_count; i++)
		json_array_append_new(
			ids, json_string(mail_public_id(r, c->item->account, &entry->deleted[i])));
	put(data, "messageIds", ids);
}

/* What only the mailbox's people are told beside the ids. */
static void put_for_owner(json_t *data, const struct candidate *c)
{
	const struct journal_entry *entry = &c->item->entry;

	put(data, "seq", json_integer((json_int_t)c->item->n));
	put_text(data, "userId", entry->user);
	if (entry->type == JOURNAL_ASIDE)
		put_text(data, "reason", entry->detail);
	if (entry->dropped_kind.n)
		put(data, "droppedLink",
		    json_pack("{s:s s:o}", "kind", thread_view_kind(entry->dropped_kind), "id",
			      json_from_span(entry->dropped_id)));
}

static void put_ids(struct http_request *r, json_t *data, const struct candidate *c)
{
	const struct journal_entry *entry = &c->item->entry;
	bool seen = c->thread && c->thread->visibility != VISIBLE_NONE;

	put_text(data, "accountId", c->item->account->id);
	if (entry->has_thread &&
	    (r->viewer.user.n || entry->type != JOURNAL_SUBMISSION || is_shared(c)))
		put_id(r, data, "threadId", c, seen ? &c->thread->id : &entry->thread);
	if (entry->has_absorbed)
		put_id(r, data, "absorbedThreadId", c, &entry->absorbed);
	if (c->event.has_message)
		put_id(r, data, "messageId", c, &c->event.message);
	else if (entry->type == JOURNAL_DELETED)
		put_deleted(r, data, c);
	if (entry->type == JOURNAL_SUBMISSION || entry->type == JOURNAL_HIT)
		put_text(data, "submissionId", entry->detail);
	if (entry->type == JOURNAL_ACCOUNT)
		put_text(data, "code", entry->detail);
}

/* Under this id, or one that was merged with it. */
static bool is_shown(const struct making *m, const struct mail_thread *thread)
{
	for (size_t i = 0; i < m->shown_count; i++)
		if (m->shown[i].account == thread->account && id_eq(&m->shown[i].id, &thread->id))
			return true;
	return false;
}

/* The thread as it is now, with the first of its events. */
static enum err_code put_thread(struct http_request *r, struct making *m, const struct candidate *c,
				json_t *data, struct err *e)
{
	json_t *view;
	enum err_code code;

	if (!c->thread || c->thread->visibility == VISIBLE_NONE || is_shown(m, c->thread))
		return ERR_OK;
	m->shown[m->shown_count++] = (struct mail_ref){c->thread->account, c->thread->id};
	code = thread_view(r, c->thread, &view, e);
	if (code == ERR_OK && view)
		json_object_set_new(data, "thread", view);
	return code;
}

static json_t *own_data(const struct event_item *item)
{
	json_t *data = json_loadb((const char *)item->data.p, item->data.n, 0, NULL);

	if (json_is_object(data))
		return data;
	json_decref(data);
	return json_object();
}

static struct event_ref ref_of(const struct candidate *c)
{
	if (c->item->name.n)
		return (struct event_ref){.company = true,
					  .ms = c->item->ms,
					  .sequence = (uint32_t)c->item->sequence & INT32_MAX};
	return (struct event_ref){
		.number = (uint32_t)c->item->account->number, .n = c->item->n, .k = c->k};
}

static json_t *envelope(struct http_request *r, const struct candidate *c, const char *id,
			json_t *data)
{
	char time[CLOCK_RFC3339_BYTES];
	const char *source =
		c->item->name.n
			? arena_printf(r->arena, "/v1/companies/%.*s", (int)r->viewer.company.n,
				       (const char *)r->viewer.company.p)
			: arena_printf(r->arena, "/v1/accounts/%.*s", (int)c->item->account->id.n,
				       (const char *)c->item->account->id.p);

	clock_rfc3339(c->item->at_ms, time);
	return json_pack("{s:s s:s s:s s:s s:s s:s s:o}", "specversion", "1.0", "id", id, "source",
			 source, "type", c->name, "time", time, "datacontenttype",
			 "application/json", "data", data);
}

static enum err_code make(struct http_request *r, struct making *m, const struct candidate *c,
			  struct err *e)
{
	struct event_made *out = &m->events[m->count];
	struct event_ref ref = ref_of(c);
	json_t *data = c->item->name.n ? own_data(c->item) : json_object();
	enum err_code code = ERR_OK;

	if (!c->item->name.n) {
		put_ids(r, data, c);
		if (owns(r, c->item))
			put_for_owner(data, c);
		event_detail_put(r, c->item, c->name, data);
		code = put_thread(r, m, c, data, e);
	}
	if (code != ERR_OK) {
		json_decref(data);
		return code;
	}
	event_id_format(&r->app->token_key, r->viewer.company, &ref, out->id);
	out->name = c->name;
	out->json = envelope(r, c, out->id, data);
	m->count++;
	return ERR_OK;
}

/* Makes events until the limit; *at then stands before the next one, else behind the window. */
static enum err_code deliver(struct http_request *r, struct window *w,
			     const struct event_position *behind, struct event_position *at,
			     struct making *m, bool *cut, struct err *e)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < w->count && code == ERR_OK; i++) {
		const struct candidate *c = &w->candidates[i];

		if (!may_see(r, c))
			continue;
		if (m->count == m->limit) {
			*cut = true;
			*at = (struct event_position){c->item->ms, c->item->sequence, c->k};
			return ERR_OK;
		}
		code = make(r, m, c, e);
	}
	*at = *behind;
	return code;
}

static enum err_code window_next(struct http_request *r, const struct event_accounts *accounts,
				 struct event_types types, size_t size, struct event_position *at,
				 struct making *m, bool *end, bool *cut, struct err *e)
{
	struct arena *own = r->arena;
	struct event_position behind;
	struct window w = {0};
	enum err_code code;

	r->arena = arena_new(0);
	w.items = arena_array(r->arena, size, sizeof(*w.items));
	code = event_feed_read(r, accounts, at, size, w.items, &w.item_count, &behind, end, e);
	if (code == ERR_OK)
		code = expand(r, &w, types, at, e);
	if (code == ERR_OK)
		code = deliver(r, &w, &behind, at, m, cut, e);
	arena_free(&r->arena);
	r->arena = own;
	return code;
}

enum err_code event_view_next(struct http_request *r, struct event_types types, size_t limit,
			      struct event_position *at, struct event_made *events_out,
			      size_t *count_out, bool *end_out, struct err *e)
{
	struct making m = {.events = events_out, .limit = limit};
	size_t size = limit < WINDOW_MIN ? WINDOW_MIN : limit;
	int64_t until_ms = clock_mono_ms() + LOOK_MS;
	struct event_position begin = *at;
	struct event_accounts accounts;
	enum err_code code = ERR_OK;
	bool cut = false;

	*count_out = 0;
	*end_out = false;
	if (!account_entry_list(r, &accounts.entries, &accounts.count))
		return err_set(e, ERR_TEMP, ERR_PROCESS, "store_unavailable",
			       "the accounts could not be read");
	m.shown = arena_array(r->arena, limit + 1, sizeof(*m.shown));
	do {
		if (size > EVENT_FEED_MAX)
			size = EVENT_FEED_MAX;
		code = window_next(r, &accounts, types, size, at, &m, end_out, &cut, e);
		size = EVENT_FEED_MAX;
	} while (code == ERR_OK && !*end_out && !cut && m.count < limit &&
		 clock_mono_ms() < until_ms);
	if (cut)
		*end_out = false;
	if (code == ERR_OK) {
		*count_out = m.count;
		return ERR_OK;
	}
	while (m.count)
		json_decref(events_out[--m.count].json);
	*at = begin;
	return code;
}
