/* One message: its facts, its safe body, its raw bytes and its attachments. */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/mail_message.h"
#include "gateway/message_view.h"
#include "gateway/problem.h"
#include "gateway/routes.h"
#include "gateway/thread_action.h"

static void private_answer(struct http_request *r)
{
	http_answer_header(r, "Cache-Control", "no-store");
	http_answer_header(r, "X-Content-Type-Options", "nosniff");
	http_answer_header(r, "Content-Security-Policy", "sandbox; default-src 'none'");
}

static void get_message(struct http_request *r)
{
	struct mail_message message;
	struct mail_thread thread;
	json_t *object;
	struct err e;

	if (!mail_message_get(r, r->ids[0], &message, &thread))
		return;
	object = message_view_full(r, &thread, &message, &e);
	if (object)
		http_answer_json(r, 200, object);
	else
		problem_from_err(r, &e);
	private_answer(r);
}

static void delete_message(struct http_request *r)
{
	struct mail_message message;
	struct mail_thread thread;

	if (!mail_message_get(r, r->ids[0], &message, &thread))
		return;
	if (thread.visibility != VISIBLE_OWNER)
		problem_answer(r, PROBLEM_NOT_OWNER, "The message is in another user's mailbox.");
	else if (thread_action_delete_message(r, &thread, &message.record.id))
		http_answer_empty(r, 204);
}

/* Asks a parser and checks its answer; false: a problem is answered. bytes is the caller's to free in any case. */
static bool render(struct http_request *r, struct wire_render *ask,
		   struct wire_rendered *answer_out, struct buf *bytes)
{
	struct mail_message message;
	struct mail_thread thread;
	struct err e;

	if (!mail_message_get(r, r->ids[0], &message, &thread))
		return false;
	if (mail_message_render(r, thread.account, &message.record, ask, answer_out, bytes, &e) !=
	    ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (span_eq(answer_out->status, SPAN_LIT("ok")))
		return true;
	if (span_eq(answer_out->status, SPAN_LIT("no_part")))
		problem_not_found(r);
	else
		problem_answer(r, PROBLEM_INTERNAL, "The message could not be read by a parser.");
	return false;
}

static void get_body(struct http_request *r)
{
	struct wire_render ask = {.want = SPAN_LIT("body"), .remote = http_query_true(r, "remote")};
	struct wire_rendered answer;
	struct buf bytes;

	buf_init(&bytes, WIRE_RENDER_MAX);
	if (render(r, &ask, &answer, &bytes))
		http_answer_json_text(r, 200, buf_span(&bytes));
	buf_fini(&bytes);
	private_answer(r);
}

static void get_raw(struct http_request *r)
{
	struct mail_message message;
	struct mail_thread thread;
	struct buf raw;
	struct err e;

	if (!mail_message_get(r, r->ids[0], &message, &thread))
		return;
	if (thread.visibility !=
	    VISIBLE_OWNER) { /* it holds Bcc and transport headers: the owner's alone */
		problem_answer(r, PROBLEM_NOT_OWNER,
			       "The source of a message is its owner's alone.");
		return;
	}
	buf_init(&raw, WIRE_RENDER_MAX);
	if (mail_message_raw(r, thread.account, &message.record, &raw, &e) == ERR_OK)
		http_answer_bytes(r, 200, "message/rfc822", &raw);
	else
		problem_from_err(r, &e);
	buf_fini(&raw);
	private_answer(r);
}

/* One range `bytes=first-[last]` (RFC 9110 section 14); anything else is ignored, as the RFC allows. */
static bool range_read(struct http_request *r, uint64_t *offset_out, uint64_t *limit_out)
{
	const char *value = http_header(r, "Range");
	struct span s = span_cstr(value), first, last;
	uint64_t end = UINT32_MAX;
	size_t dash;

	*offset_out = 0;
	*limit_out = 0;
	if (!value || !span_istarts(s, SPAN_LIT("bytes=")))
		return false;
	s = span_sub(s, 6, s.n);
	dash = span_find_byte(s, '-');
	first = span_sub(s, 0, dash);
	last = span_sub(s, dash + 1, s.n);
	if (!span_to_u64(first, UINT32_MAX, offset_out) ||
	    (last.n && !span_to_u64(last, UINT32_MAX, &end)) || end < *offset_out)
		return false;
	*limit_out = last.n ? end - *offset_out + 1 : 0;
	return true;
}

/* A file name fit for a header: RFC 6266, the UTF-8 form percent-encoded. */
static char *disposition(struct http_request *r, struct span name)
{
	struct buf out;
	char *value;

	buf_init(&out, 8192);
	buf_put_cstr(&out, "attachment; filename*=UTF-8''");
	for (size_t i = 0; i < name.n && i < 255; i++) {
		uint8_t c = name.p[i];

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    c == '.' || c == '-' || c == '_')
			buf_put_byte(&out, c);
		else
			buf_printf(&out, "%%%02X", c);
	}
	value = arena_cstr(r->arena, buf_span(&out));
	buf_fini(&out);
	return value;
}

/* What a browser would run is given as bytes. */
static const char *safe_type(struct http_request *r, struct span type)
{
	static const char *const active[] = {"text/html", "application/xhtml+xml", "image/svg+xml",
					     "text/xml", "application/xml"};

	for (size_t i = 0; i < type.n; i++)
		if (type.p[i] <= 0x20 || type.p[i] >= 0x7f || type.p[i] == ';' || type.p[i] == '"')
			return "application/octet-stream";
	for (size_t i = 0; i < sizeof(active) / sizeof(*active); i++)
		if (span_ieq(type, span_cstr(active[i])))
			return "application/octet-stream";
	return type.n ? arena_cstr(r->arena, type) : "application/octet-stream";
}

static void answer_part(struct http_request *r, const struct wire_rendered *answer, uint64_t offset,
			bool range, struct buf *bytes)
{
	unsigned long long first = offset, last = offset + bytes->n, total = answer->total;

	if (range && (offset >= answer->total || !bytes->n)) {
		problem_answer(r, PROBLEM_RANGE_NOT_SATISFIABLE, "The part has %llu octets.",
			       total);
		return;
	}
	http_answer_bytes(r, range ? 206 : 200, safe_type(r, answer->type), bytes);
	if (range)
		http_answer_header(
			r, "Content-Range",
			arena_printf(r->arena, "bytes %llu-%llu/%llu", first, last - 1, total));
	http_answer_header(r, "Content-Disposition", disposition(r, answer->name));
	http_answer_header(r, "Accept-Ranges", "bytes");
}

static void get_attachment(struct http_request *r)
{
	struct wire_render ask = {.want = SPAN_LIT("part"), .part = r->ids[1]};
	bool range = range_read(r, &ask.offset, &ask.limit);
	struct wire_rendered answer;
	struct buf bytes;

	if (r->ids[1].n > 64) {
		problem_not_found(r);
		return;
	}
	buf_init(&bytes, WIRE_RENDER_MAX);
	if (render(r, &ask, &answer, &bytes))
		answer_part(r, &answer, ask.offset, range, &bytes);
	buf_fini(&bytes);
	private_answer(r);
}

static const struct json_field body_query[] = {
	{.name = "remote", .type = FIELD_BOOL, .help = "Keeps remote content in the HTML."},
	{.name = NULL}};

static const struct route routes[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/messages/{message}",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = get_message,
	 .status = 200,
	 .summary = "All of a message's facts, by their RFC 8621 names; embedded: files in parts "
		    "(winmail.dat, uuencode)."},
	{.method = HTTP_DELETE,
	 .pattern = "/v1/messages/{message}",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = delete_message,
	 .status = 204,
	 .summary = "Removes one message; it stays away through every later sync."},
	{.method = HTTP_GET,
	 .pattern = "/v1/messages/{message}/body",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = get_body,
	 .query = body_query,
	 .status = 200,
	 .summary = "Safe HTML and text."},
	{.method = HTTP_GET,
	 .pattern = "/v1/messages/{message}/raw",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = get_raw,
	 .status = 200,
	 .summary = "The message as it came, message/rfc822; for its owner."},
	{.method = HTTP_GET,
	 .pattern = "/v1/messages/{message}/attachments/{part}",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = get_attachment,
	 .status = 200,
	 .summary = "The decoded octets of a part or embedded file; takes a Range."},
};

ROUTE_TABLE(route_messages_table, "messages", routes);
