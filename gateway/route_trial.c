#include "common/base/address.h"
#include "common/base/clock.h"
#include "gateway/account_open.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"
#include "gateway/trial.h"

#define WAIT_S 20
#define WAIT_MAX_S 300
#define REST_MS 2000 /* of the request's time, for what follows */

/* Where it is to arrive: the account itself, or another one of the viewer's; NULL: elsewhere. */
static bool target_find(struct http_request *r, struct trial *t)
{
	char to[ADDRESS_MAX + 1], own[ADDRESS_MAX + 1];
	struct account_entry *entries;
	size_t count;

	t->target = NULL;
	if (!address_normalize(span_cstr(t->to), to)) {
		problem_answer(r, PROBLEM_INVALID_FIELD, "`to` is not an address.");
		return false;
	}
	if (!account_entry_list(r, &entries, &count))
		return false;
	for (size_t i = 0; i < count && !t->target; i++)
		if (!entries[i].removed && account_belongs(&r->viewer, &entries[i]) &&
		    address_normalize(entries[i].email, own) && strcmp(own, to) == 0)
			t->target = &entries[i];
	return true;
}

static int64_t deadline(const struct http_request *r, const struct trial *t)
{
	const int64_t wait_ms = 1000 * json_get_int(r->json, "waitSeconds", WAIT_S);
	const int64_t left_ms = http_left_ms(r) - REST_MS;

	return t->began_mono_ms + (wait_ms < left_ms ? wait_ms : left_ms);
}

static json_t *answer_json(struct http_request *r, const struct trial *t)
{
	return json_pack("{s:b s:s s:s? s:s? s:O}", "ok", !t->failed, "to", t->to, "submissionId",
			 t->submission.n
				 ? arena_printf(r->arena, "%.*s~%.*s", (int)t->account->id.n,
						(const char *)t->account->id.p,
						(int)t->submission.n, (const char *)t->submission.p)
				 : NULL,
			 "messageId",
			 t->arrived ? mail_public_id(r, t->target, &t->message.record.id) : NULL,
			 "steps", t->steps);
}

static void test_message(struct http_request *r)
{
	struct trial t = {.began_mono_ms = clock_mono_ms()};
	struct account_entry entry;

	if (!account_open(r, false, &entry) || !outbox_account_get(r, entry.id, &t.sender))
		return;
	t.account = &entry;
	t.steps = json_array();
	t.deadline_mono_ms = deadline(r, &t);
	t.to = json_get_text(r->json, "to");
	t.to = arena_printf(r->arena, "%s", t.to ? t.to : t.sender.email);
	if (target_find(r, &t) && trial_run(r, &t) && (!t.arrived || trial_examine(r, &t)))
		http_answer_json(r, 200, answer_json(r, &t));
	json_decref(t.steps);
	secret_wipe(&t.sender.secrets.data_key, sizeof(t.sender.secrets.data_key));
}

static const struct json_field BODY[] = {
	{.name = "to",
	 .type = FIELD_ADDRESS,
	 .help = "Default: the account itself. Elsewhere only sending is watched."},
	{.name = "waitSeconds",
	 .type = FIELD_INT,
	 .min = 1,
	 .max = WAIT_MAX_S,
	 .help = "How long to watch, at most what a request may take. Default: 20."},
	{.name = NULL},
};

static const struct json_field FROM[] = {
	{.name = "name", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "email", .type = FIELD_LINE},
	{.name = NULL},
};

static const struct json_field STEP_FIELDS[] = {
	{.name = "step",
	 .type = FIELD_LINE,
	 .help = "account, queued, sent, arrived, sender, authentication."},
	{.name = "ok",
	 .type = FIELD_BOOL,
	 .flags = FIELD_NULL,
	 .help = "null: neither well nor wrong; the code says why."},
	{.name = "ms", .type = FIELD_INT, .help = "Since the request came."},
	{.name = "code", .type = FIELD_LINE, .help = "Only if it is not ok, like the next two."},
	{.name = "detail", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "remedy", .type = FIELD_LINE},
	{.name = "serverReply", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "folder", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "from", .type = FIELD_OBJECT, .fields = FROM, .help = "As received."},
	{.name = "spf", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "dkim", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "dmarc", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = NULL},
};

static const struct json_field STEP[] = {{.name = "", .type = FIELD_OBJECT, .fields = STEP_FIELDS}};

static const struct json_field ANSWER[] = {
	{.name = "ok", .type = FIELD_BOOL},
	{.name = "to", .type = FIELD_ADDRESS},
	{.name = "submissionId", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "messageId",
	 .type = FIELD_LINE,
	 .flags = FIELD_NULL,
	 .help = "What arrived, as GET /v1/messages/{message} has it."},
	{.name = "steps", .type = FIELD_LIST, .fields = STEP},
	{.name = NULL},
};

static const struct route ROUTES[] = {
	{.method = HTTP_POST,
	 .pattern = "/v1/accounts/{id}/test-message",
	 .need = NEED_USER,
	 .scope = SCOPE_SEND,
	 .flags = ROUTE_SLOW,
	 .handle = test_message,
	 .body = BODY,
	 .status = 200,
	 .answer = ANSWER,
	 .summary =
		 "Sends a message from the account to itself and watches it come back: each step "
		 "with its time, and with a remedy if it fails."},
};

ROUTE_TABLE(route_trial_table, "accounts", ROUTES);
