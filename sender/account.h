/* account: what the sender has to know of a mail account: where it submits, as whom, and its keys. */
#ifndef MW_SENDER_ACCOUNT_H
#define MW_SENDER_ACCOUNT_H

#include "common/base/arena.h"
#include "common/mailconn/mailconn.h"
#include "common/secret/secret.h"
#include "common/store/logins.h"
#include "sender/outbox.h"

struct account_keys {
	struct secret_key mail, credentials;
};

struct account {
	struct mailconn_target
		target; /* strings in the arena; password too, wiped by account_close */
	struct span sender_name; /* may be empty */
	bool files_sent; /* the provider itself keeps a copy of what is submitted */
	struct secret_key data_key;
};

struct account_options {
	const char *ca_file, *ehlo;
	int64_t connect_ms;
	int64_t login_retry_ms; /* between a refused login and the next */
	bool allow_plaintext;
};

/* ERR_PERM: "not_configured", "security_refused", or keys and credentials that do not open. */
MUST_USE enum err_code account_open(const struct account_keys *keys,
				    const struct account_options *options,
				    const struct outbox_key *key, const struct outbox_entry *entry,
				    struct arena *arena, struct account *account_out,
				    struct err *e);
void account_close(struct account *account);
/*
 * Leave to log in (ACC-06): a server that refused the account too often is not asked again until the credentials change,
 * whatever process asks (common/store/logins.lua). ERR_AUTH: not now, err says why; ERR_AGAIN: others are logging in just
 * now, ask again in a moment; else the store's trouble. With leave, account_login_told is due once; a second time, or
 * without a ticket, it does nothing. Both block on the store.
 */
#define ACCOUNT_TICKET_BYTES LOGINS_TICKET_BYTES
MUST_USE enum err_code account_login_ask(struct store *store, const struct outbox_key *key,
					 const struct account_options *options, struct arena *arena,
					 char ticket_out[ACCOUNT_TICKET_BYTES], struct err *e);
/* why: NULL if the server let us in. */
void account_login_told(struct store *store, const struct outbox_key *key,
			char ticket[ACCOUNT_TICKET_BYTES], const struct err *why);
/* May the account send as this address: its own, or one of its normalized others (ACC-05)? */
bool account_may_send_as(const struct outbox_entry *entry, struct span address);

#endif
