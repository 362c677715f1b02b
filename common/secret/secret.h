/*
 * secret: two master keys and what they protect.
 *  - `credentials`: an X25519 key pair. Anybody with the public half can seal a mailbox password; only who may read the
 *    private half (fetcher, sender) can open it. The gateway can only seal.
 *  - `mail`: a 256-bit key that wraps each account's data key. Data keys seal blobs (AES-256-GCM).
 * Files in keys_dir, mode 0600, made once by `mailweave up` (secret_create_keys): credentials.key, credentials.pub,
 * mail.key, token.key (HMAC of public cursors and event ids), each 32 raw bytes (credentials.pub mode 0644). A missing or
 * unreadable key stops the program: cipher text is never taken for clear text.
 */
#ifndef MW_SECRET_SECRET_H
#define MW_SECRET_SECRET_H

#include "common/base/buf.h"
#include "common/base/err.h"

#define SECRET_KEY_BYTES 32
#define SECRET_NONCE_BYTES 12
#define SECRET_TAG_BYTES 16

struct secret_key {
	uint8_t b[SECRET_KEY_BYTES];
};

/* Makes what is missing, durable before it returns; an existing file is never touched. Safe to run twice and by two
 * processes at once. credentials.pub without credentials.key (a gateway's host) is left as it is; ERR_PERM
 * "key_mismatch" if the two do not belong together. */
MUST_USE enum err_code secret_create_keys(const char *keys_dir, struct err *e);
/* which: "mail", "token", "credentials.key", "credentials.pub". Refuses files that others can read. */
MUST_USE enum err_code secret_load(const char *keys_dir, const char *which,
				   struct secret_key *key_out, struct err *e);
void secret_wipe(void *p, size_t n);

/* AES-256-GCM with a random nonce: out gets nonce ‖ cipher text ‖ tag (n + 28 bytes). context is authenticated. */
void secret_seal(const struct secret_key *key, struct span context, struct span clear,
		 struct buf *out);
/* ERR_PERM if it was made with another key or context, or changed. */
MUST_USE enum err_code secret_open(const struct secret_key *key, struct span context,
				   struct span sealed, struct buf *out, struct err *e);

/* To a public key: ephemeral X25519, HKDF-SHA256, AES-256-GCM. out: 1 byte version ‖ 32 ephemeral ‖ sealed. */
void secret_seal_to(const struct secret_key *public_key, struct span context, struct span clear,
		    struct buf *out);
MUST_USE enum err_code secret_open_with(const struct secret_key *private_key, struct span context,
					struct span sealed, struct buf *out, struct err *e);

void secret_sha256(struct span data, uint8_t out[32]);
void secret_hmac(const struct secret_key *key, struct span data, uint8_t out[32]);
/* Constant time. */
bool secret_equal(struct span a, struct span b);
/* One 16-byte block, a keyed permutation: for opaque public cursors and event ids. */
void secret_block_encrypt(const struct secret_key *key, const uint8_t in[16], uint8_t out[16]);
void secret_block_decrypt(const struct secret_key *key, const uint8_t in[16], uint8_t out[16]);

/* SHA-256 in pieces. */
struct secret_digest;
struct secret_digest *secret_digest_new(void);
void secret_digest_add(struct secret_digest *d, struct span data);
/* Writes the digest and makes d ready for the next one. */
void secret_digest_end(struct secret_digest *d, uint8_t out[32]);
void secret_digest_free(struct secret_digest **d);

#endif
