#include "gateway/journal.h"

#include "common/wire/pack.h"

/* A reader with the number of elements that are left, so that newer versions may append. */
struct entry_reader {
	struct pack_reader r;
	size_t left;
};

static struct span take_bytes(struct entry_reader *e)
{
	if (!e->left)
		return span_make(NULL, 0);
	e->left--;
	return pack_read_nil(&e->r) ? span_make(NULL, 0) : pack_read_bytes(&e->r);
}

static bool take_id(struct entry_reader *e, struct id *id_out)
{
	struct span s = take_bytes(e);

	if (s.n != ID_BYTES)
		return false;
	memcpy(id_out->b, s.p, ID_BYTES);
	return true;
}

static uint64_t take_u64(struct entry_reader *e)
{
	if (!e->left)
		return 0;
	e->left--;
	return pack_read_u64(&e->r);
}

static void take_any(struct entry_reader *e)
{
	if (!e->left)
		return;
	e->left--;
	pack_skip(&e->r);
}

static void take_dropped(struct entry_reader *e, struct journal_entry *entry)
{
	size_t count;

	if (!e->left)
		return;
	e->left--;
	if (pack_read_nil(&e->r))
		return;
	count = pack_read_array(&e->r);
	entry->dropped_kind = count > 0 ? pack_read_bytes(&e->r) : span_make(NULL, 0);
	entry->dropped_id = count > 1 ? pack_read_bytes(&e->r) : span_make(NULL, 0);
	pack_skip_n(&e->r, count > 2 ? count - 2 : 0);
}

static void take_ids(struct entry_reader *e, struct arena *arena, struct journal_entry *entry)
{
	size_t count;

	if (!e->left)
		return;
	e->left--;
	count = pack_read_array(&e->r);
	entry->deleted = arena_array(arena, count + 1, sizeof(*entry->deleted));
	for (size_t i = 0; i < count; i++) {
		struct span s = pack_read_bytes(&e->r);

		if (s.n == ID_BYTES)
			memcpy(entry->deleted[entry->deleted_count++].b, s.p, ID_BYTES);
	}
}

static void take_way(struct entry_reader *e, struct journal_entry *entry)
{
	size_t count;

	if (!e->left)
		return;
	e->left--;
	count = pack_read_array(&e->r);
	entry->has_way = count >= 4;
	if (entry->has_way) {
		entry->pushed_ago_ms = pack_read_u64(&e->r);
		entry->proposed_ago_ms = pack_read_u64(&e->r);
		entry->parse_us = pack_read_u64(&e->r);
		entry->drives = pack_read_u64(&e->r);
	}
	pack_skip_n(&e->r, entry->has_way ? count - 4 : count);
}

static void take_recipients(struct pack_reader *r, struct arena *arena, struct journal_back *back)
{
	size_t count = pack_read_array(r);

	back->list = arena_array(arena, count + 1, sizeof(*back->list));
	for (size_t i = 0; i < count; i++) {
		size_t parts = pack_read_array(r);

		if (parts >= 2) {
			back->list[back->count][0] = pack_read_bytes(r);
			back->list[back->count++][1] = pack_read_bytes(r);
		}
		pack_skip_n(r, parts >= 2 ? parts - 2 : parts);
	}
}

static void take_back(struct entry_reader *e, struct arena *arena, struct journal_entry *entry)
{
	struct journal_back *back = &entry->back;
	struct span sent;
	size_t count;

	if (!e->left)
		return;
	e->left--;
	count = pack_read_array(&e->r);
	if (count >= 4) {
		back->what = pack_read_bytes(&e->r);
		back->submission = pack_read_bytes(&e->r);
		sent = pack_read_bytes(&e->r);
		back->has_sent = sent.n == ID_BYTES;
		if (back->has_sent)
			memcpy(back->sent.b, sent.p, ID_BYTES);
		take_recipients(&e->r, arena, back);
	}
	pack_skip_n(&e->r, count >= 4 ? count - 4 : count);
}

static bool read_hit(struct entry_reader *e, struct journal_entry *entry)
{
	entry->detail = take_bytes(e);
	entry->has_thread = take_id(e, &entry->thread);
	entry->what = take_bytes(e);
	entry->class = take_bytes(e);
	entry->address = take_bytes(e);
	entry->has_message = take_id(e, &entry->message);
	entry->url = take_bytes(e);
	entry->agent = take_bytes(e);
	entry->evidence = take_bytes(e);
	return entry->detail.n > 0;
}

static bool read_commit(struct entry_reader *e, struct arena *arena, struct journal_entry *entry)
{
	entry->has_message = take_id(e, &entry->message);
	entry->has_thread = take_id(e, &entry->thread);
	entry->bits = take_u64(e);
	take_any(e); /* S */
	take_way(e, entry);
	take_back(e, arena, entry);
	entry->answered_ms = -1;
	if (e->left) {
		e->left--;
		entry->answered_ms = pack_read_i64(&e->r);
	}
	return entry->has_message && entry->has_thread;
}

static bool read_merge(struct entry_reader *e, struct journal_entry *entry)
{
	entry->has_thread = take_id(e, &entry->thread);
	entry->has_absorbed = take_id(e, &entry->absorbed);
	take_any(e); /* S */
	take_dropped(e, entry);
	return entry->has_thread && entry->has_absorbed;
}

static bool read_user(struct entry_reader *e, struct journal_entry *entry)
{
	entry->has_thread = take_id(e, &entry->thread);
	entry->what = take_bytes(e);
	take_any(e); /* S */
	entry->user = take_bytes(e);
	return entry->has_thread;
}

static bool read_deleted(struct entry_reader *e, struct arena *arena, struct journal_entry *entry)
{
	entry->has_thread = take_id(e, &entry->thread);
	take_ids(e, arena, entry);
	take_any(e); /* S */
	entry->user = take_bytes(e);
	entry->shared = take_u64(e) == 1;
	return entry->has_thread;
}

static bool read_body(struct entry_reader *e, struct arena *arena, struct journal_entry *entry)
{
	switch (entry->type) {
	case JOURNAL_COMMIT:
		return read_commit(e, arena, entry);
	case JOURNAL_MERGE:
		return read_merge(e, entry);
	case JOURNAL_USER:
		return read_user(e, entry);
	case JOURNAL_DELETED:
		return read_deleted(e, arena, entry);
	case JOURNAL_KEYWORDS:
	case JOURNAL_MOVED:
		entry->has_message = take_id(e, &entry->message);
		entry->has_thread = take_id(e, &entry->thread);
		return entry->has_message;
	case JOURNAL_ASIDE:
		entry->has_message = take_id(e, &entry->message);
		entry->detail = take_bytes(e);
		return entry->has_message;
	case JOURNAL_ACCOUNT:
		entry->what = take_bytes(e);
		entry->detail = take_bytes(e);
		return entry->what.n > 0;
	case JOURNAL_HIT:
		return read_hit(e, entry);
	case JOURNAL_SUBMISSION:
		entry->detail = take_bytes(e);
		entry->what = take_bytes(e);
		entry->has_thread = take_id(e, &entry->thread);
		return entry->detail.n > 0;
	}
	return true;
}

enum err_code journal_read(struct span packed, struct arena *arena, struct journal_entry *entry_out)
{
	struct entry_reader e = {.r = pack_reader_make(packed)};
	struct journal_entry entry = {0};
	struct span type;

	e.left = pack_read_array(&e.r);
	if (e.left < 2)
		return ERR_PERM;
	type = take_bytes(&e);
	e.left--;
	entry.at_ms = pack_read_i64(&e.r);
	if (type.n != 1)
		return ERR_PERM;
	entry.type = (enum journal_type)type.p[0];
	if (!read_body(&e, arena, &entry))
		return ERR_PERM;
	pack_skip_n(&e.r, e.left);
	if (!pack_done(&e.r))
		return ERR_PERM;
	*entry_out = entry;
	return ERR_OK;
}

struct event_list {
	struct journal_event *events;
	size_t count;
};

static void add(struct event_list *list, const char *name, enum journal_audience audience,
		bool company, const struct id *message)
{
	struct journal_event *event;

	if (list->count == JOURNAL_EVENTS_MAX)
		return;
	event = &list->events[list->count++];
	*event = (struct journal_event){.name = name, .audience = audience, .company = company};
	event->has_message = message != NULL;
	if (message)
		event->message = *message;
}

static void commit_events(const struct journal_entry *entry, struct event_list *list)
{
	add(list, "message.created", JOURNAL_FOR_THREAD, true, &entry->message);
	add(list, "thread.updated", JOURNAL_FOR_THREAD, true, NULL);
	if (entry->bits & JOURNAL_LINKED)
		add(list, "thread.linked", JOURNAL_FOR_THREAD, true, NULL);
	if (entry->bits & JOURNAL_LINK_SKIPPED)
		add(list, "thread.link_skipped", JOURNAL_FOR_OWNER, false, NULL);
	if (entry->bits & JOURNAL_REPLY)
		add(list, "thread.replied", JOURNAL_FOR_THREAD, true, &entry->message);
	if (entry->bits & JOURNAL_AUTO_REPLY)
		add(list, "message.auto_replied", JOURNAL_FOR_THREAD, true, &entry->message);
	if (entry->bits & JOURNAL_BOUNCE)
		add(list, "message.bounced", JOURNAL_FOR_THREAD, true, &entry->message);
	if (span_eq(entry->back.what, SPAN_LIT("complained")))
		add(list, "message.complained", JOURNAL_FOR_THREAD, true, &entry->message);
	if (span_eq(entry->back.what, SPAN_LIT("unsubscribed")))
		add(list, "message.unsubscribed", JOURNAL_FOR_THREAD, true, &entry->message);
}

static void user_events(const struct journal_entry *entry, struct event_list *list)
{
	static const struct {
		const char *what, *name;
	} named[] = {{"shared", "thread.shared"},
		     {"unshared", "thread.unshared"},
		     {"linked", "thread.linked"},
		     {"unlinked", "thread.unlinked"}};

	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++)
		if (span_eq(entry->what, span_cstr(named[i].what)))
			add(list, named[i].name, JOURNAL_FOR_THREAD, true, NULL);
	if (span_eq(entry->what, SPAN_LIT("archived")) ||
	    span_eq(entry->what, SPAN_LIT("unarchived")) ||
	    span_eq(entry->what, SPAN_LIT("read")) || span_eq(entry->what, SPAN_LIT("unread")))
		add(list, "thread.updated", JOURNAL_FOR_OWNER, false, NULL);
	else
		add(list, "thread.updated", JOURNAL_FOR_THREAD, true, NULL);
}

static void account_events(const struct journal_entry *entry, struct event_list *list)
{
	static const char *const names[] = {"account.created",
					    "account.connected",
					    "account.auth_failed",
					    "account.connect_failed",
					    "account.paused",
					    "account.deleted",
					    "account.initial_sync_completed",
					    "account.backfill_progress",
					    "account.backfill_completed",
					    "account.backfill_cancelled"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_eq(entry->what, span_cstr(names[i] + sizeof("account.") - 1)))
			add(list, names[i], JOURNAL_FOR_OWNER, true, NULL);
}

static void submission_events(const struct journal_entry *entry, struct event_list *list)
{
	static const char *const names[] = {"submission.queued",  "submission.sent",
					    "submission.delayed", "submission.failed",
					    "submission.unknown", "submission.cancelled"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_eq(entry->what, span_cstr(names[i] + sizeof("submission.") - 1)))
			add(list, names[i], JOURNAL_FOR_OWNER, true, NULL);
}

static void hit_events(const struct journal_entry *entry, struct event_list *list)
{
	static const char *const names[] = {"message.opened", "message.clicked",
					    "message.unsubscribed"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_eq(entry->what, span_cstr(names[i] + sizeof("message.") - 1)))
			add(list, names[i], JOURNAL_FOR_THREAD, true,
			    entry->has_message ? &entry->message : NULL);
}

static void deleted_events(const struct journal_entry *entry, struct event_list *list)
{
	for (size_t i = 0; i < entry->deleted_count && list->count < JOURNAL_EVENTS_MAX - 1; i++)
		add(list, "message.deleted", JOURNAL_FOR_OWNER, true, &entry->deleted[i]);
	add(list, "thread.updated", JOURNAL_FOR_OWNER, true, NULL);
}

size_t journal_events(const struct journal_entry *entry,
		      struct journal_event events_out[JOURNAL_EVENTS_MAX])
{
	struct event_list list = {.events = events_out};

	switch (entry->type) {
	case JOURNAL_COMMIT:
		commit_events(entry, &list);
		break;
	case JOURNAL_MERGE:
		add(&list, "thread.merged", JOURNAL_FOR_THREAD, true, NULL);
		break;
	case JOURNAL_USER:
		user_events(entry, &list);
		break;
	case JOURNAL_KEYWORDS:
		add(&list, "message.updated", JOURNAL_FOR_OWNER, true, &entry->message);
		break;
	case JOURNAL_MOVED:
		add(&list, "message.moved", JOURNAL_FOR_OWNER, true, &entry->message);
		break;
	case JOURNAL_DELETED:
		deleted_events(entry, &list);
		break;
	case JOURNAL_ASIDE:
		add(&list, "message.set_aside", JOURNAL_FOR_OWNER, true, &entry->message);
		break;
	case JOURNAL_ACCOUNT:
		account_events(entry, &list);
		break;
	case JOURNAL_HIT:
		hit_events(entry, &list);
		break;
	case JOURNAL_SUBMISSION:
		submission_events(entry, &list);
		break;
	}
	return list.count;
}
