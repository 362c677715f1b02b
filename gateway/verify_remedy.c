#include "gateway/verify_remedy.h"

#include <stddef.h>
#include <string.h>

/* What passes by itself: seconds after which another try has a chance (ACC-02). */
static const struct {
	const char *code;
	unsigned seconds;
} PASSING[] = {
	{"too_many_connections", 300}, {"rate_limited", 900},	      {"account_locked", 3600},
	{"server_unavailable", 300},   {"bandwidth_exceeded", 86400}, {"connection_timed_out", 60},
};

static const struct {
	const char *code, *remedy;
} REMEDIES[] = {
	{"host_not_found", "Check the spelling of the host name."},
	{"host_invalid", "Give a host name without blanks or slashes."},
	{"host_unreachable", "Check the host; its network cannot be reached from here."},
	{"host_not_allowed",
	 "Give the public host of your provider, with port 993 for IMAP and 465 or 587 for SMTP."},
	{"connection_refused", "Check host and port; nothing listens there."},
	{"connection_timed_out", "Check host and port; a firewall may drop the connection."},
	{"connection_closed",
	 "The server hung up: check port and security; it may also block our address."},
	{"tls_failed", "Check that the port speaks TLS: 993 for IMAP, 465 for SMTP."},
	{"certificate_untrusted",
	 "Use the host name that is in the server's certificate, or have the server renew it."},
	{"starttls_missing", "The server offers no encryption on this port: use 465 with TLS."},
	{"plaintext_port_refused",
	 "Use port 993 with TLS; unencrypted IMAP on 143 is not accepted."},
	{"plaintext_refused", "Use TLS: 993 for IMAP, 465 or 587 for SMTP."},
	{"security_unfit", "Use `tls` with 993 and 465, `starttls` with 587."},
	{"server_speaks_pop3",
	 "This is a POP3 server: use the provider's IMAP host with port 993."},
	{"wrong_credentials",
	 "Check user and password; some providers take the whole address as the user."},
	{"app_password_needed",
	 "Make an app password in the provider's security settings and use it here."},
	{"login_disabled",
	 "Allow IMAP for the mailbox in the provider's settings, or ask your administrator."},
	{"smtp_auth_disabled",
	 "Ask your administrator to allow authenticated SMTP for the mailbox."},
	{"account_locked", "Unlock the mailbox at the provider, then try again."},
	{"web_login_needed", "Sign in to the mailbox once in a web browser and confirm that it was "
			     "you, then try again."},
	{"over_quota", "The mailbox is full: make room in it, then try again."},
	{"bandwidth_exceeded", "The provider lets nobody read more of the mailbox for now: try "
			       "again tomorrow."},
	{"consent_missing", "Ask your administrator to allow this application at the provider."},
	{"no_credentials", "Sign in again."},
	{"too_many_connections", "Close other mail programs, wait a few minutes and try again."},
	{"rate_limited", "Wait some minutes before the next try."},
	{"address_blocked",
	 "Ask the provider to allow the addresses that /v1/egress-addresses lists."},
	{"token_expired", "Sign in at the provider again."},
	{"token_revoked", "Sign in at the provider again."},
	{"token_refused",
	 "Get a new access token for this mailbox, with the right to use IMAP and SMTP."},
	{"no_login_mechanism", "The server offers no way to log in that is known here; it may want "
			       "an access token instead of a password, or the reverse."},
	{"server_unavailable", "The mail server has trouble: try again later."},
	{"not_given", "Give host, port, user and password, or a provider."},
};

const char *verify_remedy(const char *code)
{
	for (size_t i = 0; i < sizeof(REMEDIES) / sizeof(REMEDIES[0]); i++)
		if (strcmp(REMEDIES[i].code, code) == 0)
			return REMEDIES[i].remedy;
	return "Check host, port, user and password.";
}

unsigned verify_retry_s(const char *code)
{
	for (size_t i = 0; i < sizeof(PASSING) / sizeof(PASSING[0]); i++)
		if (strcmp(PASSING[i].code, code) == 0)
			return PASSING[i].seconds;
	return 0;
}
