#include "gateway/compose_reference.h"

#include "gateway/compose_parts.h"
#include "gateway/compose_quote.h"
#include "gateway/json.h"
#include "gateway/message_view.h"
#include "gateway/problem.h"
#include "gateway/reply_check.h"

struct plan {
	enum compose_action action;
	bool quote, attachments;
};

static struct plan plan_of(const json_t *reference)
{
	struct span action = json_get_span(reference, "action");
	struct plan plan = {.action = span_eq(action, SPAN_LIT("forward"))    ? COMPOSE_FORWARD
				      : span_eq(action, SPAN_LIT("replyAll")) ? COMPOSE_REPLY_ALL
									      : COMPOSE_REPLY};
	bool forward = plan.action == COMPOSE_FORWARD;

	plan.quote = json_get_bool(reference, "inline", forward);
	plan.attachments = json_get_bool(reference, "forwardAttachments", forward);
	return plan;
}

/* Its text and its safe HTML; NULL: a problem is answered. */
static json_t *body_read(struct http_request *r, const struct compose_source *source)
{
	struct wire_render ask = {.want = SPAN_LIT("body"), .remote = 1};
	struct wire_rendered answer;
	json_t *body = NULL;
	struct buf bytes;
	struct err e;

	buf_init(&bytes, WIRE_RENDER_MAX);
	if (mail_message_render(r, source->thread.account, &source->message.record, &ask, &answer,
				&bytes, &e) != ERR_OK)
		problem_from_err(r, &e);
	else if (!(body = json_loadb((const char *)bytes.p, bytes.n, 0, NULL)))
		problem_answer(r, PROBLEM_INTERNAL, "The message could not be read by a parser.");
	buf_fini(&bytes);
	return body;
}

static bool take_original(struct http_request *r, json_t *message,
			  const struct compose_source *source, const json_t *facts,
			  const struct plan *plan)
{
	json_t *attachments = json_object_get(message, "attachments");
	json_t *body = NULL;
	bool ok = true;

	if (plan->quote) {
		body = body_read(r, source);
		if (!body)
			return false;
		compose_quote_body(message, facts, body, plan->action);
		json_decref(body);
	}
	if (!attachments) {
		attachments = json_array();
		json_object_set_new(message, "attachments", attachments);
	}
	if (plan->quote || plan->attachments)
		ok = compose_parts_take(r, source, facts, json_get_text(message, "html"),
					plan->attachments, attachments);
	return ok;
}

/* Is anything missing that the original gives? */
static bool wanted(const json_t *message, const struct plan *plan)
{
	return plan->quote || plan->attachments || !json_get_text(message, "subject") ||
	       !(json_array_size(json_object_get(message, "to")) ||
		 json_array_size(json_object_get(message, "cc")) ||
		 json_array_size(json_object_get(message, "bcc")));
}

bool compose_reference(struct http_request *r, json_t *message, const char *own)
{
	const json_t *reference = json_object_get(message, "reference");
	struct plan plan = plan_of(reference);
	struct compose_source source;
	json_t *facts;
	struct err e;
	bool ok;

	if (!reference)
		return true;
	if (!reply_check(r, json_get_span(reference, "messageId")))
		return false;
	if (!wanted(message, &plan))
		return true;
	if (!mail_message_get(r, json_get_span(reference, "messageId"), &source.message,
			      &source.thread))
		return false;
	facts = message_view_full(r, &source.thread, &source.message, &e);
	if (!facts) {
		problem_from_err(r, &e);
		return false;
	}
	compose_quote_recipients(message, facts, plan.action, own);
	compose_quote_subject(message, facts, plan.action);
	ok = take_original(r, message, &source, facts, &plan);
	json_decref(facts);
	return ok;
}
