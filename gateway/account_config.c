#include "gateway/account_config.h"

#include <stdio.h>
#include <strings.h>

#include "common/base/clock.h"
#include "common/secret/secret.h"
#include "gateway/json.h"
#include "gateway/problem.h"

#define CREDENTIALS_MAX 16384

/* given's member, else before's. */
static const char *text_of(const json_t *given, const json_t *before, const char *name)
{
	const char *text = json_get_text(given, name);

	return text ? text : json_get_text(before, name);
}

static bool missing(struct http_request *r, const char *field)
{
	problem_answer(r, PROBLEM_MISSING_FIELD, "`%s` is missing.", field);
	problem_extend(r, "field", json_string(field));
	return false;
}

/* A host given anew takes no port or security of the host before. */
static void direction_read(struct verify_direction *d, const struct gateway_conf *conf,
			   enum mailconn_protocol protocol, const json_t *given,
			   const json_t *before, const char *host, int64_t port)
{
	const char *new_host = json_get_text(given, "host");
	const char *security = json_get_text(given, "security");
	int64_t new_port = json_get_int(given, "port", 0);

	if (!new_host && before) {
		new_host = json_get_text(before, "host");
		if (!new_port)
			new_port = json_get_int(before, "port", 0);
		if (!security && !json_get_int(given, "port", 0))
			security = json_get_text(before, "security");
	}
	verify_direction_set(d, conf, protocol, new_host ? new_host : host,
			     new_port	? new_port
			     : new_host ? 0
					: port,
			     security);
}

static bool hosts_given(struct http_request *r, const json_t *imap, const json_t *smtp,
			const json_t *before, const struct preset *preset)
{
	if (preset || before)
		return true;
	if (!json_get_text(imap, "host"))
		return missing(r, "imap.host");
	return json_get_text(smtp, "host") || missing(r, "smtp.host");
}

static bool offered(struct http_request *r, const json_t *given, const char *provider)
{
	if (!json_object_get(given, "oauth") && !json_object_get(given, "activesync") &&
	    (!provider || strcmp(provider, "exchange") != 0))
		return true;
	problem_answer(r, PROBLEM_PROVIDER_NOT_SUPPORTED,
		       "OAuth and Exchange ActiveSync are not offered yet.");
	return false;
}

static void secret_read(struct verify_direction *d, const json_t *given)
{
	d->password = json_get_span(given, "password");
	d->bearer = json_get_span(given, "accessToken");
}

bool account_connection_read(struct http_request *r, const json_t *given, const json_t *before,
			     const char *email, struct account_connection *out)
{
	const json_t *imap = json_object_get(given, "imap"), *smtp = json_object_get(given, "smtp");
	const json_t *old_imap = json_object_get(before, "imap");
	const json_t *old_smtp = json_object_get(before, "smtp");
	const char *provider = text_of(given, before, "provider"), *user;
	char imap_host[256] = "", smtp_host[256] = "";
	const struct gateway_conf *conf = r->app->conf;

	memset(out, 0, sizeof(*out));
	if (!offered(r, given, provider))
		return false;
	out->preset = provider ? preset_by_provider(provider) : NULL;
	if (!hosts_given(r, imap, smtp, old_imap, out->preset))
		return false;
	if (out->preset) {
		preset_host(out->preset->imap_host, email, imap_host);
		preset_host(out->preset->smtp_host, email, smtp_host);
	}
	if (!json_get_span(imap, "password").n && !json_get_span(imap, "accessToken").n)
		return missing(r, "imap.password");
	direction_read(&out->imap, conf, MAILCONN_IMAP, imap, old_imap, imap_host,
		       out->preset ? out->preset->imap_port : 0);
	direction_read(&out->smtp, conf, MAILCONN_SMTP, smtp, old_smtp, smtp_host,
		       out->preset ? out->preset->smtp_port : 0);
	user = text_of(imap, old_imap, "user");
	out->imap.user = user ? user : email;
	user = text_of(smtp, old_smtp, "user");
	out->smtp.user = user ? user : out->imap.user;
	secret_read(&out->imap, imap);
	secret_read(&out->smtp, smtp);
	if (!out->smtp.password.n && !out->smtp.bearer.n) {
		out->smtp.password = out->imap.password;
		out->smtp.bearer = out->imap.bearer;
	}
	return true;
}

void account_connection_refuse(struct http_request *r, const struct account_connection *c)
{
	const char *which = c->imap.ok	 ? "Sending (SMTP) does not work; reading does."
			    : c->smtp.ok ? "Reading (IMAP) does not work; sending does."
					 : "Neither reading (IMAP) nor sending (SMTP) works.";

	problem_answer(r, PROBLEM_ACCOUNT_VERIFICATION_FAILED, "%s", which);
	problem_extend(r, "findings",
		       verify_findings(r->app->conf, &c->imap, &c->smtp,
				       c->preset ? c->preset->advice : NULL));
}

static json_t *server_json(const struct verify_direction *d)
{
	const struct verify_way *way = &d->ways[d->at];

	return json_pack("{s:o s:i s:s s:o}", "host", json_from_span(span_cstr(way->host)), "port",
			 (int)way->port, "security", verify_security_name(way->security), "user",
			 json_from_span(span_cstr(d->user)));
}

/* "3d", "2w", "6m", "1y", "all", or a date. */
static bool since_ok(const char *since)
{
	size_t digits = strspn(since, "0123456789");
	char text[CLOCK_RFC3339_BYTES + 16];
	int64_t ms;

	if (strcmp(since, "all") == 0)
		return true;
	if (digits >= 1 && digits <= 4 && strchr("dwmy", since[digits]) && since[digits] &&
	    !since[digits + 1])
		return true;
	snprintf(text, sizeof(text), "%.10sT00:00:00Z", since);
	return strlen(since) == 10 ? clock_parse_rfc3339(text, strlen(text), &ms)
				   : clock_parse_rfc3339(since, strlen(since), &ms);
}

static json_t *config_defaults(void)
{
	return json_pack("{s:n s:s s:s s:n s:n s:b s:b s:[] s:[]}", "provider", "folders", "all",
			 "since", "3d", "defaultSharing", "senderName", "archiveInProvider", 0,
			 "deleteInProvider", 0, "blocked", "members");
}

/* Microsoft's servers put the mailbox's own name in, whatever is sent (ACC-09). */
static bool name_is_fixed(const json_t *config)
{
	const struct preset *preset = preset_by_provider("microsoft");
	const char *provider = json_get_text(config, "provider");
	const char *host = json_get_text(json_object_get(config, "smtp"), "host");

	return (provider && strcmp(provider, preset->provider) == 0) ||
	       (host && strcasecmp(host, preset->smtp_host) == 0);
}

json_t *account_config_make(struct http_request *r, const json_t *given, const json_t *before,
			    const struct account_connection *c)
{
	static const char *const OTHERS[] = {"id",   "userId", "email",	    "imap",
					     "smtp", "oauth",  "activesync"};
	const char *since = json_get_text(given, "since");
	json_t *config, *choices;

	if (since && !since_ok(since)) {
		problem_answer(r, PROBLEM_INVALID_FIELD,
			       "`since` must be like 3d, 2w, 6m, 1y, all or a date.");
		return NULL;
	}
	config = before ? json_deep_copy(before) : config_defaults();
	choices = json_copy((json_t *)(uintptr_t)given);
	for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++)
		json_object_del(choices, OTHERS[i]);
	json_object_update(config, choices);
	json_decref(choices);
	if (c) {
		json_object_set_new(config, "imap", server_json(&c->imap));
		json_object_set_new(config, "smtp", server_json(&c->smtp));
	}
	if (json_get_span(given, "senderName").n && name_is_fixed(config)) {
		problem_answer(r, PROBLEM_SENDER_NAME_FIXED,
			       "Microsoft's servers set the name of the sender themselves.");
		json_decref(config);
		return NULL;
	}
	return config;
}

static int credentials_write(const char *p, size_t n, void *ctx)
{
	buf_put(ctx, p, n);
	return 0;
}

static const char *const secret_names[] = {"imapPassword", "smtpPassword", "imapToken",
					   "smtpToken"};

#define SECRETS (sizeof(secret_names) / sizeof(secret_names[0]))

static void secret_put(json_t *object, const struct account_connection *c, size_t i)
{
	const struct verify_direction *d = i % 2 ? &c->smtp : &c->imap;
	const struct span secret = i < 2 ? d->password : d->bearer;

	if (secret.n)
		json_object_set_new(object, secret_names[i], json_from_span(secret));
}

static void wipe(struct span secret)
{
	secret_wipe((void *)(uintptr_t)secret.p, secret.n);
}

struct span account_credentials_seal(struct http_request *r, struct span account,
				     const struct account_connection *c)
{
	const char *context = arena_printf(r->arena, "%.*s/%.*s", (int)r->viewer.company.n,
					   (const char *)r->viewer.company.p, (int)account.n,
					   (const char *)account.p);
	json_t *object = json_object();
	struct buf clear, sealed;
	struct span out;

	for (size_t i = 0; i < SECRETS; i++)
		secret_put(object, c, i);
	buf_init(&clear, CREDENTIALS_MAX);
	buf_init(&sealed, CREDENTIALS_MAX + 128);
	json_dump_callback(object, credentials_write, &clear, JSON_COMPACT);
	secret_seal_to(&r->app->credentials_pub, span_cstr(context), buf_span(&clear), &sealed);
	out = arena_span(r->arena, buf_span(&sealed));
	for (size_t i = 0; i < SECRETS; i++)
		wipe(json_get_span(object, secret_names[i]));
	json_decref(object);
	buf_wipe(&clear);
	buf_fini(&clear);
	buf_fini(&sealed);
	return out;
}

void account_passwords_wipe(json_t *given)
{
	static const char *const SIDES[] = {"imap", "smtp"};

	for (size_t i = 0; i < 2; i++) {
		const json_t *side = json_object_get(given, SIDES[i]);

		wipe(json_get_span(side, "password"));
		wipe(json_get_span(side, "accessToken"));
	}
}
