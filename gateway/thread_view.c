#include "gateway/thread_view.h"

#include "common/base/address.h"
#include "common/wire/pack.h"
#include "gateway/json.h"
#include "gateway/mail_newest.h"
#include "gateway/message_view.h"

enum { NEWEST = 20, PARTICIPANTS_MAX = 30 };

static const struct {
	const char *letter, *kind;
} kinds[] = {{"d", "deal"}, {"l", "lead"}, {"p", "project"}};

const char *thread_view_kind(struct span letter)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (span_eq(letter, span_cstr(kinds[i].letter)))
			return kinds[i].kind;
	return "";
}

char thread_view_letter(struct span kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (span_eq(kind, span_cstr(kinds[i].kind)))
			return kinds[i].letter[0];
	return 0;
}

/* What the newest messages say. */
struct digest {
	struct span preview;
	json_t *participants;
	bool unread;
};

static bool has_participant(const json_t *list, struct span email)
{
	size_t i;
	json_t *entry;

	json_array_foreach(list, i,
			   entry) if (span_ieq(json_get_span(entry, "email"), email)) return true;
	return false;
}

static void add_participants(struct digest *d, struct pack_reader *p)
{
	size_t count = pack_read_array(p);

	for (size_t i = 0; i < count; i++) {
		struct span name, email;

		mail_card_address(p, &name, &email);
		if (!email.n || json_array_size(d->participants) >= PARTICIPANTS_MAX ||
		    has_participant(d->participants, email))
			continue;
		json_array_append_new(d->participants, message_view_address(name, email));
	}
}

static void digest_card(struct digest *d, struct span card, bool newest)
{
	struct pack_reader p = pack_reader_make(card);
	size_t pairs = pack_read_map(&p);

	for (size_t i = 0; i < pairs && !p.bad; i++) {
		struct span key = pack_read_bytes(&p);

		if (span_eq(key, SPAN_LIT("p")) && newest)
			d->preview = pack_read_bytes(&p);
		else if (span_eq(key, SPAN_LIT("f")) || span_eq(key, SPAN_LIT("t")) ||
			 span_eq(key, SPAN_LIT("c")))
			add_participants(d, &p);
		else
			pack_skip(&p);
	}
}

static void digest_messages(const struct mail_thread *t, const struct mail_message *messages,
			    size_t count, struct digest *d)
{
	d->participants = json_array();
	for (size_t i = 0; i < count; i++) {
		const struct mail_record *record = &messages[i].record;
		bool newest = id_eq(&record->id, &t->state.last_id);
		uint64_t seen_n;
		bool seen = mail_places_seen(messages[i].places, &seen_n) ||
			    (record->bits & MAIL_OUTGOING);

		digest_card(d, record->card, newest);
		d->unread |= !thread_state_message_read(&t->state, record->n, newest, seen, seen_n);
	}
}

static json_t *link_json(const struct mail_thread *t)
{
	const struct thread_link *link = &t->state.link;

	if (!link->decided || !link->kind.n || !t->link_seen)
		return json_null();
	return json_pack("{s:s, s:o, s:s, s:o}", "kind", thread_view_kind(link->kind), "id",
			 json_from_span(link->id), "by", link->manual ? "manual" : "auto", "at",
			 json_from_time(link->at_ms));
}

static json_t *person_json(const struct mail_thread *t)
{
	const struct thread_person *person = &t->state.person;

	if (!person->decided || !person->id.n || !t->person_seen)
		return json_null();
	return json_pack("{s:o, s:s}", "id", json_from_span(person->id), "by",
			 person->manual ? "manual" : "auto");
}

static json_t *people_json(const struct mail_thread *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->state.people_count; i++)
		if (t->people_seen[i])
			json_array_append_new(list, json_from_span(t->state.people[i]));
	return list;
}

static const char *folder_state(const struct thread_state *s)
{
	if (s->archived)
		return "archive";
	return s->in_inbox ? "inbox" : "sent";
}

/* Read state, folder and the reason of the link decision are the owner's alone. */
static void add_owners_part(json_t *object, const struct mail_thread *t, bool unread)
{
	const struct thread_state *s = &t->state;
	bool linked = s->link.decided && s->link.kind.n;
	struct span reason = s->link.decided && !s->link.kind.n ? SPAN_LIT("manual_unlink")
								: s->skipped;

	json_object_set_new(object, "unread", json_boolean(unread));
	json_object_set_new(object, "folderState", json_string(folder_state(s)));
	json_object_set_new(object, "linkSkipped",
			    linked || !reason.n ? json_null() : json_from_span(reason));
}

static json_t *thread_json(struct http_request *r, const struct mail_thread *t, struct digest *d)
{
	json_t *object = json_object();

	json_object_set_new(object, "id", json_string(mail_public_id(r, t->account, &t->id)));
	json_object_set_new(object, "accountId", json_from_span(t->account->id));
	json_object_set_new(object, "subject", json_from_span(t->state.subject));
	json_object_set_new(object, "preview", json_from_span(d->preview));
	json_object_set_new(object, "messageCount", json_integer((json_int_t)t->state.count));
	json_object_set_new(object, "lastMessageAt", json_from_time(t->state.last_ms));
	json_object_set_new(object, "participants", d->participants);
	json_object_set_new(object, "people", people_json(t));
	json_object_set_new(object, "link", link_json(t));
	json_object_set_new(object, "person", person_json(t));
	json_object_set_new(object, "sharing", json_string(t->state.shared ? "shared" : "private"));
	json_object_set_new(object, "owner", json_from_span(t->account->user));
	if (t->visibility == VISIBLE_OWNER)
		add_owners_part(object, t, d->unread);
	return object;
}

enum err_code thread_views(struct http_request *r, const struct mail_thread *threads, size_t count,
			   bool unread_only, json_t **views_out, struct err *e)
{
	struct mail_newest *newest = arena_array(r->arena, count + 1, sizeof(*newest));
	enum err_code code = mail_newest_load(r, threads, count, NEWEST, newest, e);

	for (size_t i = 0; i < count && code == ERR_OK; i++) {
		struct digest d = {0};

		views_out[i] = NULL;
		if (threads[i].visibility == VISIBLE_NONE)
			continue;
		digest_messages(&threads[i], newest[i].messages, newest[i].count, &d);
		if (unread_only && !d.unread)
			json_decref(d.participants);
		else
			views_out[i] = thread_json(r, &threads[i], &d);
	}
	return code;
}

enum err_code thread_view(struct http_request *r, const struct mail_thread *thread,
			  json_t **view_out, struct err *e)
{
	*view_out = NULL;
	return thread_views(r, thread, 1, false, view_out, e);
}
