/* What became of one message that was sent with tracking, for whoever may see its thread (TRK-05). */
#include "common/base/code.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/json.h"
#include "gateway/mail_message.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"

/* The submission that a message of our own making names in its Message-ID; empty for any other. */
static struct span submission_of(struct span card)
{
	struct pack_reader p = pack_reader_make(card);
	size_t pairs = pack_read_map(&p);
	struct span id = {NULL, 0};

	for (size_t i = 0; i < pairs && !p.bad; i++) {
		if (span_eq(pack_read_bytes(&p), SPAN_LIT("i")))
			id = pack_read_bytes(&p);
		else
			pack_skip(&p);
	}
	if (p.bad || id.n <= ID_CHARS ||
	    !span_istarts(span_sub(id, ID_CHARS, id.n), SPAN_LIT(".mw@")))
		return (struct span){NULL, 0};
	return span_sub(id, 0, ID_CHARS);
}

static json_t *hits_json(const json_t *stored)
{
	json_t *hits = json_object_get(stored, "hits"), *list = json_array(), *hit;
	size_t i;

	json_array_foreach(hits, i, hit)
	{
		json_array_append_new(
			list,
			json_pack("{s:o s:O* s:O* s:O* s:O* s:O* s:O*}", "at",
				  json_from_time(json_integer_value(json_object_get(hit, "at"))),
				  "what", json_object_get(hit, "what"), "class",
				  json_object_get(hit, "class"), "evidence",
				  json_object_get(hit, "evidence"), "recipient",
				  json_object_get(hit, "recipient"), "url",
				  json_object_get(hit, "url"), "userAgent",
				  json_object_get(hit, "agent")));
	}
	return list;
}

static json_t *number(const json_t *stored, const char *name)
{
	return json_integer((json_int_t)json_number_value(json_object_get(stored, name)));
}

static void tracking_get(struct http_request *r)
{
	struct mail_message message;
	struct mail_thread thread;
	struct store_reply reply;
	struct span submission;
	json_t *stored = NULL;
	struct err e;

	if (!mail_message_get(r, r->ids[0], &message, &thread))
		return;
	submission = submission_of(message.record.card);
	if (store_do(r->store, r->arena, &reply, &e, "HGET %b %b",
		     key_account(r->arena, r->viewer.company, thread.account->id, KEY_A_TRACKED),
		     submission) != ERR_OK) {
		problem_from_err(r, &e);
		return;
	}
	if (reply.type == STORE_STRING)
		stored = json_loadb((const char *)reply.string.p, reply.string.n, 0, NULL);
	http_answer_json(r, 200,
			 json_pack("{s:o s:o s:o s:o}", "opens", number(stored, "opens"), "clicks",
				   number(stored, "clicks"), "total", number(stored, "total"),
				   "hits", hits_json(stored)));
	json_decref(stored);
}

static const char *const WHAT[] = {"opened", "clicked", "unsubscribed", NULL};
static const char *const CLASSES[] = {"recipient", "privacyProxy", "scanner",
				      "sender",	   "unknown",	   NULL};
static const struct json_field HIT[] = {
	{.name = "at", .type = FIELD_TIME},
	{.name = "what", .type = FIELD_ENUM, .values = WHAT},
	{.name = "class", .type = FIELD_ENUM, .values = CLASSES},
	{.name = "evidence", .type = FIELD_LINE, .help = "What tells so."},
	{.name = "recipient", .type = FIELD_LINE, .help = "If the message had one alone."},
	{.name = "url", .type = FIELD_LINE},
	{.name = "userAgent", .type = FIELD_LINE},
	{.name = NULL},
};
static const struct json_field HITS[] = {{.name = "", .type = FIELD_OBJECT, .fields = HIT}};
static const struct json_field ANSWER[] = {
	{.name = "opens", .type = FIELD_INT, .help = "By recipients."},
	{.name = "clicks", .type = FIELD_INT, .help = "By recipients."},
	{.name = "total", .type = FIELD_INT, .help = "Hits of all kinds, repeated ones too."},
	{.name = "hits", .type = FIELD_LIST, .fields = HITS, .help = "The last 50."},
	{.name = NULL},
};

static const struct route ROUTES[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/messages/{message}/tracking",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = tracking_get,
	 .status = 200,
	 .answer = ANSWER,
	 .summary =
		 "Opens and clicks of a message that was sent with tracking, and who they were."},
};

ROUTE_TABLE(route_tracking_table, "messages", ROUTES);
