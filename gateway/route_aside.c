/* Messages that were set aside after three failures (OPS-05): seen, tried again, or given up. */
#include <stdlib.h>

#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/bus_client.h"
#include "gateway/json.h"
#include "gateway/mail_thread.h"
#include "gateway/operator.h"
#include "gateway/page.h"
#include "gateway/problem.h"
#include "gateway/routes.h"

enum { RETRY_STEP = 64 };

/* The `aside` value; spans point into it. */
struct aside {
	struct id id;
	struct span reason, detail;
	uint64_t attempts, size;
	int64_t received_ms, at_ms;
	bool stored;
};

static bool aside_read(struct span id, struct span packed, struct aside *out)
{
	struct pack_reader p = pack_reader_make(packed);
	size_t count = pack_read_array(&p);

	if (count < 8 || id.n != ID_BYTES)
		return false;
	memcpy(out->id.b, id.p, ID_BYTES);
	out->reason = pack_read_bytes(&p);
	out->detail = pack_read_bytes(&p);
	out->attempts = pack_read_u64(&p);
	out->received_ms = pack_read_i64(&p);
	out->size = pack_read_u64(&p);
	out->stored = pack_read_bytes(&p).n > 0;
	pack_skip(&p); /* place bits */
	out->at_ms = pack_read_i64(&p);
	pack_skip_n(&p, count - 8);
	return pack_done(&p);
}

/* The parser's words may quote the mail: they are for its people alone. */
static json_t *aside_json(struct http_request *r, const struct account_entry *account,
			  const struct aside *a)
{
	json_t *object = json_pack("{s:s s:o s:o s:I s:I s:o s:o s:b}", "id",
				   mail_public_id(r, account, &a->id), "accountId",
				   json_from_span(account->id), "reason", json_from_span(a->reason),
				   "attempts", (json_int_t)a->attempts, "size", (json_int_t)a->size,
				   "receivedAt", json_from_time(a->received_ms), "setAsideAt",
				   json_from_time(a->at_ms), "retryable", a->stored);

	if (account_belongs(&r->viewer, account) && a->detail.n)
		json_object_set_new(object, "detail", json_from_span(a->detail));
	return object;
}

static int compare(const void *a, const void *b)
{
	return memcmp(((const struct aside *)a)->id.b, ((const struct aside *)b)->id.b, ID_BYTES);
}

/* All of an account, sorted by id. */
static bool asides_load(struct http_request *r, const struct account_entry *account,
			struct aside **out, size_t *count_out)
{
	struct store_reply reply;
	struct err e;

	*count_out = 0;
	if (store_do(r->store, r->arena, &reply, &e, "HGETALL %b",
		     mail_key(r, account, KEY_A_ASIDE)) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	*out = arena_array(r->arena, reply.count / 2 + 1, sizeof(**out));
	for (size_t i = 0; i + 1 < reply.count; i += 2)
		if (aside_read(reply.items[i].string, reply.items[i + 1].string,
			       &(*out)[*count_out]))
			(*count_out)++;
	if (*count_out)
		qsort(*out, *count_out, sizeof(**out), compare);
	return true;
}

/* The accounts that the viewer may ask about. */
static bool accounts_load(struct http_request *r, struct account_entry **entries_out,
			  size_t *count_out)
{
	const char *only = http_query(r, "account");
	size_t count, kept = 0;

	if (!operator_company(r) || !account_entry_list(r, entries_out, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct account_entry *entry = &(*entries_out)[i];

		if (operator_may(r, entry) && (!only || span_eq(entry->id, span_cstr(only))))
			(*entries_out)[kept++] = *entry;
	}
	*count_out = kept;
	return true;
}

/* Is it behind the cursor, an account's id ‖ 0 ‖ message id? */
static bool is_behind(struct span cursor, const struct account_entry *account, const struct id *id)
{
	size_t zero = span_find_byte(cursor, 0);
	struct span at = span_sub(cursor, 0, zero), last = span_sub(cursor, zero + 1, ID_BYTES);
	int order;

	if (last.n != ID_BYTES)
		return true;
	order = span_compare(account->id, at);
	return order > 0 || (order == 0 && memcmp(id->b, last.p, ID_BYTES) > 0);
}

static struct span cursor_make(struct http_request *r, const struct account_entry *account,
			       const struct id *id)
{
	uint8_t *p = arena_alloc(r->arena, account->id.n + 1 + ID_BYTES);

	memcpy(p, account->id.p, account->id.n);
	memcpy(p + account->id.n + 1, id->b, ID_BYTES);
	return span_make(p, account->id.n + 1 + ID_BYTES);
}

static void list(struct http_request *r)
{
	struct account_entry *accounts;
	struct span next = SPAN_LIT(""), last = SPAN_LIT("");
	json_t *data = json_array();
	struct page page;
	size_t count;

	if (!page_read(r, &page) || !accounts_load(r, &accounts, &count))
		goto out;
	for (size_t i = 0; i < count && !next.n; i++) {
		struct aside *asides;
		size_t n;

		if (!asides_load(r, &accounts[i], &asides, &n))
			goto out;
		for (size_t k = 0; k < n && !next.n; k++) {
			if (!is_behind(page.cursor, &accounts[i], &asides[k].id))
				continue;
			if (json_array_size(data) == page.limit) {
				next = last;
				continue;
			}
			json_array_append_new(data, aside_json(r, &accounts[i], &asides[k]));
			last = cursor_make(r, &accounts[i], &asides[k].id);
		}
	}
	page_answer(r, json_incref(data), next);
out:
	json_decref(data);
}

static bool load_one(struct http_request *r, struct account_entry *account, struct aside *aside)
{
	struct store_reply reply;
	struct span id;
	struct err e;

	if (!operator_message(r, account, &aside->id))
		return false;
	id = arena_span(r->arena, span_make(aside->id.b, ID_BYTES));
	if (store_do(r->store, r->arena, &reply, &e, "HGET %b %b",
		     mail_key(r, account, KEY_A_ASIDE), id) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (reply.type == STORE_STRING && aside_read(id, reply.string, aside))
		return true;
	problem_not_found(r);
	return false;
}

static void get(struct http_request *r)
{
	struct account_entry account;
	struct aside aside;

	if (load_one(r, &account, &aside))
		http_answer_json(r, 200, aside_json(r, &account, &aside));
}

/* The account's generation; empty: it was erased. */
static bool generation(struct http_request *r, const struct account_entry *account,
		       struct span *out)
{
	struct store_reply reply;
	struct err e;

	if (store_do(r->store, r->arena, &reply, &e, "HGET %b gen",
		     mail_key(r, account, KEY_A_ACCOUNT)) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	*out = reply.type == STORE_STRING ? reply.string : SPAN_LIT("");
	return true;
}

static bool call(struct http_request *r, const struct account_entry *account, const char *function,
		 const struct span *args, size_t count, struct store_reply *reply_out)
{
	struct span tag = mail_tag(r, account);
	struct err e;

	if (store_fcall(r->store, function, &tag, 1, args, count, r->arena, reply_out, &e) ==
	    ERR_OK)
		return true;
	problem_from_err(r, &e);
	return false;
}

struct retried {
	size_t retried, refused;
};

static bool retry_some(struct http_request *r, const struct account_entry *account,
		       const struct aside *asides, size_t count, struct retried *sum)
{
	struct span args[2 + RETRY_STEP];
	struct store_reply reply;

	if (!generation(r, account, &args[0]))
		return false;
	args[1] = span_cstr(arena_printf(r->arena, "%lld", (long long)r->now_ms));
	for (size_t i = 0; i < count; i++)
		args[2 + i] = span_make(asides[i].id.b, ID_BYTES);
	if (!call(r, account, "gateway_1_aside_retry", args, 2 + count, &reply))
		return false;
	for (size_t i = 0; reply.count > 1 && i < reply.items[1].count; i++) {
		struct span status = reply.items[1].items[i].string;

		sum->retried += span_eq(status, SPAN_LIT("retried"));
		sum->refused += span_eq(status, SPAN_LIT("no_bytes"));
	}
	if (sum->retried)
		bus_client_ring(r->app->bus, "accounts", r->viewer.company, account->id);
	return true;
}

static void retry(struct http_request *r)
{
	struct account_entry account;
	struct retried sum = {0};
	struct aside aside;

	if (!load_one(r, &account, &aside) || !retry_some(r, &account, &aside, 1, &sum))
		return;
	if (sum.retried)
		http_answer_empty(r, 204);
	else if (sum.refused)
		problem_answer(r, PROBLEM_NOT_RETRYABLE, "The message was never stored here.");
	else
		problem_not_found(r);
}

static void retry_all(struct http_request *r)
{
	struct account_entry *accounts;
	struct retried sum = {0};
	size_t count;

	if (!accounts_load(r, &accounts, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		struct aside *asides;
		size_t n;

		if (!asides_load(r, &accounts[i], &asides, &n))
			return;
		for (size_t k = 0; k < n; k += RETRY_STEP) {
			size_t step = n - k < RETRY_STEP ? n - k : RETRY_STEP;

			if (!retry_some(r, &accounts[i], asides + k, step, &sum))
				return;
		}
	}
	http_answer_json(r, 200,
			 json_pack("{s:I s:I}", "retried", (json_int_t)sum.retried, "refused",
				   (json_int_t)sum.refused));
}

static void drop(struct http_request *r)
{
	struct account_entry account;
	struct store_reply reply;
	struct aside aside;
	struct span args[2];

	if (!load_one(r, &account, &aside) || !generation(r, &account, &args[0]))
		return;
	args[1] = span_make(aside.id.b, ID_BYTES);
	if (!call(r, &account, "gateway_1_aside_drop", args, 2, &reply))
		return;
	if (reply.count && span_eq(reply.items[0].string, SPAN_LIT("ok")))
		http_answer_empty(r, 204);
	else
		problem_not_found(r);
}

static const struct json_field all_query[] = {
	{.name = "account", .type = FIELD_ID, .help = "Only of this account."},
	{.name = "company", .type = FIELD_ID, .help = "Which company; for the root token alone."},
	{.name = NULL}};

static const struct route routes[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/set-aside",
	 .need = NEED_TOKEN,
	 .scope = SCOPE_OPERATE,
	 .flags = ROUTE_PAGED,
	 .handle = list,
	 .query = all_query,
	 .status = 200,
	 .summary = "Messages that were set aside, with the reason."},
	{.method = HTTP_POST,
	 .pattern = "/v1/set-aside",
	 .need = NEED_TOKEN,
	 .scope = SCOPE_OPERATE,
	 .handle = retry_all,
	 .query = all_query,
	 .status = 200,
	 .summary = "Tries all of them again."},
	{.method = HTTP_GET,
	 .pattern = "/v1/set-aside/{message}",
	 .need = NEED_TOKEN,
	 .scope = SCOPE_OPERATE,
	 .handle = get,
	 .query = operator_query,
	 .status = 200,
	 .summary = "One message that was set aside."},
	{.method = HTTP_POST,
	 .pattern = "/v1/set-aside/{message}",
	 .need = NEED_TOKEN,
	 .scope = SCOPE_OPERATE,
	 .handle = retry,
	 .query = operator_query,
	 .status = 204,
	 .summary = "Tries it again, with no attempts against it."},
	{.method = HTTP_DELETE,
	 .pattern = "/v1/set-aside/{message}",
	 .need = NEED_TOKEN,
	 .scope = SCOPE_OPERATE,
	 .handle = drop,
	 .query = operator_query,
	 .status = 204,
	 .summary = "Gives it up: it does not come again."},
};

ROUTE_TABLE(route_aside_table, "operate", routes);
