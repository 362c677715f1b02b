#include "common/secret/secret.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "common/base/code.h"

#define SEAL_OVERHEAD (SECRET_NONCE_BYTES + SECRET_TAG_BYTES)
#define SEAL_TO_VERSION 1
#define SEAL_TO_INFO "mailweave sealed to credentials 1"
/* EVP counts in int; one piece well below it. */
#define PIECE_MAX ((size_t)1 << 30)

/* What can only fail by our own bug or for lack of memory. */
static void require(bool ok)
{
	if (!ok)
		abort();
}

static void gcm_update(EVP_CIPHER_CTX *ctx, uint8_t *out, struct span in)
{
	while (in.n > 0) {
		size_t n = in.n < PIECE_MAX ? in.n : PIECE_MAX;
		int written = 0;

		require(EVP_CipherUpdate(ctx, out, &written, in.p, (int)n) == 1);
		require((size_t)written == n);
		out = out ? out + n : NULL;
		in = span_sub(in, n, in.n - n);
	}
}

static EVP_CIPHER_CTX *gcm_start(const struct secret_key *key, const uint8_t *nonce,
				 struct span context, bool encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	require(ctx != NULL);
	require(EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->b, nonce, encrypt ? 1 : 0) ==
		1);
	gcm_update(ctx, NULL, context);
	return ctx;
}

void secret_seal(const struct secret_key *key, struct span context, struct span clear,
		 struct buf *out)
{
	uint8_t *p = buf_reserve(out, clear.n + SEAL_OVERHEAD);
	uint8_t none[SECRET_TAG_BYTES];
	int n = 0;

	if (!p)
		return;
	random_bytes(p, SECRET_NONCE_BYTES);
	EVP_CIPHER_CTX *ctx = gcm_start(key, p, context, true);

	gcm_update(ctx, p + SECRET_NONCE_BYTES, clear);
	require(EVP_CipherFinal_ex(ctx, none, &n) == 1 && n == 0);
	require(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, SECRET_TAG_BYTES,
				    p + SECRET_NONCE_BYTES + clear.n) == 1);
	EVP_CIPHER_CTX_free(ctx);
	out->n += clear.n + SEAL_OVERHEAD;
}

enum err_code secret_open(const struct secret_key *key, struct span context, struct span sealed,
			  struct buf *out, struct err *e)
{
	uint8_t tag[SECRET_TAG_BYTES], none[SECRET_TAG_BYTES];
	int n = 0;

	if (sealed.n < SEAL_OVERHEAD)
		return err_set(e, ERR_PERM, ERR_ITEM, "not_sealed", "too short to be sealed");
	struct span cipher = span_sub(sealed, SECRET_NONCE_BYTES, sealed.n - SEAL_OVERHEAD);
	uint8_t *p = buf_reserve(out, cipher.n);

	if (!p)
		return err_set(e, ERR_LIMIT, ERR_ITEM, "sealed_too_large",
			       "%zu sealed octets are over the maximum", cipher.n);
	memcpy(tag, cipher.p + cipher.n, sizeof(tag));
	EVP_CIPHER_CTX *ctx = gcm_start(key, sealed.p, context, false);

	gcm_update(ctx, p, cipher);
	require(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, SECRET_TAG_BYTES, tag) == 1);
	bool genuine = EVP_CipherFinal_ex(ctx, none, &n) == 1 && n == 0;

	EVP_CIPHER_CTX_free(ctx);
	if (!genuine) {
		OPENSSL_cleanse(p, cipher.n);
		return err_set(e, ERR_PERM, ERR_ITEM, "seal_broken",
			       "sealed with another key or for another purpose, or changed since");
	}
	out->n += cipher.n;
	return ERR_OK;
}

static EVP_PKEY *public_from(const uint8_t *raw)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, raw, SECRET_KEY_BYTES);

	require(key != NULL);
	return key;
}

static EVP_PKEY *private_from(const struct secret_key *raw)
{
	EVP_PKEY *key =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, raw->b, SECRET_KEY_BYTES);

	require(key != NULL);
	return key;
}

static void public_of(EVP_PKEY *key, uint8_t out[SECRET_KEY_BYTES])
{
	size_t n = SECRET_KEY_BYTES;

	require(EVP_PKEY_get_raw_public_key(key, out, &n) == 1 && n == SECRET_KEY_BYTES);
}

/* False for the few points of low order, whose shared secret is zero (RFC 7748 section 6.1). */
static bool agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t shared_out[SECRET_KEY_BYTES])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	size_t n = SECRET_KEY_BYTES;

	require(ctx != NULL);
	require(EVP_PKEY_derive_init(ctx) == 1);
	bool ok = EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
		  EVP_PKEY_derive(ctx, shared_out, &n) == 1 && n == SECRET_KEY_BYTES;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* HKDF-SHA256 over the shared secret, salted with both public halves (ephemeral, recipient). */
static void derive(const uint8_t shared[SECRET_KEY_BYTES],
		   const uint8_t ephemeral[SECRET_KEY_BYTES],
		   const uint8_t recipient[SECRET_KEY_BYTES], struct secret_key *key_out)
{
	uint8_t salt[2 * SECRET_KEY_BYTES], ikm[SECRET_KEY_BYTES];
	char digest[] = "SHA256", info[] = SEAL_TO_INFO;

	memcpy(salt, ephemeral, SECRET_KEY_BYTES);
	memcpy(salt + SECRET_KEY_BYTES, recipient, SECRET_KEY_BYTES);
	memcpy(ikm, shared, sizeof(ikm));
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, ikm, sizeof(ikm)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof(salt)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info) - 1),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;

	require(ctx != NULL && EVP_KDF_derive(ctx, key_out->b, SECRET_KEY_BYTES, params) == 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	OPENSSL_cleanse(ikm, sizeof(ikm));
}

void secret_seal_to(const struct secret_key *public_key, struct span context, struct span clear,
		    struct buf *out)
{
	uint8_t shared[SECRET_KEY_BYTES], ephemeral[SECRET_KEY_BYTES];
	struct secret_key key;
	EVP_PKEY *peer = public_from(public_key->b);
	EVP_PKEY *own = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");

	require(own != NULL);
	public_of(own, ephemeral);
	require(agree(own, peer, shared)); /* our own public key file: no point of low order */
	derive(shared, ephemeral, public_key->b, &key);
	buf_put_byte(out, SEAL_TO_VERSION);
	buf_put(out, ephemeral, sizeof(ephemeral));
	secret_seal(&key, context, clear, out);
	OPENSSL_cleanse(&key, sizeof(key));
	OPENSSL_cleanse(shared, sizeof(shared));
	EVP_PKEY_free(own);
	EVP_PKEY_free(peer);
}

enum err_code secret_open_with(const struct secret_key *private_key, struct span context,
			       struct span sealed, struct buf *out, struct err *e)
{
	uint8_t shared[SECRET_KEY_BYTES], recipient[SECRET_KEY_BYTES];
	struct secret_key key = {0};
	enum err_code code;

	if (sealed.n < 1 + SECRET_KEY_BYTES || sealed.p[0] != SEAL_TO_VERSION)
		return err_set(e, ERR_PERM, ERR_ITEM, "not_sealed", "not sealed to a public key");
	EVP_PKEY *own = private_from(private_key), *peer = public_from(sealed.p + 1);

	public_of(own, recipient);
	if (!agree(own, peer, shared)) {
		code = err_set(e, ERR_PERM, ERR_ITEM, "seal_broken", "no such public key");
		goto out;
	}
	derive(shared, sealed.p + 1, recipient, &key);
	code = secret_open(&key, context,
			   span_sub(sealed, 1 + SECRET_KEY_BYTES, sealed.n - 1 - SECRET_KEY_BYTES),
			   out, e);
out:
	OPENSSL_cleanse(&key, sizeof(key));
	OPENSSL_cleanse(shared, sizeof(shared));
	EVP_PKEY_free(peer);
	EVP_PKEY_free(own);
	return code;
}
