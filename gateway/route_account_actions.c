#include "common/base/address.h"
#include "common/base/utf7.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/account_config.h"
#include "gateway/account_fields.h"
#include "gateway/account_open.h"
#include "gateway/account_save.h"
#include "gateway/account_view.h"
#include "gateway/page.h"
#include "gateway/discovery.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"

#define PATH_SHOWN_MAX 4096

/* Writes the record anew as it is, with another paused or fresh credentials. */
static void account_rewrite(struct http_request *r, const struct account_entry *entry,
			    const char *paused, const struct account_connection *c)
{
	struct account_draft draft = {
		.id = entry->id, .user = entry->user, .email = entry->email, .paused = paused};
	struct account_record record;
	json_t *config;

	if (!account_record_get(r, entry->id, &record))
		return;
	config = account_config_make(r, NULL, record.config, c);
	draft.config = config;
	draft.revision = record.revision;
	if (c)
		draft.credentials = account_credentials_seal(r, entry->id, c);
	switch (account_save(r, &draft)) {
	case ACCOUNT_SAVED:
		account_view_answer(r, entry, 200);
		break;
	case ACCOUNT_STALE:
		problem_answer(r, PROBLEM_UNAVAILABLE, "Another changed the account just now.");
		problem_retry_after(r, 1);
		break;
	case ACCOUNT_FAILED:
		break;
	}
	json_decref(config);
	json_decref(record.config);
}

static void account_pause(struct http_request *r)
{
	struct account_entry entry;

	if (account_open(r, false, &entry))
		account_rewrite(r, &entry, "1", NULL);
}

static void account_resume(struct http_request *r)
{
	struct account_entry entry;

	if (account_open(r, false, &entry))
		account_rewrite(r, &entry, "0", NULL);
}

static void account_reauthenticate(struct http_request *r)
{
	struct account_record record;
	struct account_entry entry;
	struct account_connection c;

	if (!account_open(r, false, &entry) || !account_record_get(r, entry.id, &record))
		return;
	if (account_connection_read(r, r->json, record.config, arena_cstr(r->arena, entry.email),
				    &c)) {
		if (account_verify(r->app->conf, &c.imap, &c.smtp))
			account_rewrite(r, &entry, NULL, &c);
		else
			account_connection_refuse(r, &c);
	}
	account_passwords_wipe(r->json);
	json_decref(record.config);
}

static void account_history(struct http_request *r)
{
	struct span next = SPAN_LIT("");
	struct account_entry entry;
	struct store_reply reply;
	json_t *data;
	struct page page;
	struct err e;

	if (!account_open(r, false, &entry) || !page_read(r, &page))
		return;
	if (store_do(r->store, r->arena, &reply, &e, "XREVRANGE %b %s - COUNT %d",
		     key_account(r->arena, r->viewer.company, entry.id, KEY_A_HISTORY),
		     page.cursor.n ? arena_printf(r->arena, "(%.*s", (int)page.cursor.n,
						  (const char *)page.cursor.p)
				   : "+",
		     (int64_t)page.limit + 1) != ERR_OK) {
		problem_from_err(r, &e);
		return;
	}
	data = json_array();
	for (size_t i = 0; i < reply.count && i < page.limit; i++)
		if (reply.items[i].count == 2)
			json_array_append_new(data, account_change_json(&reply.items[i]));
	if (reply.count > page.limit)
		next = reply.items[page.limit - 1].items[0].string;
	page_answer(r, data, next);
}

/* [path, delimiter, role, uidvalidity, cursor, remote, stored] */
static json_t *folder_json(struct span id, struct span packed)
{
	struct pack_reader p = pack_reader_make(packed);
	size_t elements = pack_read_array(&p);
	struct span path = pack_read_bytes(&p), delimiter = pack_read_bytes(&p);
	struct span role = pack_read_bytes(&p);
	uint64_t remote, stored;
	json_t *object;
	struct buf shown;

	pack_skip_n(&p, 2);
	remote = pack_read_u64(&p);
	stored = pack_read_u64(&p);
	pack_skip_n(&p, elements > 7 ? elements - 7 : 0);
	if (elements < 7 || !pack_done(&p))
		return NULL;
	buf_init(&shown, PATH_SHOWN_MAX);
	utf7_decode(path, &shown);
	object = json_pack("{s:o s:o s:o s:o s:I s:I}", "id", json_from_span(id), "path",
			   json_from_span(buf_span(&shown)), "delimiter", json_from_span(delimiter),
			   "role", role.n ? json_from_span(role) : json_null(), "remote",
			   (json_int_t)remote, "stored", (json_int_t)stored);
	buf_fini(&shown);
	return object;
}

/* Names of folders are the mailbox's content: its users alone see them. */
static void account_folders(struct http_request *r)
{
	json_t *data, *folder;
	struct account_entry entry;
	struct store_reply reply;
	struct err e;

	if (!account_open(r, false, &entry))
		return;
	if (store_do(r->store, r->arena, &reply, &e, "HGETALL %b",
		     key_account(r->arena, r->viewer.company, entry.id, KEY_A_MAILBOXES)) !=
	    ERR_OK) {
		problem_from_err(r, &e);
		return;
	}
	data = json_array();
	for (size_t i = 0; i + 1 < reply.count; i += 2) {
		folder = folder_json(reply.items[i].string, reply.items[i + 1].string);
		if (folder)
			json_array_append_new(data, folder);
	}
	page_answer(r, data, SPAN_LIT(""));
}

static json_t *server_json(const struct discovery_server *server)
{
	return json_pack("{s:o s:i s:s}", "host", json_from_span(span_cstr(server->host)), "port",
			 (int)server->port, "security", server->starttls ? "starttls" : "tls");
}

static json_t *offer_json(const struct discovery_offer *offer)
{
	const struct preset *preset = offer->preset;

	return json_pack("{s:s s:s s:s? s:o s:o s:s?}", "kind", "imap", "source", offer->source,
			 "provider", preset ? preset->provider : NULL, "imap",
			 server_json(&offer->imap), "smtp", server_json(&offer->smtp), "advice",
			 preset ? preset->advice : NULL);
}

static void autoconfig_get(struct http_request *r)
{
	struct discovery_offer offers[DISCOVERY_MAX];
	char address[ADDRESS_MAX + 1];
	json_t *data;
	size_t count;
	struct err e;

	if (!address_normalize(span_cstr(http_query(r, "email")), address)) {
		problem_answer(r, PROBLEM_INVALID_PARAMETER, "`email` is not an address.");
		return;
	}
	if (discover(r->app->conf, strrchr(address, '@') + 1, offers, &count, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return;
	}
	data = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(data, offer_json(&offers[i]));
	page_answer(r, data, SPAN_LIT(""));
}

static const struct json_field EMAIL_QUERY[] = {
	{.name = "email", .type = FIELD_ADDRESS, .flags = FIELD_REQUIRED},
	{.name = NULL},
};

static const struct json_field NOTHING[] = {{.name = NULL}};

static const struct json_field FOLDER[] = {
	{.name = "id", .type = FIELD_LINE},
	{.name = "path", .type = FIELD_LINE},
	{.name = "delimiter", .type = FIELD_LINE},
	{.name = "role", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "remote", .type = FIELD_INT},
	{.name = "stored", .type = FIELD_INT},
	{.name = NULL},
};

#define ACCOUNT "/v1/accounts/{id}"
#define ACTION(path, handler, fields, flag, text)                                          \
	{                                                                                  \
		.method = HTTP_POST, .pattern = ACCOUNT path, .need = NEED_COMPANY,        \
		.scope = SCOPE_ACCOUNTS, .flags = flag, .handle = handler, .body = fields, \
		.status = 200, .answer = account_answer_fields, .summary = text            \
	}

static const struct route ROUTES[] = {
	ACTION("/pause", account_pause, NOTHING, 0, "Stops syncing; what is synced stays."),
	ACTION("/resume", account_resume, NOTHING, 0, "Starts syncing where it stopped."),
	ACTION("/reauthenticate", account_reauthenticate, account_reauthenticate_fields, ROUTE_SLOW,
	       "Gives new credentials, after trying them."),
	{.method = HTTP_GET,
	 .pattern = ACCOUNT "/history",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_ACCOUNTS,
	 .flags = ROUTE_PAGED,
	 .handle = account_history,
	 .status = 200,
	 .answer = account_change_fields,
	 .summary = "The account's changes of state, newest first."},
	{.method = HTTP_GET,
	 .pattern = ACCOUNT "/folders",
	 .need = NEED_USER,
	 .scope = SCOPE_ACCOUNTS,
	 .flags = ROUTE_PAGED,
	 .handle = account_folders,
	 .status = 200,
	 .answer = FOLDER,
	 .summary = "The mailbox's folders with what the server holds and what is stored."},
	{.method = HTTP_GET,
	 .pattern = "/v1/autoconfig",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_ACCOUNTS,
	 .flags = ROUTE_SLOW,
	 .handle = autoconfig_get,
	 .query = EMAIL_QUERY,
	 .status = 200,
	 .summary = "Servers for an address, the best first: from the built-in table, its domain's "
		    "DNS, its hoster, or by trying."},
};

ROUTE_TABLE(route_account_actions_table, "accounts", ROUTES);
