#include "gateway/account_save.h"

#include "common/base/address.h"
#include "common/blob/blob.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/account_pace.h"
#include "gateway/bus_client.h"
#include "gateway/json.h"
#include "gateway/problem.h"

#define STEP "256"
#define ARGS_MAX 160
#define OWN_MAX 8192

static struct span number_text(struct arena *arena, int64_t n)
{
	return span_cstr(arena_printf(arena, "%lld", (long long)n));
}

static enum err_code call_account(struct http_request *r, const char *function, struct span account,
				  const struct span *args, size_t count,
				  struct store_reply *reply_out, struct err *e)
{
	struct span key = key_account_tag(r->arena, r->viewer.company, account);

	return store_fcall(r->store, function, &key, 1, args, count, r->arena, reply_out, e);
}

static enum err_code call_company(struct http_request *r, const char *function,
				  const struct span *args, size_t count,
				  struct store_reply *reply_out, struct err *e)
{
	struct span key = key_company_tag(r->arena, r->viewer.company);

	return store_fcall(r->store, function, &key, 1, args, count, r->arena, reply_out, e);
}

static struct span directory_field(struct http_request *r, struct span account)
{
	struct span company = r->viewer.company;

	return span_cstr(arena_printf(r->arena, "%.*s/%.*s", (int)company.n,
				      (const char *)company.p, (int)account.n,
				      (const char *)account.p));
}

static void own_add(struct http_request *r, struct span address, struct span *own, size_t *count)
{
	char normal[ADDRESS_MAX + 1];

	if (!address_normalize(address, normal))
		return;
	for (size_t i = 0; i < *count; i++)
		if (span_eq(own[i], span_cstr(normal)))
			return;
	own[(*count)++] = arena_span(r->arena, span_cstr(normal));
}

/* The account's own addresses, normalized: its address, its login where that is one too, and what else it sends as. */
static struct span own_addresses(struct http_request *r, const struct account_draft *d)
{
	const json_t *aliases = json_object_get(d->config, "aliases");
	struct span *own = arena_array(r->arena, json_array_size(aliases) + 2, sizeof(*own));
	struct span packed;
	size_t count = 0;
	struct buf b;

	own_add(r, d->email, own, &count);
	own_add(r, json_get_span(json_object_get(d->config, "imap"), "user"), own, &count);
	for (size_t i = 0; i < json_array_size(aliases); i++)
		own_add(r, span_cstr(json_string_value(json_array_get(aliases, i))), own, &count);
	buf_init(&b, OWN_MAX);
	pack_put_array(&b, count);
	for (size_t i = 0; i < count; i++)
		pack_put_str(&b, own[i]);
	packed = arena_span(r->arena, buf_span(&b));
	buf_fini(&b);
	return packed;
}

static struct span data_key_new(struct http_request *r, struct span account)
{
	struct span wrapped;
	struct buf b;

	buf_init(&b, 256);
	blob_data_key_new(&r->app->mail_key, r->viewer.company, account, &b);
	wrapped = arena_span(r->arena, buf_span(&b));
	buf_fini(&b);
	return wrapped;
}

static void field(struct span *args, size_t *n, const char *name, struct span value)
{
	args[(*n)++] = span_cstr(name);
	args[(*n)++] = value;
}

/* Account slot. generation_out stays empty if the record is another than the draft was made from. */
static enum err_code slot_put(struct http_request *r, const struct account_draft *d,
			      struct span number, struct span *generation_out, struct err *e)
{
	struct span args[ARGS_MAX], now = number_text(r->arena, r->now_ms);
	struct store_reply reply;
	enum err_code code;
	size_t n = 0;

	args[n++] = now;
	args[n++] = d->revision;
	args[n++] = data_key_new(r, d->id);
	field(args, &n, "company", r->viewer.company);
	field(args, &n, "account", d->id);
	field(args, &n, "user", d->user);
	field(args, &n, "email", d->email);
	field(args, &n, "own", own_addresses(r, d));
	field(args, &n, "config", json_text(r->arena, d->config));
	field(args, &n, "sharing", json_get_span(d->config, "defaultSharing"));
	field(args, &n, "number", number);
	field(args, &n, "pace", account_pace(r->arena, d->config, d->email));
	if (d->credentials.n)
		field(args, &n, "cred", d->credentials);
	if (d->audit.n)
		field(args, &n, "audit", d->audit);
	if (d->paused)
		field(args, &n, "paused", span_cstr(d->paused));
	if (!d->revision.n)
		field(args, &n, "created", now);
	code = call_account(r, "gateway_1_account_put", d->id, args, n, &reply, e);
	*generation_out = SPAN_LIT("");
	if (code == ERR_OK && reply.count >= 2 && span_eq(reply.items[0].string, SPAN_LIT("ok")))
		*generation_out = reply.items[1].string;
	return code;
}

static enum err_code company_add(struct http_request *r, const struct account_draft *d,
				 struct span number, bool removed, struct err *e)
{
	const json_t *members = json_object_get(d->config, "members");
	struct span args[ARGS_MAX];
	struct store_reply reply;
	size_t n = 0;

	args[n++] = d->id;
	args[n++] = number;
	args[n++] = d->user;
	args[n++] = d->email;
	args[n++] = removed ? SPAN_LIT("1") : SPAN_LIT("0");
	for (size_t i = 0; i < json_array_size(members) && n < ARGS_MAX; i++)
		args[n++] = span_cstr(json_string_value(json_array_get(members, i)));
	return call_company(r, "gateway_1_account_add", args, n, &reply, e);
}

enum account_saved account_save(struct http_request *r, const struct account_draft *d)
{
	struct span number, generation;
	struct store_reply reply;
	struct err e;

	if (call_company(r, "gateway_1_account_number", &d->id, 1, &reply, &e) != ERR_OK)
		goto failed;
	number = number_text(r->arena, reply.integer);
	if (slot_put(r, d, number, &generation, &e) != ERR_OK)
		goto failed;
	if (!generation.n)
		return ACCOUNT_STALE;
	if (company_add(r, d, number, false, &e) != ERR_OK ||
	    store_do(r->store, r->arena, &reply, &e, "HSET %b %b %b",
		     key_global(r->arena, KEY_G_ACCOUNTS), directory_field(r, d->id),
		     generation) != ERR_OK)
		goto failed;
	bus_client_ring(r->app->bus, "accounts", r->viewer.company, d->id);
	return ACCOUNT_SAVED;
failed:
	problem_from_err(r, &e);
	return ACCOUNT_FAILED;
}

static enum err_code directory_remove(struct http_request *r, struct span account, struct err *e)
{
	struct store_reply reply;
	enum err_code code = store_do(r->store, r->arena, &reply, e, "HDEL %b %b",
				      key_global(r->arena, KEY_G_ACCOUNTS),
				      directory_field(r, account));

	bus_client_ring(r->app->bus, "accounts", r->viewer.company, account);
	return code;
}

bool account_remove(struct http_request *r, const struct account_entry *entry)
{
	struct span now = number_text(r->arena, r->now_ms);
	struct account_record record = {.config = NULL};
	struct account_draft draft = {.id = entry->id, .user = entry->user, .email = entry->email};
	struct store_reply reply;
	struct err e;
	bool ok;

	if (!account_record_get(r, entry->id, &record))
		return false;
	draft.config = record.config;
	json_object_set_new(record.config, "members", account_members_json(entry));
	ok = call_account(r, "gateway_1_account_kept", entry->id, &now, 1, &reply, &e) == ERR_OK &&
	     directory_remove(r, entry->id, &e) == ERR_OK &&
	     company_add(r, &draft, number_text(r->arena, (int64_t)entry->number), true, &e) ==
		     ERR_OK;
	if (ok)
		bus_client_ring(r->app->bus, "journal", r->viewer.company, entry->id);
	else
		problem_from_err(r, &e);
	json_decref(record.config);
	return ok;
}

/* Until a step says that nothing is left. */
static enum err_code erase_slot(struct http_request *r, struct span account, bool once,
				struct err *e)
{
	struct span args[] = {number_text(r->arena, r->now_ms), SPAN_LIT(STEP)};
	struct store_reply reply;
	enum err_code code;

	do {
		code = call_account(r, "gateway_1_account_erase", account, args, 2, &reply, e);
	} while (!once && code == ERR_OK && reply.count == 3 && reply.items[2].integer > 0);
	return code;
}

static enum err_code erase_timelines(struct http_request *r, const struct account_entry *entry,
				     struct err *e)
{
	struct span args[] = {entry->id, number_text(r->arena, (int64_t)entry->number),
			      SPAN_LIT("0"), SPAN_LIT(STEP)};
	struct store_reply reply;
	enum err_code code;

	do {
		code = call_company(r, "gateway_1_account_forget", args, 4, &reply, e);
		args[2] = reply.string;
	} while (code == ERR_OK && !span_eq(args[2], SPAN_LIT("0")));
	return code;
}

bool account_erase(struct http_request *r, const struct account_entry *entry)
{
	struct span args[] = {entry->id, number_text(r->arena, r->now_ms)};
	struct store_reply reply;
	struct err e;

	if (erase_slot(r, entry->id, true, &e) == ERR_OK &&
	    directory_remove(r, entry->id, &e) == ERR_OK &&
	    erase_slot(r, entry->id, false, &e) == ERR_OK &&
	    erase_timelines(r, entry, &e) == ERR_OK &&
	    call_company(r, "gateway_1_account_drop", args, 2, &reply, &e) == ERR_OK) {
		bus_client_ring(r->app->bus, "events", r->viewer.company, entry->id);
		return true;
	}
	problem_from_err(r, &e);
	return false;
}

bool account_record_get(struct http_request *r, struct span account,
			struct account_record *record_out)
{
	struct store_reply reply;
	struct span config;
	struct err e;

	if (store_do(r->store, r->arena, &reply, &e, "HMGET %b config revision paused",
		     key_account(r->arena, r->viewer.company, account, KEY_A_ACCOUNT)) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	config = reply.count == 3 ? reply.items[0].string : SPAN_LIT("");
	record_out->config = json_loadb((const char *)config.p, config.n, 0, NULL);
	if (!json_is_object(record_out->config)) {
		json_decref(record_out->config);
		problem_not_found(r);
		return false;
	}
	record_out->revision = reply.items[1].string;
	record_out->paused = span_eq(reply.items[2].string, SPAN_LIT("1"));
	return true;
}
