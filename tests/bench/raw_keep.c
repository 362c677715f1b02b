#include "tests/bench/raw_keep.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)1 << 20)
#define DURABLE_EVERY 4u

struct keep {
	int fd;
	unsigned pieces;
	EVP_MD_CTX *digest;
	EVP_CIPHER_CTX *seal;
	size_t n;
	uint8_t sealed[PIECE_BYTES + 16]; /* as it comes: nothing is held in clear */
};

static void require(bool ok)
{
	if (ok)
		return;
	perror("raw_keep");
	exit(1);
}

static void seal_begin(struct keep *k)
{
	static const uint8_t key[32] = {1};
	const uint8_t nonce[12] = {(uint8_t)k->pieces, (uint8_t)(k->pieces >> 8)};

	k->n = 0;
	require(EVP_EncryptInit_ex(k->seal, k->pieces ? NULL : EVP_aes_256_gcm(), NULL, key,
				   nonce) == 1);
}

static void seal_end(struct keep *k)
{
	int n = 0;

	require(EVP_EncryptFinal_ex(k->seal, k->sealed + k->n, &n) == 1);
	require(EVP_CIPHER_CTX_ctrl(k->seal, EVP_CTRL_GCM_GET_TAG, 16, k->sealed + k->n) == 1);
	require(write(k->fd, k->sealed, k->n + 16) == (ssize_t)k->n + 16);
	if (++k->pieces % DURABLE_EVERY == 0)
		require(fdatasync(k->fd) == 0);
}

struct keep *keep_open(const char *path)
{
	struct keep *k = calloc(1, sizeof(*k));

	require(k != NULL);
	k->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	k->digest = EVP_MD_CTX_new();
	k->seal = EVP_CIPHER_CTX_new();
	require(k->fd >= 0 && k->digest && k->seal);
	require(EVP_DigestInit_ex(k->digest, EVP_sha256(), NULL) == 1);
	seal_begin(k);
	return k;
}

void keep_add(struct keep *k, const char *p, size_t n)
{
	require(EVP_DigestUpdate(k->digest, p, n) == 1);
	while (n > 0) {
		const size_t part = n < PIECE_BYTES - k->n ? n : PIECE_BYTES - k->n;
		int out = 0;

		require(EVP_EncryptUpdate(k->seal, k->sealed + k->n, &out, (const uint8_t *)p,
					  (int)part) == 1);
		k->n += part;
		p += part;
		n -= part;
		if (k->n == PIECE_BYTES) {
			seal_end(k);
			seal_begin(k);
		}
	}
}

void keep_close(struct keep *k)
{
	if (!k)
		return;
	seal_end(k);
	require(fdatasync(k->fd) == 0);
	close(k->fd);
	EVP_MD_CTX_free(k->digest);
	EVP_CIPHER_CTX_free(k->seal);
	free(k);
}
