#include "common/mailconn/finding.h"

#include <errno.h>
#include <strings.h>

struct finding {
	const char *name;
	enum err_code code;
};

struct wording {
	const char *part; /* lower or upper case alike */
	struct finding finding;
};

/* The first that fits counts: codes first, then words as the large providers use them. */
static const struct wording refusals[] = {
	{"web login required", {"web_login_needed", ERR_AUTH}},
	{"via your web browser", {"web_login_needed", ERR_AUTH}},
	{"[WEBALERT", {"web_login_needed", ERR_AUTH}},
	{"application-specific password", {"app_password_needed", ERR_AUTH}},
	{"app password", {"app_password_needed", ERR_AUTH}},
	{"app-specific password", {"app_password_needed", ERR_AUTH}},
	{"authorization code", {"app_password_needed", ERR_AUTH}},
	{"authentication code", {"app_password_needed", ERR_AUTH}},
	{"too many simultaneous", {"too_many_connections", ERR_TEMP}},
	{"too many connections", {"too_many_connections", ERR_TEMP}},
	{"maximum number of connections", {"too_many_connections", ERR_TEMP}},
	{"connection limit", {"too_many_connections", ERR_TEMP}},
	{"throttled", {"rate_limited", ERR_TEMP}},
	{"rate limit", {"rate_limited", ERR_TEMP}},
	{"too many login", {"rate_limited", ERR_TEMP}},
	{"too many failed", {"rate_limited", ERR_TEMP}},
	{"try again later", {"rate_limited", ERR_TEMP}},
	{"[LIMIT]", {"rate_limited", ERR_TEMP}},
	{"bandwidth limit", {"bandwidth_exceeded", ERR_TEMP}},
	{"[OVERQUOTA]", {"over_quota", ERR_TEMP}},
	{"quota exceeded", {"over_quota", ERR_TEMP}},
	{"over quota", {"over_quota", ERR_TEMP}},
	{"mailbox is full", {"over_quota", ERR_TEMP}},
	{"[UNAVAILABLE]", {"server_unavailable", ERR_TEMP}},
	{"[INUSE]", {"server_unavailable", ERR_TEMP}},
	{"internal error", {"server_unavailable", ERR_TEMP}},
	{"temporar", {"server_unavailable", ERR_TEMP}},
	{"[CONTACTADMIN]", {"login_disabled", ERR_AUTH}},
	{"account is locked", {"account_locked", ERR_AUTH}},
	{"account has been locked", {"account_locked", ERR_AUTH}},
	{"account suspended", {"account_locked", ERR_AUTH}},
	{"account is suspended", {"account_locked", ERR_AUTH}},
	{"account locked", {"account_locked", ERR_AUTH}},
	{"[PRIVACYREQUIRED]", {"plaintext_refused", ERR_PERM}},
	{"imap access is disabled", {"login_disabled", ERR_AUTH}},
	{"imap is disabled", {"login_disabled", ERR_AUTH}},
	{"enable imap", {"login_disabled", ERR_AUTH}},
	{"imap access disabled", {"login_disabled", ERR_AUTH}},
	{"imap service is not open", {"login_disabled", ERR_AUTH}},
	{"not enabled for imap", {"login_disabled", ERR_AUTH}},
	{"user is authenticated but not connected", {"login_disabled", ERR_AUTH}},
	{"smtp_auth_disabled", {"smtp_auth_disabled", ERR_AUTH}},
	{"smtpclientauthentication is disabled", {"smtp_auth_disabled", ERR_AUTH}},
	{"account disabled", {"login_disabled", ERR_AUTH}},
	{"account is disabled", {"login_disabled", ERR_AUTH}},
	{"[EXPIRED]", {"token_expired", ERR_AUTH}},
	{"token expired", {"token_expired", ERR_AUTH}},
	{"consent", {"consent_missing", ERR_AUTH}},
	{"invalid_grant", {"token_revoked", ERR_AUTH}},
};

/* Of an access token, in the words of RFC 7628 section 3.2.2, RFC 6750 section 3.1 and of XOAUTH2. */
static const struct wording tokens[] = {
	{"insufficient_scope", {"consent_missing", ERR_AUTH}},
	{"\"403\"", {"consent_missing", ERR_AUTH}},
	{"consent", {"consent_missing", ERR_AUTH}},
	{"expired", {"token_expired", ERR_AUTH}},
	{"revoked", {"token_revoked", ERR_AUTH}},
	{"invalid_grant", {"token_revoked", ERR_AUTH}},
};

static const struct wording blocked[] = {
	{"blocked", {"address_blocked", ERR_TEMP}},
	{"blacklist", {"address_blocked", ERR_TEMP}},
	{"access denied", {"address_blocked", ERR_TEMP}},
};

static struct finding by_words(const struct wording *table, size_t count, const char *words,
			       struct finding otherwise)
{
	for (size_t i = 0; i < count; i++)
		if (strcasestr(words, table[i].part))
			return table[i].finding;
	return otherwise;
}

/* SMTP: a reply of the class 4yz, whatever it says, is no judgement of the credentials (RFC 4954 section 6). */
static bool is_for_now(const char *words)
{
	return words[0] == '4' && words[1] >= '0' && words[1] <= '9' && words[2] >= '0' &&
	       words[2] <= '9' && (words[3] == ' ' || words[3] == '\0');
}

static struct finding refused(const char *words)
{
	static const struct finding credentials = {"wrong_credentials", ERR_AUTH};
	static const struct finding later = {"server_unavailable", ERR_TEMP};
	const struct finding plain = is_for_now(words) ? later : credentials;

	return by_words(refusals, sizeof(refusals) / sizeof(refusals[0]), words, plain);
}

static struct finding not_connected(long os_errno)
{
	if (os_errno == ETIMEDOUT)
		return (struct finding){"connection_timed_out", ERR_TEMP};
	if (os_errno == ENETUNREACH || os_errno == EHOSTUNREACH)
		return (struct finding){"host_unreachable", ERR_TEMP};
	return (struct finding){"connection_refused", ERR_TEMP};
}

/* Its last words are a yes: it was not asked, as it offers no way that we know. */
static bool not_asked(const char *words)
{
	const char *blank = strchr(words, ' ');

	return strncmp(words, "250 ", 4) == 0 || (blank && strncasecmp(blank, " OK", 3) == 0);
}

/* The server closed, or said something that is not its protocol. */
static struct finding closed(const char *words)
{
	static const struct finding plain = {"connection_closed", ERR_TEMP};
	struct finding found;

	if (strncmp(words, "+OK", 3) == 0)
		return (struct finding){"server_speaks_pop3", ERR_PERM};
	found = by_words(blocked, sizeof(blocked) / sizeof(blocked[0]), words, plain);
	return found.name == plain.name
		       ? by_words(refusals, sizeof(refusals) / sizeof(refusals[0]), words, plain)
		       : found;
}

static struct finding classify(CURLcode code, long os_errno, const char *words)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return (struct finding){"host_not_found", ERR_TEMP};
	case CURLE_COULDNT_CONNECT:
		return not_connected(os_errno);
	case CURLE_OPERATION_TIMEDOUT:
		return (struct finding){"connection_timed_out", ERR_TEMP};
	case CURLE_PEER_FAILED_VERIFICATION:
		return (struct finding){"certificate_untrusted", ERR_TEMP};
	case CURLE_SSL_CACERT_BADFILE:
		return (struct finding){"ca_file_unreadable", ERR_PERM};
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CERTPROBLEM:
		return (struct finding){"tls_failed", ERR_TEMP};
	case CURLE_USE_SSL_FAILED:
		return (struct finding){"starttls_missing", ERR_PERM};
	case CURLE_LOGIN_DENIED:
	case CURLE_AUTH_ERROR:
		if (not_asked(words))
			return (struct finding){"no_login_mechanism", ERR_PERM};
		return refused(words);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return (struct finding){"host_invalid", ERR_PERM};
	default:
		return closed(words);
	}
}

enum err_code mailconn_finding(CURLcode code, long os_errno, const char *words, const char *detail,
			       struct err *e)
{
	struct finding found = classify(code, os_errno, words);
	const char *text = *detail ? detail : curl_easy_strerror(code);

	if (*words)
		return err_set(e, found.code, ERR_ACCOUNT, found.name, "%s: the server said: %s",
			       text, words);
	return err_set(e, found.code, ERR_ACCOUNT, found.name, "%s", text);
}

enum err_code mailconn_token_finding(const char *challenge, struct err *e)
{
	static const struct finding plain = {"token_refused", ERR_AUTH};
	const struct err said = *e;
	const struct finding found = by_words(tokens, sizeof(tokens) / sizeof(tokens[0]),
					      *challenge ? challenge : said.text, plain);

	if (*challenge)
		return err_set(e, found.code, ERR_ACCOUNT, found.name, "%s: %s", said.text,
			       challenge);
	return err_set(e, found.code, ERR_ACCOUNT, found.name, "%s", said.text);
}
