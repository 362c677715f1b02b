#include <stdlib.h>

#include "common/base/code.h"
#include "common/secret/secret.h"
#include "common/store/keys.h"
#include "gateway/bus_client.h"
#include "gateway/compose_parts.h"
#include "gateway/compose_reference.h"
#include "gateway/message_check.h"
#include "gateway/message_copies.h"
#include "gateway/message_fields.h"
#include "gateway/message_fill.h"
#include "gateway/outbox.h"
#include "gateway/outbox_view.h"
#include "gateway/page.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"
#include "gateway/suppression.h"
#include "gateway/tracking.h"

/* The account to send from: the viewer's own, else it is not there. */
static bool sending_account(struct http_request *r, struct span id, struct account_entry *entry)
{
	if (!account_entry_get(r, id, entry))
		return false;
	if (!entry->removed && account_belongs(&r->viewer, entry))
		return true;
	problem_not_found(r);
	return false;
}

static size_t recipients_of(const json_t *message)
{
	return json_array_size(json_object_get(message, "to")) +
	       json_array_size(json_object_get(message, "cc")) +
	       json_array_size(json_object_get(message, "bcc"));
}

static json_t *queued(struct http_request *r, const struct account_entry *entry,
		      const struct outbox_item *item)
{
	return json_from_span(span_cstr(
		arena_printf(r->arena, "%.*s~%.*s", (int)entry->id.n, (const char *)entry->id.p,
			     (int)item->submission.n, (const char *)item->submission.p)));
}

static json_t *queued_copies(struct http_request *r, const struct account_entry *entry,
			     const struct outbox_batch *batch, const struct message_copies *copies)
{
	json_t *list = json_array();

	for (size_t i = 0; i < copies->count; i++)
		json_array_append_new(
			list,
			json_pack("{s:o s:O}", "id", queued(r, entry, &batch->items[i]), "to",
				  json_array_get(json_object_get(copies->items[i], "to"), 0)));
	return list;
}

static void queued_answer(struct http_request *r, const struct account_entry *entry,
			  const struct outbox_batch *batch, const struct message_copies *copies)
{
	bool later = batch->send_at_ms > r->now_ms;
	json_t *answer = json_pack("{s:o s:s s:o}", "id", queued(r, entry, &batch->items[0]),
				   "status", later ? "scheduled" : "queued", "undoUntil",
				   batch->undo_ms ? json_from_time(r->now_ms + batch->undo_ms)
						  : json_null());

	if (copies)
		json_object_set_new(answer, "copies", queued_copies(r, entry, batch, copies));
	http_answer_json(r, 202, answer);
}

/* copies: NULL: the message itself. */
static void message_queue(struct http_request *r, const struct account_entry *entry,
			  const struct outbox_account *account, struct message_copies *copies)
{
	size_t count = copies ? copies->count : 1;
	struct outbox_item *items = arena_array(r->arena, count, sizeof(*items));
	struct outbox_batch batch = {.items = items,
				     .count = count,
				     .bulk = copies != NULL,
				     .send_at_ms = json_get_time_ms(r->json, "sendAt", 0)};
	json_t *shared = copies && count > 1 ? message_copies_share(copies) : NULL;

	if (shared)
		batch.shared = json_text(r->arena, shared);
	json_decref(shared);
	outbox_submissions_make(r, items, count);
	for (size_t i = 0; i < count; i++) {
		const json_t *message = copies ? copies->items[i] : r->json;

		items[i].request = json_text(r->arena, message);
		items[i].recipients = recipients_of(message);
	}
	if (!outbox_undo_ms(r, &batch.undo_ms) || !outbox_put(r, entry, account, &batch))
		return;
	tracking_remember(r);
	queued_answer(r, entry, &batch, copies);
}

static void account_check(const struct outbox_account *account, struct message_findings *findings)
{
	if (span_eq(account->state, SPAN_LIT("authenticationError")))
		message_findings_stop(findings, PROBLEM_ACCOUNT_NOT_AUTHENTICATED, "accountId",
				      "The mail server refuses the account's credentials, so "
				      "nothing can be sent");
	if (account->paused)
		message_findings_stop(findings, PROBLEM_ACCOUNT_PAUSED, "accountId",
				      "Nothing is sent from it while it is paused");
}

/* The message as it will go out, and all that is to be said of it. False: a problem is answered. */
static bool message_complete(struct http_request *r, const struct outbox_account *account,
			     struct message_findings *findings)
{
	const struct message_sender sender = {account->email, account->provider, account->own,
					      account->own_count};

	if (!message_fill(r, account, findings) || !compose_reference(r, r->json, account->email))
		return false;
	message_check(r->json, &sender, findings);
	return suppression_check(r, r->json, findings) && tracking_choose(r, findings);
}

/* The same of each copy, as if it had been asked for alone. */
static bool copies_complete(struct http_request *r, const struct outbox_account *account,
			    struct message_findings *findings, struct message_copies *copies)
{
	json_t *whole = r->json;
	bool good = true;

	message_copies_check(whole, findings);
	message_copies_make(whole, copies);
	for (size_t i = 0; i < copies->count && good; i++) {
		r->json = copies->items[i];
		good = message_complete(r, account, findings);
	}
	r->json = whole;
	if (good && !copies->count)
		message_findings_stop(findings, PROBLEM_NO_RECIPIENT, "to",
				      "Nobody is named in: to");
	return good;
}

static void findings_answer(struct http_request *r, const struct message_findings *findings)
{
	http_answer_json(r, 200,
			 json_pack("{s:s s:O}", "status", findings->stops ? "refused" : "valid",
				   "findings", findings->list));
}

/* only_check: answers what would stop or harm it, queues nothing. */
static void message_end(struct http_request *r, bool only_check, const struct account_entry *entry,
			const struct outbox_account *account,
			const struct message_findings *findings, struct message_copies *copies)
{
	if (only_check)
		findings_answer(r, findings);
	else if (findings->stops)
		problem_answer(r, findings->first, "%s.", findings->first_text);
	else if (json_get_bool(r->json, "dryRun", false))
		findings_answer(r, findings);
	else
		message_queue(r, entry, account, copies);
}

static void message_take(struct http_request *r, bool only_check)
{
	struct message_copies copies = {NULL, 0}, *separate = NULL;
	struct outbox_account account = {.email = ""};
	struct message_findings findings;
	struct account_entry entry;

	if (!sending_account(r, json_get_span(r->json, "accountId"), &entry) ||
	    !outbox_account_get(r, entry.id, &account))
		return;
	if (json_get_bool(r->json, "separate", false))
		separate = &copies;
	message_findings_init(&findings);
	account_check(&account, &findings);
	if (compose_parts_fill(r, json_object_get(r->json, "attachments")) &&
	    (separate ? copies_complete(r, &account, &findings, separate)
		      : message_complete(r, &account, &findings)))
		message_end(r, only_check, &entry, &account, &findings, separate);
	message_copies_free(&copies);
	message_findings_free(&findings);
	secret_wipe(&account.secrets.data_key, sizeof(account.secrets.data_key));
}

static void message_post(struct http_request *r)
{
	message_take(r, false);
}

static void message_check_post(struct http_request *r)
{
	message_take(r, true);
}

static void outbox_list(struct http_request *r)
{
	struct page page;

	if (page_read(r, &page))
		outbox_view_list(r, &page);
}

/* The {submission} of the path, of an account of the viewer. */
static bool submission_open(struct http_request *r, struct account_entry *entry,
			    struct span *submission_out)
{
	size_t tilde = span_find_byte(r->ids[0], '~');

	*submission_out = span_sub(r->ids[0], tilde + 1, r->ids[0].n);
	if (tilde < r->ids[0].n && submission_out->n == ID_CHARS)
		return sending_account(r, span_sub(r->ids[0], 0, tilde), entry);
	problem_not_found(r);
	return false;
}

static void outbox_get(struct http_request *r)
{
	struct account_entry entry;
	struct span submission;

	if (submission_open(r, &entry, &submission))
		outbox_view_get(r, entry.id, submission);
}

static void outbox_cancel_answer(struct http_request *r, const struct account_entry *entry,
				 const struct store_reply *reply)
{
	struct span status = reply->count ? reply->items[0].string : SPAN_LIT("");

	if (span_eq(status, SPAN_LIT("ok"))) {
		bus_client_ring(r->app->bus, "journal", r->viewer.company, entry->id);
		outbox_get(r);
	} else if (span_eq(status, SPAN_LIT("late")) && reply->count > 1) {
		problem_answer(r, PROBLEM_TOO_LATE, "The message is `%.*s` already.",
			       (int)reply->items[1].string.n,
			       (const char *)reply->items[1].string.p);
	} else {
		problem_not_found(r);
	}
}

static void outbox_cancel(struct http_request *r)
{
	struct span args[3], key;
	struct account_entry entry;
	struct store_reply reply;
	struct err e;

	if (!submission_open(r, &entry, &args[2]))
		return;
	if (store_do(r->store, r->arena, &reply, &e, "HGET %b gen",
		     key_account(r->arena, r->viewer.company, entry.id, KEY_A_ACCOUNT)) != ERR_OK) {
		problem_from_err(r, &e);
		return;
	}
	args[0] = reply.string;
	args[1] = span_cstr(arena_printf(r->arena, "%lld", (long long)r->now_ms));
	key = key_account_tag(r->arena, r->viewer.company, entry.id);
	if (store_fcall(r->store, "gateway_1_outbox_cancel", &key, 1, args, 3, r->arena, &reply,
			&e) != ERR_OK)
		problem_from_err(r, &e);
	else
		outbox_cancel_answer(r, &entry, &reply);
}

static const struct json_field COPY_TO[] = {
	{.name = "name", .type = FIELD_TEXT},
	{.name = "email", .type = FIELD_TEXT},
	{.name = NULL},
};
static const struct json_field COPY[] = {
	{.name = "id", .type = FIELD_LINE},
	{.name = "to", .type = FIELD_OBJECT, .fields = COPY_TO},
	{.name = NULL},
};
static const struct json_field COPIES[] = {
	{.name = "", .type = FIELD_OBJECT, .fields = COPY},
};

static const struct json_field QUEUED[] = {
	{.name = "id", .type = FIELD_LINE},
	{.name = "status", .type = FIELD_LINE, .help = "queued or scheduled"},
	{.name = "undoUntil",
	 .type = FIELD_TIME,
	 .flags = FIELD_NULL,
	 .help = "Not before then it goes; null: at once."},
	{.name = "copies",
	 .type = FIELD_LIST,
	 .fields = COPIES,
	 .help = "Of a message to each separately; id is the first one's."},
	{.name = NULL},
};

#define SUBMISSION "/v1/outbox/{submission}"

static const struct route ROUTES[] = {
	{.method = HTTP_POST,
	 .pattern = "/v1/messages",
	 .need = NEED_USER,
	 .scope = SCOPE_SEND,
	 .flags = ROUTE_IDEMPOTENT,
	 .handle = message_post,
	 .body = message_post_fields,
	 .status = 202,
	 .answer = QUEUED,
	 .summary = "Queues a message; it is durable when this is answered."},
	{.method = HTTP_POST,
	 .pattern = "/v1/messages/check",
	 .need = NEED_USER,
	 .scope = SCOPE_SEND,
	 .handle = message_check_post,
	 .body = message_post_fields,
	 .status = 200,
	 .answer = message_check_answer_fields,
	 .summary = "Says all that would stop or harm a message, without queueing it."},
	{.method = HTTP_GET,
	 .pattern = "/v1/outbox",
	 .need = NEED_USER,
	 .scope = SCOPE_SEND,
	 .flags = ROUTE_PAGED,
	 .handle = outbox_list,
	 .status = 200,
	 .answer = outbox_answer_fields,
	 .summary = "What is to be sent or was sent here, newest first."},
	{.method = HTTP_GET,
	 .pattern = SUBMISSION,
	 .need = NEED_USER,
	 .scope = SCOPE_SEND,
	 .handle = outbox_get,
	 .status = 200,
	 .answer = outbox_answer_fields,
	 .summary = "One of them."},
	{.method = HTTP_DELETE,
	 .pattern = SUBMISSION,
	 .need = NEED_USER,
	 .scope = SCOPE_SEND,
	 .handle = outbox_cancel,
	 .status = 200,
	 .answer = outbox_answer_fields,
	 .summary = "Cancels it, if it has not been handed over."},
};

ROUTE_TABLE(route_outbox_table, "sending", ROUTES);
