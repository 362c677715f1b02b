#include "sender/account.h"

#include <jansson.h>

#include "common/base/address.h"
#include "common/blob/blob.h"
#include "common/wire/pack.h"

#define CREDENTIALS_MAX 16384

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && span_ieq(span_make(text + n - m, m), span_cstr(end));
}

/* Providers that put what is submitted into Sent by themselves: a second copy would be one too many. */
static bool provider_files_sent(const char *provider, const char *host)
{
	static const char *const providers[] = {"gmail", "google", "microsoft", "outlook", NULL};
	static const char *const hosts[] = {"smtp.gmail.com", "smtp.office365.com",
					    "smtp-mail.outlook.com", NULL};

	for (size_t i = 0; providers[i]; i++)
		if (strcmp(provider, providers[i]) == 0)
			return true;
	for (size_t i = 0; hosts[i]; i++)
		if (ends_with(host, hosts[i]))
			return true;
	return false;
}

static enum err_code take_security(const char *security, bool allow_plaintext,
				   struct mailconn_target *t, struct err *e)
{
	if (strcmp(security, "tls") == 0)
		t->security = MAILCONN_TLS;
	else if (strcmp(security, "starttls") == 0)
		t->security = MAILCONN_STARTTLS;
	else if (strcmp(security, "none") == 0 && allow_plaintext)
		t->security = MAILCONN_NONE;
	else if (*security)
		return err_set(e, ERR_PERM, ERR_ACCOUNT, "security_refused",
			       "mail is submitted over encrypted connections alone");
	else
		t->security = t->port == 587 ? MAILCONN_STARTTLS : MAILCONN_TLS;
	return ERR_OK;
}

static enum err_code take_config(const struct account_options *options,
				 const struct outbox_entry *entry, struct arena *arena,
				 struct account *a, struct err *e)
{
	json_t *config = json_loadb((const char *)entry->config.p, entry->config.n, 0, NULL);
	const json_t *smtp = json_object_get(config, "smtp");
	json_int_t port = json_integer_value(json_object_get(smtp, "port"));
	struct mailconn_target *t = &a->target;
	enum err_code code = ERR_OK;

	*t = (struct mailconn_target){.protocol = MAILCONN_SMTP,
				      .host = arena_printf(arena, "%s", text_of(smtp, "host")),
				      .user = arena_printf(arena, "%s", text_of(smtp, "user")),
				      .ca_file = options->ca_file,
				      .ehlo = options->ehlo,
				      .connect_ms = options->connect_ms};
	if (!*t->user)
		t->user = arena_cstr(arena, entry->email);
	a->sender_name = arena_span(arena, span_cstr(text_of(config, "senderName")));
	a->files_sent = provider_files_sent(text_of(config, "provider"), t->host);
	if (!*t->host || port < 1 || port > UINT16_MAX)
		code = err_set(e, ERR_PERM, ERR_ACCOUNT, "not_configured",
			       "the account has no SMTP host and port");
	t->port = (uint16_t)port;
	if (code == ERR_OK)
		code = take_security(text_of(smtp, "security"), options->allow_plaintext, t, e);
	json_decref(config);
	return code;
}

static enum err_code take_password(const struct account_keys *keys, const struct outbox_key *key,
				   const struct outbox_entry *entry, struct arena *arena,
				   struct account *a, struct err *e)
{
	const char *context = arena_printf(arena, "%.*s/%.*s", (int)key->company.n,
					   (const char *)key->company.p, (int)key->account.n,
					   (const char *)key->account.p);
	json_t *object = NULL, *secret;
	struct buf clear;
	bool token;
	enum err_code code;

	buf_init(&clear, CREDENTIALS_MAX);
	buf_reserve(&clear, CREDENTIALS_MAX);
	code = secret_open_with(&keys->credentials, span_cstr(context), entry->cred, &clear, e);
	if (code == ERR_OK)
		object = json_loadb((const char *)clear.p, clear.n, 0, NULL);
	token = json_string_length(json_object_get(object, "smtpToken")) > 0;
	secret = json_object_get(object, token ? "smtpToken" : "smtpPassword");
	if (code == ERR_OK && json_string_length(secret) == 0)
		code = err_set(e, ERR_PERM, ERR_ACCOUNT, "no_credentials",
			       "the account has no password for SMTP");
	if (code == ERR_OK) {
		const struct span text =
			span_make(json_string_value(secret), json_string_length(secret));

		*(token ? &a->target.bearer : &a->target.password) = arena_span(arena, text);
		secret_wipe((void *)(uintptr_t)text.p, text.n);
	}
	json_decref(object);
	buf_wipe(&clear);
	return code;
}

enum err_code account_open(const struct account_keys *keys, const struct account_options *options,
			   const struct outbox_key *key, const struct outbox_entry *entry,
			   struct arena *arena, struct account *account_out, struct err *e)
{
	enum err_code code;

	memset(account_out, 0, sizeof(*account_out));
	code = blob_data_key_open(&keys->mail, key->company, key->account, entry->key,
				  &account_out->data_key, e);
	if (code == ERR_OK)
		code = take_config(options, entry, arena, account_out, e);
	if (code == ERR_OK)
		code = take_password(keys, key, entry, arena, account_out, e);
	return code;
}

void account_close(struct account *account)
{
	struct span password = account->target.password;

	if (password.n)
		secret_wipe((void *)(uintptr_t)password.p, password.n);
	account->target.password = span_make(NULL, 0);
	secret_wipe(&account->data_key, sizeof(account->data_key));
}

bool account_may_send_as(const struct outbox_entry *entry, struct span address)
{
	char wanted[ADDRESS_MAX + 1], own[ADDRESS_MAX + 1];
	struct pack_reader r = pack_reader_make(entry->own);

	if (!address_normalize(address, wanted))
		return false;
	if (address_normalize(entry->email, own) && strcmp(own, wanted) == 0)
		return true;
	for (size_t n = pack_read_array(&r); n > 0 && !r.bad; n--)
		if (span_eq(pack_read_bytes(&r), span_cstr(wanted)))
			return true;
	return false;
}
