#include "gateway/event_detail.h"

#include "gateway/json.h"
#include "gateway/mail_message.h"

static void put_text(json_t *object, const char *name, struct span text)
{
	if (text.n)
		json_object_set_new(object, name, json_from_span(text));
}

static void put_recipients(const struct journal_back *back, json_t *data)
{
	json_t *list = json_array();

	for (size_t i = 0; i < back->count; i++) {
		json_t *one = json_object();

		put_text(one, "email", back->list[i][0]);
		put_text(one, "status", back->list[i][1]);
		json_array_append_new(list, one);
	}
	json_object_set_new(data, "recipients", list);
}

static void put_back(struct http_request *r, const struct event_item *item, json_t *data)
{
	const struct journal_back *back = &item->entry.back;

	put_text(data, "submissionId", back->submission);
	if (back->has_sent)
		json_object_set_new(data, "sentMessageId",
				    json_string(mail_public_id(r, item->account, &back->sent)));
	if (r->viewer.user.n)
		put_recipients(back, data);
}

static void put_hit(const struct journal_entry *entry, json_t *data)
{
	put_text(data, "class", entry->class);
	put_text(data, "evidence", entry->evidence);
	put_text(data, "recipient", entry->address);
	put_text(data, "url", entry->url);
	put_text(data, "userAgent", entry->agent);
}

static bool is_named(const char *name, const char *wanted)
{
	return strcmp(name, wanted) == 0;
}

void event_detail_put(struct http_request *r, const struct event_item *item, const char *name,
		      json_t *data)
{
	const struct journal_entry *entry = &item->entry;

	if (entry->type == JOURNAL_HIT && r->viewer.user.n)
		put_hit(entry, data);
	if (entry->type != JOURNAL_COMMIT)
		return;
	if (is_named(name, "thread.replied") && entry->answered_ms >= 0)
		json_object_set_new(data, "answeredAfterMs", json_integer(entry->answered_ms));
	if (entry->back.what.n &&
	    (is_named(name, "message.bounced") || is_named(name, "message.complained") ||
	     is_named(name, "message.unsubscribed")))
		put_back(r, item, data);
}
