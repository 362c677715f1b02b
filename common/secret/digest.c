#include "common/secret/secret.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

struct secret_digest {
	EVP_MD_CTX *ctx;
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

void secret_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}

void secret_sha256(struct span data, uint8_t out[32])
{
	unsigned n = 0;

	require(EVP_Digest(data.n ? (const void *)data.p : "", data.n, out, &n, EVP_sha256(),
			   NULL) == 1);
	require(n == SHA256_DIGEST_LENGTH);
}

void secret_hmac(const struct secret_key *key, struct span data, uint8_t out[32])
{
	unsigned n = 0;

	require(HMAC(EVP_sha256(), key->b, SECRET_KEY_BYTES, data.n ? data.p : (const uint8_t *)"",
		     data.n, out, &n) != NULL);
	require(n == SHA256_DIGEST_LENGTH);
}

bool secret_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

static void block(const struct secret_key *key, const uint8_t in[16], uint8_t out[16], int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;

	require(ctx != NULL);
	require(EVP_CipherInit_ex(ctx, EVP_aes_256_ecb(), NULL, key->b, NULL, encrypt) == 1);
	require(EVP_CIPHER_CTX_set_padding(ctx, 0) == 1);
	require(EVP_CipherUpdate(ctx, out, &n, in, 16) == 1 && n == 16);
	EVP_CIPHER_CTX_free(ctx);
}

void secret_block_encrypt(const struct secret_key *key, const uint8_t in[16], uint8_t out[16])
{
	block(key, in, out, 1);
}

void secret_block_decrypt(const struct secret_key *key, const uint8_t in[16], uint8_t out[16])
{
	block(key, in, out, 0);
}

struct secret_digest *secret_digest_new(void)
{
	struct secret_digest *d = malloc(sizeof(*d));

	require(d != NULL);
	d->ctx = EVP_MD_CTX_new();
	require(d->ctx != NULL);
	require(EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) == 1);
	return d;
}

void secret_digest_add(struct secret_digest *d, struct span data)
{
	if (data.n > 0)
		require(EVP_DigestUpdate(d->ctx, data.p, data.n) == 1);
}

void secret_digest_end(struct secret_digest *d, uint8_t out[32])
{
	unsigned n = 0;

	require(EVP_DigestFinal_ex(d->ctx, out, &n) == 1 && n == SHA256_DIGEST_LENGTH);
	/* No type: the same digest again, without a new fetch. */
	require(EVP_DigestInit_ex(d->ctx, NULL, NULL) == 1);
}

void secret_digest_free(struct secret_digest **d)
{
	if (!*d)
		return;
	EVP_MD_CTX_free((*d)->ctx);
	free(*d);
	*d = NULL;
}
