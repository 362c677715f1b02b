#include "sender/request.h"

#include <stdlib.h>

#include "common/base/code.h"

#define CONTENT_MAX ((size_t)64 << 20)
#define REFERENCES_MAX 100

static struct span text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? span_make(json_string_value(value), json_string_length(value))
		       : span_make(NULL, 0);
}

static struct compose_address address_of(const json_t *value)
{
	return (struct compose_address){.name = text_of(value, "name"),
					.email = span_trim(text_of(value, "email"))};
}

static struct compose_addresses addresses_of(const json_t *object, const char *name,
					     struct arena *arena)
{
	const json_t *list = json_object_get(object, name);
	size_t count = json_array_size(list);
	struct compose_address *items = arena_array(arena, count, sizeof(*items));

	for (size_t i = 0; i < count; i++)
		items[i] = address_of(json_array_get(list, i));
	return (struct compose_addresses){items, count};
}

/* An id with or without its angle brackets. */
static struct span bare_id(struct span id)
{
	id = span_trim(id);
	if (id.n >= 2 && id.p[0] == '<' && id.p[id.n - 1] == '>')
		id = span_sub(id, 1, id.n - 2);
	return id;
}

static void take_ids(struct request *r, struct arena *arena)
{
	const json_t *list = json_object_get(r->json, "references");
	size_t count = json_array_size(list);
	struct span *ids;

	if (count > REFERENCES_MAX)
		count = REFERENCES_MAX;
	ids = arena_array(arena, count, sizeof(*ids));
	for (size_t i = 0; i < count; i++) {
		const json_t *id = json_array_get(list, i);

		if (json_is_string(id))
			ids[r->message.reference_count++] =
				bare_id(span_make(json_string_value(id), json_string_length(id)));
	}
	r->message.references = ids;
	r->message.in_reply_to = bare_id(text_of(r->json, "inReplyTo"));
}

static enum err_code take_attachment(struct request *r, const json_t *value,
				     struct compose_attachment *a, struct err *e)
{
	struct buf *content = &r->contents[r->content_count++];

	buf_init(content, CONTENT_MAX);
	if (json_object_get(value, "blobId") && !json_object_get(value, "content"))
		return err_set(e, ERR_PERM, ERR_ITEM, "attachment_unsupported",
			       "An attachment is given by blobId, which cannot be sent yet.");
	if (!base64_decode(text_of(value, "content"), content) || !buf_ok(content))
		return err_set(e, ERR_PERM, ERR_ITEM, "request_damaged",
			       "The content of an attachment is not base64.");
	*a = (struct compose_attachment){.name = text_of(value, "name"),
					 .type = text_of(value, "type"),
					 .content_id = bare_id(text_of(value, "contentId")),
					 .content = buf_span(content)};
	return ERR_OK;
}

static enum err_code take_attachments(struct request *r, struct arena *arena, struct err *e)
{
	const json_t *list = json_object_get(r->json, "attachments");
	size_t count = json_array_size(list);
	struct compose_attachment *items;

	if (count > COMPOSE_ATTACHMENTS_MAX)
		return err_set(e, ERR_PERM, ERR_ITEM, "too_many_attachments",
			       "The message has %zu attachments; at most %d go in one message.",
			       count, COMPOSE_ATTACHMENTS_MAX);
	items = arena_array(arena, count, sizeof(*items));
	r->contents = arena_array(arena, count, sizeof(*r->contents));
	for (size_t i = 0; i < count; i++) {
		enum err_code code = take_attachment(r, json_array_get(list, i), &items[i], e);

		if (code != ERR_OK)
			return code;
	}
	r->message.attachments = items;
	r->message.attachment_count = count;
	return ERR_OK;
}

static void take_tracking(struct request *r)
{
	const json_t *tracking = json_object_get(r->json, "_tracking");

	r->opens = json_is_true(json_object_get(tracking, "opens"));
	r->clicks = json_is_true(json_object_get(tracking, "clicks"));
	r->unsubscribe =
		json_is_true(json_object_get(json_object_get(r->json, "unsubscribe"), "ours"));
	r->tracking_base = text_of(tracking, "base");
}

static bool load(struct span json, struct span shared, struct request *r)
{
	json_t *more;

	r->json = json_loadb((const char *)json.p, json.n, JSON_ALLOW_NUL, NULL);
	if (!shared.n)
		return json_is_object(r->json);
	more = json_loadb((const char *)shared.p, shared.n, JSON_ALLOW_NUL, NULL);
	if (json_is_object(more) && json_is_object(r->json)) {
		json_object_update_missing(r->json, more);
		json_decref(more);
		return true;
	}
	json_decref(more);
	return false;
}

enum err_code request_read(struct span json, struct span shared, struct arena *arena,
			   struct request *request_out, struct err *e)
{
	struct request *r = request_out;
	struct compose_message *m = &r->message;
	const json_t *reference;

	*r = (struct request){.json = NULL};
	if (!load(json, shared, r))
		return err_set(e, ERR_PERM, ERR_ITEM, "request_damaged",
			       "The request is not a JSON object.");
	m->from = address_of(json_object_get(r->json, "from"));
	m->to = addresses_of(r->json, "to", arena);
	m->cc = addresses_of(r->json, "cc", arena);
	m->bcc = addresses_of(r->json, "bcc", arena);
	m->reply_to = addresses_of(r->json, "replyTo", arena);
	m->subject = text_of(r->json, "subject");
	m->html = text_of(r->json, "html");
	m->text = text_of(r->json, "text");
	m->unsubscribe.url = text_of(json_object_get(r->json, "unsubscribe"), "url");
	m->unsubscribe.email = text_of(json_object_get(r->json, "unsubscribe"), "email");
	take_tracking(r);
	reference = json_object_get(r->json, "reference");
	r->reference = text_of(reference, "messageId");
	r->forward = span_eq(text_of(reference, "action"), SPAN_LIT("forward"));
	take_ids(r, arena);
	return take_attachments(r, arena, e);
}

void request_free(struct request *request)
{
	for (size_t i = 0; i < request->content_count; i++)
		buf_fini(&request->contents[i]);
	json_decref(request->json);
	*request = (struct request){.json = NULL};
}
