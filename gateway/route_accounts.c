#include "common/base/address.h"
#include "common/base/code.h"
#include "common/secret/secret.h"
#include "common/store/keys.h"
#include "gateway/account_config.h"
#include "gateway/account_fields.h"
#include "gateway/account_open.h"
#include "gateway/account_save.h"
#include "gateway/account_view.h"
#include "gateway/audit.h"
#include "gateway/erasure.h"
#include "gateway/erasure_loop.h"
#include "gateway/idempotency.h"
#include "gateway/login_address.h"
#include "gateway/page.h"
#include "gateway/plan.h"
#include "gateway/presets.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"

#define PATCH_ATTEMPTS 4

static void accounts_verify(struct http_request *r)
{
	struct account_connection c;
	bool ok;

	if (!account_connection_read(r, r->json, NULL, json_get_text(r->json, "email"), &c))
		return;
	ok = account_verify(r->app->conf, &c.imap, &c.smtp);
	account_passwords_wipe(r->json);
	if (ok)
		http_answer_json(r, 200, verify_findings(r->app->conf, &c.imap, &c.smtp, NULL));
	else
		account_connection_refuse(r, &c);
}

/* Whose it shall be: the user who asks; or, for the company, whom it names. */
static bool owner_read(struct http_request *r, struct span *user_out)
{
	struct span named = json_get_span(r->json, "userId");
	struct store_reply reply;
	struct err e;

	*user_out = named.n ? named : r->viewer.user;
	if (r->viewer.user.n) {
		if (span_eq(*user_out, r->viewer.user))
			return true;
		problem_answer(r, PROBLEM_NOT_OWNER, "A user adds accounts of their own alone.");
		return false;
	}
	if (!named.n) {
		problem_answer(r, PROBLEM_MISSING_FIELD, "`userId` is missing.");
		return false;
	}
	if (store_do(r->store, r->arena, &reply, &e, "HEXISTS %b %b",
		     key_company(r->arena, r->viewer.company, KEY_C_USERS), named) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (reply.integer == 1)
		return true;
	problem_answer(r, PROBLEM_UNKNOWN_REFERENCE, "There is no such user.");
	return false;
}

/* ACC-10: those who share the mailbox are users of the company. */
static bool members_known(struct http_request *r)
{
	struct span *members;
	size_t count = json_get_spans(r->arena, r->json, "members", &members);
	struct store_command *commands = arena_array(r->arena, count + 1, sizeof(*commands));
	struct store_reply *replies = arena_array(r->arena, count + 1, sizeof(*replies));
	struct err e;

	if (count && !plan_allows(r, PLAN_TEAMS))
		return false;
	for (size_t i = 0; i < count; i++)
		commands[i] = store_command(r->arena, "HEXISTS %b %b",
					    key_company(r->arena, r->viewer.company, KEY_C_USERS),
					    members[i]);
	if (count && store_pipeline(r->store, commands, count, r->arena, replies, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (replies[i].integer != 1) {
			problem_answer(r, PROBLEM_UNKNOWN_REFERENCE,
				       "There is no user `%.*s` to be a member.", (int)members[i].n,
				       (const char *)members[i].p);
			return false;
		}
	return true;
}

static bool same_mailbox(const struct account_entry *entry, struct span user, struct span email)
{
	char left[ADDRESS_MAX + 1], right[ADDRESS_MAX + 1];

	return span_eq(entry->user, user) && address_normalize(entry->email, left) &&
	       address_normalize(email, right) && strcmp(left, right) == 0;
}

/* The id: as given, that of the same mailbox taken away before (so that its kept mail is met again, ACC-07), or new. */
static bool id_choose(struct http_request *r, struct span user, struct span email,
		      struct span *id_out)
{
	struct span given = json_get_span(r->json, "id");
	struct account_entry *entries;
	size_t count, live = 0;

	*id_out = given;
	if (!account_entry_list(r, &entries, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		bool same_id = given.n && span_eq(entries[i].id, given);
		bool same_box = same_mailbox(&entries[i], user, email);

		live += !entries[i].removed;
		if ((same_id || same_box) && !entries[i].removed) {
			problem_answer(r, PROBLEM_ALREADY_EXISTS, "The account `%.*s` is there.",
				       (int)entries[i].id.n, (const char *)entries[i].id.p);
			return false;
		}
		if (same_box && !given.n)
			*id_out = entries[i].id;
	}
	if (live >= plan_limit(r, PLAN_MAX_ACCOUNTS)) {
		plan_limit_answer(r, PLAN_MAX_ACCOUNTS);
		return false;
	}
	if (!id_out->n)
		*id_out = idempotency_id(r, "acc-");
	return true;
}

/* With the members as they are now. */
static void saved_answer(struct http_request *r, struct span account, unsigned status)
{
	struct account_entry entry;

	if (account_entry_get(r, account, &entry))
		account_view_answer(r, &entry, status);
}

/* Who logged in under an alias has the main address that the server names; the alias is one to send as only if that is
 * asked for, since the server may not let it (ACC-05). False: a problem is answered. */
static bool main_address(struct http_request *r, const struct account_connection *c,
			 struct account_draft *d)
{
	const struct verify_direction *imap = &c->imap;
	const bool known = preset_by_imap_host(imap->ways[imap->at].host) != NULL;
	char found[ADDRESS_MAX + 1];

	if (!login_address_main(span_cstr(imap->server_text), span_cstr(imap->user), d->email,
				known, found))
		return true;
	d->email = arena_span(r->arena, span_cstr(found));
	return id_choose(r, d->user, d->email, &d->id);
}

static void accounts_post(struct http_request *r)
{
	struct account_draft draft = {.email = json_get_span(r->json, "email"), .paused = "0"};
	struct account_connection c;
	json_t *config = NULL;

	if (!owner_read(r, &draft.user) || !members_known(r) ||
	    !id_choose(r, draft.user, draft.email, &draft.id) ||
	    !account_connection_read(r, r->json, NULL, json_get_text(r->json, "email"), &c))
		return;
	if (!account_verify(r->app->conf, &c.imap, &c.smtp)) {
		account_connection_refuse(r, &c);
		goto out;
	}
	if (!main_address(r, &c, &draft))
		goto out;
	config = account_config_make(r, r->json, NULL, &c);
	if (!config)
		goto out;
	draft.config = config;
	draft.credentials = account_credentials_seal(r, draft.id, &c);
	if (account_save(r, &draft) == ACCOUNT_SAVED)
		saved_answer(r, draft.id, 201);
out:
	account_passwords_wipe(r->json);
	json_decref(config);
}

static void accounts_list(struct http_request *r)
{
	struct account_entry *entries;
	size_t count, n = 0;
	json_t *data, **objects;
	struct span next = SPAN_LIT("");
	struct page page;
	struct err e;

	if (!page_read(r, &page) || !account_entry_list(r, &entries, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (entries[i].removed || !account_manages(&r->viewer, &entries[i]) ||
		    (page.cursor.n && span_compare(entries[i].id, page.cursor) <= 0))
			continue;
		if (n == page.limit) {
			next = entries[n - 1].id;
			break;
		}
		entries[n++] = entries[i];
	}
	objects = arena_array(r->arena, n + 1, sizeof(json_t *));
	if (account_view_many(r, entries, n, objects, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return;
	}
	data = json_array();
	for (size_t i = 0; i < n; i++)
		if (objects[i])
			json_array_append_new(data, objects[i]);
	page_answer(r, data, next);
}

static void account_get(struct http_request *r)
{
	struct account_entry entry;

	if (account_open(r, false, &entry))
		account_view_answer(r, &entry, 200);
}

/* Reads, changes, writes; again if another did so meanwhile. c: what was tried anew, or NULL. */
static void account_change(struct http_request *r, const struct account_entry *entry,
			   const struct account_connection *c)
{
	struct account_draft draft = {.id = entry->id, .user = entry->user, .email = entry->email};
	enum account_saved saved = ACCOUNT_STALE;

	if (c)
		draft.credentials = account_credentials_seal(r, entry->id, c);
	for (int i = 0; i < PATCH_ATTEMPTS && saved == ACCOUNT_STALE; i++) {
		struct account_record record;
		json_t *config;

		if (!account_record_get(r, entry->id, &record))
			return;
		json_object_set_new(record.config, "members", account_members_json(entry));
		config = account_config_make(r, r->json, record.config, c);
		if (config)
			draft.audit = audit_entry(r, record.config, config);
		json_decref(record.config);
		if (!config)
			return;
		draft.config = config;
		draft.revision = record.revision;
		saved = account_save(r, &draft);
		json_decref(config);
	}
	if (saved == ACCOUNT_SAVED)
		saved_answer(r, entry->id, 200);
	else if (saved == ACCOUNT_STALE)
		problem_answer(r, PROBLEM_UNAVAILABLE,
			       "Others change the account at the same time.");
}

/* Changed hosts, ports or credentials are tried before they are kept. */
static void account_patch(struct http_request *r)
{
	bool connection = json_object_get(r->json, "imap") || json_object_get(r->json, "smtp");
	struct account_record record;
	struct account_entry entry;
	struct account_connection c;

	if (!account_open(r, false, &entry) || !members_known(r))
		return;
	if (!connection) {
		account_change(r, &entry, NULL);
		return;
	}
	if (!account_record_get(r, entry.id, &record))
		return;
	if (account_connection_read(r, r->json, record.config, arena_cstr(r->arena, entry.email),
				    &c)) {
		if (account_verify(r->app->conf, &c.imap, &c.smtp))
			account_change(r, &entry, &c);
		else
			account_connection_refuse(r, &c);
	}
	account_passwords_wipe(r->json);
	json_decref(record.config);
}

/* On record first, so that it comes to its end whatever dies; nothing can be read when this is answered. */
static bool account_end(struct http_request *r, const struct account_entry *entry)
{
	struct span id;

	if (!erasure_begin(r, r->viewer.company, entry, &id))
		return false;
	http_answer_header(
		r, "Location",
		arena_printf(r->arena, "/v1/erasures/%.*s", (int)id.n, (const char *)id.p));
	if (!account_erase(r, entry))
		return false;
	erasure_loop_wake(r->app->erasures);
	return true;
}

static void account_delete(struct http_request *r)
{
	const char *mail = http_query(r, "mail");
	bool erase = mail && strcmp(mail, "erase") == 0;
	struct account_entry entry;

	if (!account_open(r, erase, &entry))
		return;
	if (erase ? account_end(r, &entry) : account_remove(r, &entry))
		http_answer_empty(r, 204);
}

static const char *const MAIL[] = {"keep", "erase", NULL};
static const struct json_field DELETE_QUERY[] = {
	{.name = "mail",
	 .type = FIELD_ENUM,
	 .values = MAIL,
	 .help = "What becomes of the synced mail. Default: keep."},
	{.name = NULL},
};

#define ACCOUNT "/v1/accounts/{id}"

static const struct route ROUTES[] = {
	{.method = HTTP_POST,
	 .pattern = "/v1/accounts",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_ACCOUNTS,
	 .flags = ROUTE_SLOW | ROUTE_IDEMPOTENT,
	 .handle = accounts_post,
	 .body = account_post_fields,
	 .status = 201,
	 .answer = account_answer_fields,
	 .summary = "Adds a mail account after trying to read and to send with it."},
	{.method = HTTP_POST,
	 .pattern = "/v1/accounts/verify",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_ACCOUNTS,
	 .flags = ROUTE_SLOW,
	 .handle = accounts_verify,
	 .body = account_verify_fields,
	 .status = 200,
	 .summary = "Tries both directions without keeping anything."},
	{.method = HTTP_GET,
	 .pattern = "/v1/accounts",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_ACCOUNTS,
	 .flags = ROUTE_PAGED,
	 .handle = accounts_list,
	 .status = 200,
	 .answer = account_answer_fields,
	 .summary = "The mail accounts: a user's own, or for a company token all."},
	{.method = HTTP_GET,
	 .pattern = ACCOUNT,
	 .need = NEED_COMPANY,
	 .scope = SCOPE_ACCOUNTS,
	 .handle = account_get,
	 .status = 200,
	 .answer = account_answer_fields,
	 .summary = "One mail account with its state."},
	{.method = HTTP_PATCH,
	 .pattern = ACCOUNT,
	 .need = NEED_COMPANY,
	 .scope = SCOPE_ACCOUNTS,
	 .flags = ROUTE_SLOW,
	 .handle = account_patch,
	 .body = account_patch_fields,
	 .status = 200,
	 .answer = account_answer_fields,
	 .summary = "Changes an account; changed servers and credentials are tried first."},
	{.method = HTTP_DELETE,
	 .pattern = ACCOUNT,
	 .need = NEED_COMPANY,
	 .scope = SCOPE_ACCOUNTS,
	 .flags = ROUTE_SLOW,
	 .handle = account_delete,
	 .query = DELETE_QUERY,
	 .status = 204,
	 .summary = "Removes an account; its mail stays, or is erased with its key first."},
};

ROUTE_TABLE(route_accounts_table, "accounts", ROUTES);
