#include "gateway/find.h"

#include "common/base/address.h"
#include "common/base/clock.h"
#include "common/base/code.h"
#include "common/secret/secret.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/account_open.h"
#include "gateway/find_ask.h"
#include "gateway/mail_thread.h"
#include "gateway/problem.h"
#include "common/base/utf7.h"

enum { TERM_MAX = 500, PATH_SHOWN_MAX = 4096 };

static const char *const REASONS[] = {"stored",	      "pending",	  "missing",
				      "syncing",      "outside_window",	  "screened",
				      "set_aside",    "too_large",	  "folder_not_synced",
				      "deleted_here", "gone_from_server", NULL};
static const char *const ANSWERS[] = {"stored",	       "coming",  "skipped",
				      "not_on_server", "unknown", NULL};
enum { STORED, COMING, SKIPPED, NOT_ON_SERVER, UNKNOWN };

/* What is asked, as it goes to the fetcher. */
struct question {
	struct span message_id; /* with its angles; empty: sender and day */
	struct span from, day;
	struct span request;
};

static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.n > 0 && s.n <= TERM_MAX;
}

/* "2025-02-01" → "1-Feb-2025" */
static bool day_read(struct http_request *r, const char *text, struct span *day_out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *whole = arena_printf(r->arena, "%.10sT00:00:00Z", text);
	uint64_t month, day;
	int64_t ms;

	if (strlen(text) != 10 || !clock_parse_rfc3339(whole, strlen(whole), &ms) ||
	    !span_to_u64(span_make(text + 5, 2), 12, &month) || month == 0 ||
	    !span_to_u64(span_make(text + 8, 2), 31, &day))
		return false;
	*day_out = span_cstr(
		arena_printf(r->arena, "%d-%.3s-%.4s", (int)day, months + 3 * (month - 1), text));
	return true;
}

static struct span without_angles(struct span s)
{
	s = span_trim(s);
	if (s.n > 1 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = span_sub(s, 1, s.n - 2);
	return s;
}

/* The same question has the same name: who asks again gets the answer that came meanwhile. */
static void request_name(struct http_request *r, const char *whole, struct span *name_out)
{
	char text[ID_CHARS + 1];
	uint8_t digest[32];
	struct id id;

	secret_sha256(span_cstr(whole), digest);
	memcpy(id.b, digest, ID_BYTES);
	id_format(&id, text);
	*name_out = arena_span(r->arena, span_cstr(text));
}

static bool question_read(struct http_request *r, struct question *q)
{
	const char *message_id = http_query(r, "messageId"), *from = http_query(r, "from");
	const char *day = http_query(r, "day");
	struct span bare = without_angles(span_cstr(message_id));

	*q = (struct question){.message_id = SPAN_LIT("")};
	if (message_id ? from || day : !from || !day) {
		problem_answer(r, PROBLEM_INVALID_PARAMETER,
			       "Give `messageId`, or `from` and `day`.");
		return false;
	}
	if (message_id && is_plain(bare)) {
		q->message_id = span_cstr(
			arena_printf(r->arena, "<%.*s>", (int)bare.n, (const char *)bare.p));
	} else if (message_id) {
		problem_answer(r, PROBLEM_INVALID_PARAMETER, "`messageId` is not a Message-ID.");
		return false;
	} else if (!is_plain(span_cstr(from)) || !day_read(r, day, &q->day)) {
		problem_answer(r, PROBLEM_INVALID_PARAMETER,
			       "`from` is an address, `day` a date such as 2025-02-01.");
		return false;
	}
	q->from = span_cstr(from ? from : "");
	request_name(r,
		     arena_printf(r->arena, "%s\n%s\n%s", message_id ? message_id : "",
				  from ? from : "", day ? day : ""),
		     &q->request);
	return true;
}

/* ---- the answer ---- */

/* [path, delimiter, role, …]; the number alone if there is none. */
static json_t *folder_json(struct span number, struct span packed)
{
	struct pack_reader p = pack_reader_make(packed);
	const size_t count = pack_read_array(&p);
	struct span path = pack_read_bytes(&p), role;
	struct buf shown;
	json_t *object;

	pack_skip(&p);
	role = pack_read_bytes(&p);
	if (count < 3 || p.bad)
		return json_pack("{s:o s:n s:n}", "id", json_from_span(number), "path", "role");
	buf_init(&shown, PATH_SHOWN_MAX);
	utf7_decode(path, &shown);
	object = json_pack("{s:o s:o s:o}", "id", json_from_span(number), "path",
			   json_from_span(buf_span(&shown)), "role",
			   role.n ? json_from_span(role) : json_null());
	buf_fini(&shown);
	return object;
}

static json_t *id_json(struct http_request *r, const struct account_entry *account, struct span id)
{
	struct id value;

	if (id.n != ID_BYTES)
		return json_null();
	memcpy(value.b, id.p, ID_BYTES);
	return json_string(mail_public_id(r, account, &value));
}

static unsigned weight(struct span reason)
{
	for (unsigned i = 0; REASONS[i]; i++)
		if (span_eq(reason, span_cstr(REASONS[i])))
			return i == 0 ? STORED : i <= 3 ? COMING : SKIPPED;
	return SKIPPED;
}

/* One hit: [mailbox, fate, id, thread]. */
static bool hit_add(struct http_request *r, const struct account_entry *account,
		    struct pack_reader *p, json_t *places, unsigned *answer)
{
	const size_t count = pack_read_array(p);
	const uint64_t number = pack_read_u64(p);
	struct span reason = pack_read_bytes(p), id = pack_read_bytes(p);
	struct span thread = pack_read_bytes(p), name;
	struct store_reply box;
	struct err e;

	pack_skip_n(p, count > 4 ? count - 4 : 0);
	if (count < 4 || p->bad)
		return true;
	name = span_cstr(arena_printf(r->arena, "%llu", (unsigned long long)number));
	if (store_do(r->store, r->arena, &box, &e, "HGET %b %b",
		     mail_key(r, account, KEY_A_MAILBOXES), name) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (weight(reason) < *answer)
		*answer = weight(reason);
	json_array_append_new(places, json_pack("{s:o s:o s:o s:o}", "folder",
						folder_json(name, box.string), "reason",
						json_from_span(reason), "messageId",
						id_json(r, account, id), "threadId",
						id_json(r, account, thread)));
	return true;
}

static bool hits_add(struct http_request *r, const struct account_entry *account,
		     struct span packed, json_t *places, unsigned *answer, bool *complete_out)
{
	struct pack_reader p = pack_reader_make(packed);
	size_t count = pack_read_array(&p), hits;
	bool good = true;

	*complete_out = count >= 2 && pack_read_u64(&p) == 1;
	hits = count >= 2 ? pack_read_array(&p) : 0;
	for (size_t i = 0; i < hits && !p.bad && good; i++)
		good = hit_add(r, account, &p, places, answer);
	return good;
}

static void answer(struct http_request *r, const struct account_entry *account,
		   const struct question *q, struct span packed)
{
	json_t *places = json_array();
	unsigned found = UNKNOWN;
	bool complete = false;
	const char *message = NULL, *thread = NULL;

	if (!hits_add(r, account, packed, places, &found, &complete))
		goto out;
	if (found == UNKNOWN && q->message_id.n &&
	    !find_stored(r, account, without_angles(q->message_id), &message, &thread))
		goto out;
	if (message) {
		found = STORED;
		json_array_append_new(places, json_pack("{s:n s:s s:s s:s}", "folder", "reason",
							complete ? "gone_from_server" : "stored",
							"messageId", message, "threadId", thread));
	} else if (found == UNKNOWN && complete) {
		found = NOT_ON_SERVER;
	}
	http_answer_json(r, 200,
			 json_pack("{s:s s:O s:b}", "answer", ANSWERS[found], "places", places,
				   "complete", complete));
out:
	json_decref(places);
}

/* Takes the fetcher's answer, once it is there. False: a problem is answered. */
static bool take(struct http_request *r, const struct account_entry *account,
		 const struct question *q, struct span *packed_out)
{
	struct store_reply reply;
	struct err e;

	*packed_out = SPAN_LIT("");
	if (store_do(r->store, r->arena, &reply, &e, "GETDEL %b",
		     key_account_part(r->arena, r->viewer.company, account->id, KEY_A_FOUND,
				      q->request)) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (reply.type == STORE_STRING)
		*packed_out = reply.string;
	return true;
}

void find_get(struct http_request *r)
{
	const int64_t until_ms = find_ask_until(r);
	struct account_entry account;
	struct span packed, id;
	enum find_asked asked;
	struct question q;

	if (!account_open(r, false, &account) || !question_read(r, &q) ||
	    !take(r, &account, &q, &packed))
		return;
	if (!packed.n) {
		const struct span fields[] = {SPAN_LIT("kind"),	     SPAN_LIT("find"),
					      SPAN_LIT("request"),   q.request,
					      SPAN_LIT("messageId"), q.message_id,
					      SPAN_LIT("from"),	     q.from,
					      SPAN_LIT("day"),	     q.day};

		asked = find_ask(r, &account, fields, sizeof(fields) / sizeof(fields[0]), &id);
		if (asked == FIND_ASK_FAILED)
			return;
		while (asked == FIND_ASKED && !packed.n && find_ask_pause(until_ms))
			if (!take(r, &account, &q, &packed))
				return;
	}
	answer(r, &account, &q, packed);
	http_answer_header(r, "Cache-Control", "no-store");
}

const struct json_field find_query_fields[] = {
	{.name = "messageId", .type = FIELD_LINE, .help = "With or without angle brackets."},
	{.name = "from", .type = FIELD_LINE, .help = "Sender, together with `day`."},
	{.name = "day", .type = FIELD_LINE, .help = "2025-02-01: by its Date or its arrival."},
	{.name = NULL},
};

static const struct json_field FOLDER[] = {
	{.name = "id", .type = FIELD_LINE},
	{.name = "path", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "role", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = NULL},
};

static const struct json_field PLACE[] = {
	{.name = "folder", .type = FIELD_OBJECT, .flags = FIELD_NULL, .fields = FOLDER},
	{.name = "reason", .type = FIELD_ENUM, .values = REASONS},
	{.name = "messageId", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "threadId", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = NULL},
};

static const struct json_field PLACES[] = {
	{.name = "", .type = FIELD_OBJECT, .fields = PLACE},
	{.name = NULL},
};

const struct json_field find_answer_fields[] = {
	{.name = "answer", .type = FIELD_ENUM, .values = ANSWERS},
	{.name = "places", .type = FIELD_LIST, .fields = PLACES},
	{.name = "complete",
	 .type = FIELD_BOOL,
	 .help = "All folders were searched; if not, ask again in a while."},
	{.name = NULL},
};
