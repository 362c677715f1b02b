/* prepare: from a leased outbox entry to the message that goes out. Reads blobs and Redis; blocks. */
#ifndef MW_SENDER_PREPARE_H
#define MW_SENDER_PREPARE_H

#include "sender/account.h"
#include "sender/recipients.h"

#define PREPARE_MESSAGE_MAX ((size_t)96 << 20) /* octets of the encoded message */

struct prepare_env {
	const char *blob_dir;
	struct store *store;
	const struct account_keys *keys;
};

struct prepared {
	struct buf raw; /* the message; buf_fini by the caller, also after an error */
	struct recipients recipients;
	struct smtp_envelope envelope; /* its recipients are the pending ones */
	struct id id; /* the message's id, as it will have when it comes back from Sent */
	uint8_t id_key[8]; /* of its Message-ID */
};

/*
 * The same entry gives the same message at every attempt. ERR_PERM: it never works; the text is for people. ERR_TEMP: blob
 * store or Redis are away. Everything but raw lives in the arena.
 */
MUST_USE enum err_code prepare(const struct prepare_env *env, const struct outbox_key *key,
			       const struct outbox_entry *entry, const struct account *account,
			       struct arena *arena, struct prepared *prepared_out, struct err *e);

#endif
