#include "gateway/erasure.h"

#include "common/base/clock.h"
#include "common/base/code.h"
#include "common/blob/shred.h"
#include "common/secret/secret.h"
#include "common/store/keys.h"
#include "gateway/account_save.h"
#include "gateway/bus_client.h"
#include "gateway/erasure_count.h"
#include "gateway/json.h"
#include "gateway/problem.h"

#define STEP "256"

static enum err_code record_put(struct http_request *r, struct span id, const json_t *record,
				struct err *e)
{
	struct store_reply reply;

	return store_do(r->store, r->arena, &reply, e, "HSET %b %b %b",
			key_global(r->arena, KEY_G_ERASURES), id, json_text(r->arena, record));
}

static enum err_code generation_get(struct http_request *r, struct span company,
				    struct span account, uint64_t *generation_out, struct err *e)
{
	struct store_reply reply;
	enum err_code code = store_do(r->store, r->arena, &reply, e, "HGET %b gen",
				      key_account(r->arena, company, account, KEY_A_ACCOUNT));

	*generation_out = 0;
	if (code == ERR_OK && reply.type == STORE_STRING &&
	    !span_to_u64(reply.string, INT64_MAX, generation_out))
		*generation_out = 0;
	return code;
}

static enum err_code begin(struct http_request *r, struct span company,
			   const struct account_entry *entry, struct span id, struct err *e)
{
	uint64_t generation = 0;
	struct store_reply reply;
	json_t *record;
	enum err_code code = ERR_OK;

	if (entry)
		code = generation_get(r, company, entry->id, &generation, e);
	if (code != ERR_OK)
		return code;
	record = json_pack("{s:s s:o s:o s:s s:I}", "kind", entry ? "account" : "company",
			   "companyId", json_from_span(company), "by",
			   json_from_span(r->viewer.user), "state", "erasing", "requestedAt",
			   (json_int_t)r->now_ms);
	if (entry) {
		json_object_set_new(record, "accountId", json_from_span(entry->id));
		json_object_set_new(record, "number", json_integer((json_int_t)entry->number));
		json_object_set_new(record, "generation", json_integer((json_int_t)generation));
	}
	code = record_put(r, id, record, e);
	if (code == ERR_OK)
		code = store_do(r->store, r->arena, &reply, e, "SADD %b %b",
				key_global(r->arena, KEY_G_ERASURES_OPEN), id);
	json_decref(record);
	return code;
}

bool erasure_begin(struct http_request *r, struct span company, const struct account_entry *entry,
		   struct span *id_out)
{
	char text[ID_CHARS + 1];
	struct id id;
	struct err e;

	random_bytes(id.b, ID_BYTES);
	id_format(&id, text);
	*id_out = span_cstr(arena_printf(r->arena, "%s", text));
	if (begin(r, company, entry, *id_out, &e) == ERR_OK)
		return true;
	problem_from_err(r, &e);
	return false;
}

json_t *erasure_get(struct http_request *r, struct span id, struct err *e)
{
	struct store_reply reply;
	json_t *record;

	if (store_do(r->store, r->arena, &reply, e, "HGET %b %b",
		     key_global(r->arena, KEY_G_ERASURES), id) != ERR_OK)
		return NULL;
	err_clear(e);
	record = reply.type == STORE_STRING
			 ? json_loadb((const char *)reply.string.p, reply.string.n, 0, NULL)
			 : NULL;
	return record;
}

json_t *erasure_view(struct span id, const json_t *record)
{
	static const char *const copied[] = {"kind",  "companyId", "accountId", "by",
					     "state", "erased",	   "left",	NULL};
	json_t *object = json_object();

	json_object_set_new(object, "id", json_from_span(id));
	for (size_t i = 0; copied[i]; i++)
		if (json_object_get(record, copied[i]))
			json_object_set(object, copied[i], json_object_get(record, copied[i]));
	json_object_set_new(object, "requestedAt",
			    json_from_time(json_get_int(record, "requestedAt", 0)));
	json_object_set_new(object, "finishedAt",
			    json_from_time(json_get_int(record, "finishedAt", 0)));
	json_object_set_new(object, "checkedAt",
			    json_from_time(json_get_int(record, "checkedAt", 0)));
	return object;
}

/* Redis' part of one account. What the request did before it died is found done. */
static enum err_code account_steps(struct http_request *r, const struct account_entry *entry,
				   struct err *e)
{
	if (account_erase(r, entry))
		return ERR_OK;
	return err_set(e, ERR_TEMP, ERR_ACCOUNT, "erase_postponed",
		       "the account is not erased yet");
}

/* As the company names it. *there_out false: it does so no more. */
static enum err_code account_entry(struct http_request *r, struct span account,
				   struct account_entry *entry, bool *there_out, struct err *e)
{
	struct account_entry *all;
	size_t count;

	*there_out = false;
	if (!account_entry_list(r, &all, &count))
		return err_set(e, ERR_TEMP, ERR_PROCESS, "store_unavailable",
			       "the accounts could not be read");
	for (size_t i = 0; i < count; i++)
		if (span_eq(all[i].id, account)) {
			*entry = all[i];
			*there_out = true;
		}
	return ERR_OK;
}

static void add(json_t *counts, const char *name, uint64_t n)
{
	json_object_set_new(counts, name,
			    json_integer(json_get_int(counts, name, 0) + (json_int_t)n));
}

/* Blobs, events and what still lies in the slot of one account; then what is left is counted. */
static enum err_code shred_account(struct http_request *r, const json_t *record, json_t *erased,
				   json_t *left, struct err *e)
{
	struct span account = json_get_span(record, "accountId");
	struct span tag = key_account_tag(r->arena, r->viewer.company, account);
	uint64_t number = (uint64_t)json_get_int(record, "number", 0), events = 0, traces = 0;
	struct shred_account whose = {r->viewer.company, account,
				      (uint64_t)json_get_int(record, "generation", 0)};
	json_t *keys = json_object(), *stray = json_object();
	struct shred_counts blobs = {0}, more = {0};
	const char *dir = r->app->conf->common.blob_dir;
	enum err_code code = shred_blobs(dir, &whose, &blobs, e);

	if (code == ERR_OK)
		code = erasure_drop_events(r, number, &events, e);
	if (code == ERR_OK)
		code = erasure_count_keys(r, tag, false, true, stray, e);
	if (code == ERR_OK)
		code = erasure_count_keys(r, tag, false, false, keys, e);
	if (code == ERR_OK)
		code = erasure_count_traces(r, account, number, &traces, e);
	if (code == ERR_OK)
		code = shred_blobs(dir, &whose, &more, e);
	add(erased, "blobs", blobs.records);
	add(erased, "blobBytes", blobs.bytes);
	add(erased, "events", events);
	json_object_set_new(left, "keys", keys);
	json_object_set_new(left, "timelines", json_integer((json_int_t)traces));
	json_object_set_new(left, "blobs", json_integer((json_int_t)more.records));
	json_decref(stray);
	return code;
}

/* Has an account of that id been added since? Then what is there is that one's. */
static enum err_code is_another(struct http_request *r, const json_t *record, bool *another_out,
				struct err *e)
{
	struct account_entry entry;

	return account_entry(r, json_get_span(record, "accountId"), &entry, another_out, e);
}

static enum err_code account_run(struct http_request *r, json_t *record, json_t *erased,
				 json_t *left, struct err *e)
{
	struct account_entry entry;
	bool there = false;
	enum err_code code = ERR_OK;

	if (strcmp(json_get_text(record, "state"), "erasing") == 0) {
		code = account_entry(r, json_get_span(record, "accountId"), &entry, &there, e);
		if (code == ERR_OK && there)
			code = account_steps(r, &entry, e);
		if (code != ERR_OK)
			return code;
		json_object_set_new(record, "state", json_string("shredding"));
	}
	code = is_another(r, record, &there, e);
	if (code == ERR_OK && there) {
		json_object_set_new(left, "addedAnew", json_true());
		return ERR_OK;
	}
	return code == ERR_OK ? shred_account(r, record, erased, left, e) : code;
}

enum err_code erasure_company_slot(struct http_request *r, struct span company, struct err *e)
{
	struct span key = key_company_tag(r->arena, company), limit = SPAN_LIT(STEP);
	struct store_reply reply;
	enum err_code code;

	do {
		code = store_fcall(r->store, "gateway_1_company_erase", &key, 1, &limit, 1,
				   r->arena, &reply, e);
	} while (code == ERR_OK && reply.integer > 0);
	return code;
}

static bool is_named(const json_t *names, struct span name)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		if (span_eq(span_cstr(json_string_value(json_array_get(names, i))), name))
			return true;
	return false;
}

/* The names of all its accounts go on the record before the first of them ends: whoever goes on, and the later look, know them. */
static enum err_code names_keep(struct http_request *r, struct span id, json_t *record,
				const struct account_entry *entries, size_t count, struct err *e)
{
	json_t *names = json_object_get(record, "accounts");

	if (!names) {
		names = json_array();
		json_object_set_new(record, "accounts", names);
	}
	for (size_t i = 0; i < count; i++)
		if (!is_named(names, entries[i].id))
			json_array_append_new(names, json_from_span(entries[i].id));
	return count ? record_put(r, id, record, e) : ERR_OK;
}

/* What still lies in the slot of an account that has ended goes; then it is counted. */
static enum err_code sweep_account(struct http_request *r, struct span account, json_t *keys,
				   struct err *e)
{
	struct span tag = key_account_tag(r->arena, r->viewer.company, account);
	json_t *stray = json_object();
	enum err_code code = erasure_count_keys(r, tag, false, true, stray, e);

	if (code == ERR_OK)
		code = erasure_count_keys(r, tag, false, false, keys, e);
	json_decref(stray);
	return code;
}

/* Its tokens first, so that nobody comes in any more; then each account with all its keys. */
static enum err_code company_accounts(struct http_request *r, struct span id, json_t *record,
				      json_t *erased, json_t *keys, struct err *e)
{
	struct account_entry *entries;
	struct store_reply reply;
	enum err_code code = store_do(r->store, r->arena, &reply, e, "UNLINK %b",
				      key_company(r->arena, r->viewer.company, KEY_C_TOKENS));
	size_t count = 0;
	json_t *names;

	if (code == ERR_OK && !account_entry_list(r, &entries, &count))
		code = err_set(e, ERR_TEMP, ERR_PROCESS, "store_unavailable",
			       "the accounts could not be read");
	if (code == ERR_OK)
		code = names_keep(r, id, record, entries, count, e);
	for (size_t i = 0; i < count && code == ERR_OK; i++)
		code = account_steps(r, &entries[i], e);
	names = json_object_get(record, "accounts");
	for (size_t i = 0; i < json_array_size(names) && code == ERR_OK; i++)
		code = sweep_account(r, span_cstr(json_string_value(json_array_get(names, i))),
				     keys, e);
	json_object_set_new(erased, "accounts", json_integer((json_int_t)json_array_size(names)));
	return code;
}

static enum err_code company_rest(struct http_request *r, json_t *erased, json_t *left,
				  json_t *keys, struct err *e)
{
	struct span tag = key_company_tag(r->arena, r->viewer.company);
	struct shred_account whose = {r->viewer.company, SPAN_LIT(""), UINT64_MAX};
	struct shred_counts blobs = {0}, more = {0};
	const char *dir = r->app->conf->common.blob_dir;
	json_t *stray = json_object();
	struct store_reply reply;
	enum err_code code = erasure_company_slot(r, r->viewer.company, e);

	if (code == ERR_OK)
		code = erasure_count_keys(r, tag, true, true, stray, e);
	if (code == ERR_OK)
		code = erasure_count_keys(r, tag, true, false, keys, e);
	if (code == ERR_OK)
		code = shred_blobs(dir, &whose, &blobs, e);
	if (code == ERR_OK)
		code = shred_blobs(dir, &whose, &more, e);
	if (code == ERR_OK)
		code = store_do(r->store, r->arena, &reply, e, "HDEL %b %b",
				key_global(r->arena, KEY_G_COMPANIES), r->viewer.company);
	add(erased, "blobs", blobs.records);
	add(erased, "blobBytes", blobs.bytes);
	json_object_set_new(left, "blobs", json_integer((json_int_t)more.records));
	json_decref(stray);
	return code;
}

/* Has a company of that id been put since it ended? Then what is there is that one's. */
static enum err_code is_put_anew(struct http_request *r, const json_t *record, bool *anew_out,
				 struct err *e)
{
	struct store_reply reply;
	enum err_code code = ERR_OK;

	*anew_out = false;
	if (strcmp(json_get_text(record, "state"), "done") != 0)
		return code;
	code = store_do(r->store, r->arena, &reply, e, "HEXISTS %b %b",
			key_global(r->arena, KEY_G_COMPANIES), r->viewer.company);
	*anew_out = code == ERR_OK && reply.integer == 1;
	return code;
}

static enum err_code company_run(struct http_request *r, struct span id, json_t *record,
				 json_t *erased, json_t *left, struct err *e)
{
	json_t *keys;
	bool anew;
	enum err_code code = is_put_anew(r, record, &anew, e);

	if (code == ERR_OK && anew)
		json_object_set_new(left, "addedAnew", json_true());
	if (code != ERR_OK || anew)
		return code;
	keys = json_object();
	code = company_accounts(r, id, record, erased, keys, e);
	if (code == ERR_OK)
		code = company_rest(r, erased, left, keys, e);
	json_object_set_new(left, "keys", keys);
	return code;
}

/* The company's streams say so; of a company nobody is left to be told. */
static enum err_code tell(struct http_request *r, struct span id, const json_t *record,
			  struct err *e)
{
	struct span key = key_company_tag(r->arena, r->viewer.company);
	json_t *data = json_pack("{s:o s:O}", "erasureId", json_from_span(id), "accountId",
				 json_object_get(record, "accountId"));
	struct span args[] = {span_cstr(arena_printf(r->arena, "%lld", (long long)r->now_ms)),
			      SPAN_LIT("erasure.completed"), json_text(r->arena, data)};
	struct store_reply reply;
	enum err_code code =
		store_fcall(r->store, "gateway_1_announce", &key, 1, args, 3, r->arena, &reply, e);

	json_decref(data);
	if (code == ERR_OK)
		bus_client_ring(r->app->bus, "events", r->viewer.company, SPAN_LIT(""));
	return code;
}

static enum err_code close_record(struct http_request *r, struct span id, struct err *e)
{
	struct store_reply reply;

	return store_do(r->store, r->arena, &reply, e, "SREM %b %b",
			key_global(r->arena, KEY_G_ERASURES_OPEN), id);
}

/* What a run found goes on the record: first the certificate, the next time that all was looked through again. */
static enum err_code settle(struct http_request *r, struct span id, json_t *record, bool account,
			    struct err *e)
{
	bool first = strcmp(json_get_text(record, "state"), "done") != 0;
	enum err_code code;

	json_object_set_new(record, first ? "finishedAt" : "checkedAt",
			    json_integer((json_int_t)r->now_ms));
	json_object_set_new(record, "state", json_string("done"));
	code = first && account ? tell(r, id, record, e) : ERR_OK;
	if (code == ERR_OK)
		code = record_put(r, id, record, e);
	if (code == ERR_OK && !first)
		code = close_record(r, id, e);
	return code;
}

static enum err_code run(struct http_request *r, struct span id, json_t *record, struct err *e)
{
	bool account = strcmp(json_get_text(record, "kind"), "account") == 0;
	json_t *erased = json_object_get(record, "erased"), *left = json_object();
	enum err_code code;

	if (strcmp(json_get_text(record, "state"), "done") == 0 &&
	    r->now_ms - json_get_int(record, "finishedAt", 0) < ERASURE_CHECK_MS) {
		json_decref(left);
		return ERR_OK;
	}
	if (!erased) {
		erased = json_object();
		json_object_set_new(record, "erased", erased);
	}
	code = account ? account_run(r, record, erased, left, e)
		       : company_run(r, id, record, erased, left, e);
	json_object_set_new(record, "left", left);
	return code == ERR_OK ? settle(r, id, record, account, e) : code;
}

enum err_code erasure_run(struct http_request *r, struct span id, struct err *e)
{
	json_t *record = erasure_get(r, id, e);
	enum err_code code;

	if (!record)
		return e->code != ERR_OK ? e->code : close_record(r, id, e);
	r->viewer = (struct viewer){
		.kind = VIEWER_COMPANY,
		.company = arena_span(r->arena, json_get_span(record, "companyId"))};
	code = json_get_text(record, "state") && json_get_text(record, "kind")
		       ? run(r, id, record, e)
		       : close_record(r, id, e);
	json_decref(record);
	return code;
}
