#include "gateway/compose_parts.h"

#include "common/base/code.h"
#include "gateway/json.h"
#include "gateway/problem.h"

#define CONTENT_MAX ((size_t)64 << 20)
#define ENCODED_MAX ((size_t)90 << 20)

static bool too_many(struct http_request *r, const json_t *attachments)
{
	if (json_array_size(attachments) < COMPOSE_ATTACHMENTS_MAX)
		return false;
	problem_answer(r, PROBLEM_INVALID_ATTACHMENT, "At most %d attachments go in one message.",
		       COMPOSE_ATTACHMENTS_MAX);
	return true;
}

static json_t *base64_json(struct span content)
{
	struct buf text;
	json_t *value;

	buf_init(&text, ENCODED_MAX);
	base64_encode(content, &text);
	value = buf_ok(&text) ? json_stringn((const char *)text.p, text.n) : NULL;
	buf_fini(&text);
	return value;
}

/* The decoded octets of a part, in base64; NULL: a problem is answered. */
static json_t *part_content(struct http_request *r, const struct compose_source *source,
			    struct span part, struct wire_rendered *answer_out)
{
	struct wire_render ask = {.want = SPAN_LIT("part"), .part = part};
	json_t *content = NULL;
	struct buf bytes;
	struct err e;

	buf_init(&bytes, CONTENT_MAX);
	if (mail_message_render(r, source->thread.account, &source->message.record, &ask,
				answer_out, &bytes, &e) != ERR_OK)
		problem_from_err(r, &e);
	else if (span_eq(answer_out->status, SPAN_LIT("ok")))
		content = base64_json(buf_span(&bytes));
	else
		problem_answer(r, PROBLEM_UNKNOWN_REFERENCE, "An attachment's part is not there.");
	buf_fini(&bytes);
	return content;
}

/* A name or type from a stored message, fit for a header. */
static json_t *clean(struct span value, const char *fallback)
{
	struct buf text;
	json_t *json;

	buf_init(&text, 256);
	for (size_t i = 0; i < value.n && i < 250; i++)
		if (value.p[i] >= 0x20 && value.p[i] != 0x7f)
			buf_put_byte(&text, value.p[i]);
	if (!text.n)
		buf_put_cstr(&text, fallback);
	json = json_from_span(buf_span(&text));
	buf_fini(&text);
	return json;
}

static bool cid_ok(const char *cid)
{
	size_t n = strlen(cid);

	for (size_t i = 0; i < n; i++)
		if (cid[i] <= 0x20 || cid[i] >= 0x7f || strchr("<>\"", cid[i]))
			return false;
	return n > 0 && n <= 255;
}

/* Is `cid:…` of this id in the HTML, and no longer one? */
static bool shown(const char *html, const char *cid)
{
	size_t n = strlen(cid);

	for (const char *p = html; (p = strstr(p, "cid:")) != NULL; p += 4)
		if (strncmp(p + 4, cid, n) == 0 && (!p[4 + n] || strchr("\"'>) ", p[4 + n])))
			return true;
	return false;
}

static bool take_part(struct http_request *r, const struct compose_source *source,
		      const json_t *part, const char *cid, json_t *attachments)
{
	struct span type = json_get_span(part, "type");
	bool message = span_ieq(type, SPAN_LIT("message/rfc822"));
	struct wire_rendered answer;
	json_t *content, *taken;

	if (too_many(r, attachments))
		return false;
	content = part_content(r, source, json_get_span(part, "partId"), &answer);
	if (!content)
		return false;
	taken = json_pack(
		"{s:o s:o s:o}", "name",
		clean(json_get_span(part, "name"), message ? "message.eml" : "attachment"), "type",
		clean(type, "application/octet-stream"), "content", content);
	if (cid)
		json_object_set_new(taken, "contentId", json_string(cid));
	json_array_append_new(attachments, taken);
	return true;
}

bool compose_parts_take(struct http_request *r, const struct compose_source *source,
			const json_t *facts, const char *html, bool all, json_t *attachments)
{
	const json_t *list = json_object_get(facts, "attachments");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *part = json_array_get(list, i);
		const char *cid = json_get_text(part, "cid");

		if (cid && (!html || !cid_ok(cid) || !shown(html, cid)))
			cid = NULL;
		if ((cid || all) && json_get_text(part, "partId") &&
		    !take_part(r, source, part, cid, attachments))
			return false;
	}
	return true;
}

static bool fill_message(struct http_request *r, const struct compose_source *source,
			 json_t *attachment)
{
	json_t *content = NULL;
	struct buf raw;
	struct err e;

	if (source->thread.visibility != VISIBLE_OWNER) {
		problem_answer(r, PROBLEM_NOT_OWNER,
			       "The source of a message is its owner's alone.");
		return false;
	}
	buf_init(&raw, CONTENT_MAX);
	if (mail_message_raw(r, source->thread.account, &source->message.record, &raw, &e) !=
	    ERR_OK)
		problem_from_err(r, &e);
	else
		content = base64_json(buf_span(&raw));
	buf_fini(&raw);
	if (!content)
		return false;
	json_object_set_new(attachment, "content", content);
	return true;
}

static bool fill_one(struct http_request *r, json_t *attachment)
{
	struct span blob = json_get_span(attachment, "blobId");
	size_t slash = span_find_byte(blob, '/');
	struct compose_source source;
	struct wire_rendered answer;
	json_t *content;

	if (!mail_message_get(r, span_sub(blob, 0, slash), &source.message, &source.thread)) {
		if (r->answer.status == 404)
			problem_answer(r, PROBLEM_UNKNOWN_REFERENCE,
				       "`blobId` names no message that you see.");
		return false;
	}
	if (slash == blob.n)
		return fill_message(r, &source, attachment);
	content = part_content(r, &source, span_sub(blob, slash + 1, 64), &answer);
	if (!content)
		return false;
	json_object_set_new(attachment, "content", content);
	return true;
}

bool compose_parts_fill(struct http_request *r, json_t *attachments)
{
	for (size_t i = 0; i < json_array_size(attachments); i++) {
		json_t *attachment = json_array_get(attachments, i);

		if (json_get_text(attachment, "content"))
			continue;
		if (!json_get_text(attachment, "blobId")) {
			problem_answer(r, PROBLEM_INVALID_ATTACHMENT,
				       "`attachments[%zu]` has neither content nor blobId.", i);
			return false;
		}
		if (!fill_one(r, attachment))
			return false;
		json_object_del(attachment, "blobId");
	}
	return true;
}
