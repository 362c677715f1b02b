/*
 * Proves: what is sealed opens only with the same key and context, unchanged; a password sealed to the public half
 * opens with the private one alone; key files are made once, kept, and refused when others can read them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/code.h"
#include "common/secret/secret.h"

#define CONTEXT SPAN_LIT("c1/anna")

static void check_hex(const uint8_t *p, size_t n, const char *hex)
{
	struct buf out;

	buf_init(&out, 256);
	hex_encode(span_make(p, n), &out);
	assert_string_equal(buf_cstr(&out), hex);
	buf_fini(&out);
}

/* FIPS 180-4 "abc", empty, RFC 4231 style HMAC with a 32-byte key, FIPS 197 C.3. */
static void test_known_answers(void **state)
{
	uint8_t out[32], block[16];
	struct secret_key key;

	(void)state;
	secret_sha256(SPAN_LIT("abc"), out);
	check_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	secret_sha256((struct span){NULL, 0}, out);
	check_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < 32; i++)
		key.b[i] = (uint8_t)i;
	for (size_t i = 0; i < 16; i++)
		block[i] = (uint8_t)(i * 0x11);
	secret_block_encrypt(&key, block, out);
	check_hex(out, 16, "8ea2b7ca516745bfeafc49904b496089");
	secret_block_decrypt(&key, out, out);
	assert_memory_equal(out, block, 16);
	memset(key.b, 0, sizeof(key.b));
	memcpy(key.b, "Jefe", 4); /* zero padding does not change an HMAC key */
	secret_hmac(&key, SPAN_LIT("what do ya want for nothing?"), out);
	check_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void test_digest_in_pieces(void **state)
{
	uint8_t out[32];
	struct secret_digest *d = secret_digest_new();

	(void)state;
	for (int round = 0; round < 2; round++) {
		secret_digest_add(d, SPAN_LIT("a"));
		secret_digest_add(d, (struct span){NULL, 0});
		secret_digest_add(d, SPAN_LIT("bc"));
		secret_digest_end(d, out);
		check_hex(out, 32,
			  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	}
	secret_digest_free(&d);
	assert_null(d);
	secret_digest_free(&d);
}

static void test_equal(void **state)
{
	(void)state;
	assert_true(secret_equal(SPAN_LIT("abc"), SPAN_LIT("abc")));
	assert_false(secret_equal(SPAN_LIT("abc"), SPAN_LIT("abd")));
	assert_false(secret_equal(SPAN_LIT("abc"), SPAN_LIT("ab")));
	assert_true(secret_equal((struct span){NULL, 0}, (struct span){NULL, 0}));
}

static void test_seal_open(void **state)
{
	struct secret_key key, other;
	struct buf sealed, clear;
	struct err e;

	(void)state;
	random_bytes(&key, sizeof(key));
	random_bytes(&other, sizeof(other));
	buf_init(&sealed, 4096);
	buf_init(&clear, 4096);
	secret_seal(&key, CONTEXT, SPAN_LIT("hello"), &sealed);
	assert_int_equal(sealed.n, 5 + 28);
	assert_int_equal(secret_open(&key, CONTEXT, buf_span(&sealed), &clear, &e), ERR_OK);
	assert_true(span_eq(buf_span(&clear), SPAN_LIT("hello")));
	assert_int_equal(secret_open(&other, CONTEXT, buf_span(&sealed), &clear, &e), ERR_PERM);
	assert_int_equal(secret_open(&key, SPAN_LIT("c1/bert"), buf_span(&sealed), &clear, &e),
			 ERR_PERM);
	for (size_t i = 0; i < sealed.n; i++) {
		sealed.p[i] ^= 1;
		assert_int_equal(secret_open(&key, CONTEXT, buf_span(&sealed), &clear, &e),
				 ERR_PERM);
		sealed.p[i] ^= 1;
		assert_int_equal(secret_open(&key, CONTEXT, span_make(sealed.p, i), &clear, &e),
				 ERR_PERM);
	}
	assert_true(span_eq(buf_span(&clear), SPAN_LIT("hello"))); /* failures append nothing */
	buf_clear(&sealed);
	secret_seal(&key, CONTEXT, (struct span){NULL, 0}, &sealed);
	assert_int_equal(sealed.n, 28);
	buf_clear(&clear);
	assert_int_equal(secret_open(&key, CONTEXT, buf_span(&sealed), &clear, NULL), ERR_OK);
	assert_int_equal(clear.n, 0);
	buf_fini(&sealed);
	buf_fini(&clear);
}

static void test_open_over_limit(void **state)
{
	struct secret_key key;
	struct buf sealed, clear;

	(void)state;
	random_bytes(&key, sizeof(key));
	buf_init(&sealed, 4096);
	buf_init(&clear, 4);
	secret_seal(&key, CONTEXT, SPAN_LIT("hello"), &sealed);
	assert_int_equal(secret_open(&key, CONTEXT, buf_span(&sealed), &clear, NULL), ERR_LIMIT);
	buf_fini(&sealed);
	buf_fini(&clear);
}

static char *temp_dir(void)
{
	char *path = strdup("/tmp/secret-test-XXXXXX");

	assert_non_null(mkdtemp(path));
	return path;
}

static void remove_keys(char *dir)
{
	static const char *const names[] = {"mail.key", "token.key", "credentials.key",
					    "credentials.pub"};
	char path[256];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/deep/keys/%s", dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/deep/keys", dir);
	assert_int_equal(rmdir(path), 0); /* no temporary file left either */
	snprintf(path, sizeof(path), "%s/deep", dir);
	rmdir(path);
	rmdir(dir);
	free(dir);
}

static mode_t mode_of(const char *dir, const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void test_create_and_load(void **state)
{
	char *dir = temp_dir(), keys[128], path[256];
	struct secret_key mail, again;
	struct err e;

	(void)state;
	snprintf(keys, sizeof(keys), "%s/deep/keys", dir);
	assert_int_equal(secret_load(keys, "mail", &mail, &e), ERR_PERM);
	assert_int_equal(secret_create_keys(keys, &e), ERR_OK);
	assert_int_equal(mode_of(keys, ""), 0700);
	assert_int_equal(mode_of(keys, "mail.key"), 0600);
	assert_int_equal(mode_of(keys, "token.key"), 0600);
	assert_int_equal(mode_of(keys, "credentials.key"), 0600);
	assert_int_equal(mode_of(keys, "credentials.pub"), 0644);
	assert_int_equal(secret_load(keys, "mail", &mail, &e), ERR_OK);
	assert_int_equal(secret_create_keys(keys, &e), ERR_OK);
	assert_int_equal(secret_load(keys, "mail", &again, &e), ERR_OK);
	assert_memory_equal(&mail, &again, sizeof(mail));
	snprintf(path, sizeof(path), "%s/mail.key", keys);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(secret_load(keys, "mail", &again, &e), ERR_PERM);
	assert_string_equal(e.name, "key_file_mode");
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 31), 0);
	assert_int_equal(secret_load(keys, "mail", &again, &e), ERR_PERM);
	remove_keys(dir);
}

static void test_create_by_many_at_once(void **state)
{
	char *dir = temp_dir(), keys[128];
	struct secret_key first, second;
	struct buf sealed, clear;

	(void)state;
	snprintf(keys, sizeof(keys), "%s/deep/keys", dir);
	for (int i = 0; i < 8; i++) {
		if (fork() == 0)
			_exit(secret_create_keys(keys, NULL) == ERR_OK ? 0 : 1);
	}
	for (int i = 0; i < 8; i++) {
		int status = -1;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(secret_load(keys, "credentials.pub", &first, NULL), ERR_OK);
	assert_int_equal(secret_load(keys, "credentials.key", &second, NULL), ERR_OK);
	buf_init(&sealed, 4096);
	buf_init(&clear, 4096);
	secret_seal_to(&first, CONTEXT, SPAN_LIT("pass"), &sealed);
	assert_int_equal(secret_open_with(&second, CONTEXT, buf_span(&sealed), &clear, NULL),
			 ERR_OK);
	buf_fini(&sealed);
	buf_fini(&clear);
	remove_keys(dir);
}

static void test_pair_mismatch_and_lone_public(void **state)
{
	char *dir = temp_dir(), keys[128], path[256];
	struct secret_key pub, again;
	struct err e;

	(void)state;
	snprintf(keys, sizeof(keys), "%s/deep/keys", dir);
	assert_int_equal(secret_create_keys(keys, &e), ERR_OK);
	assert_int_equal(secret_load(keys, "credentials.pub", &pub, &e), ERR_OK);
	snprintf(path, sizeof(path), "%s/credentials.key", keys);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(secret_create_keys(keys, &e), ERR_OK);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(path, sizeof(path), "%s/credentials.pub", keys);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(secret_create_keys(keys, &e), ERR_OK);
	assert_int_equal(secret_load(keys, "credentials.pub", &again, &e), ERR_OK);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(pub.b, 1, sizeof(pub.b), f), sizeof(pub.b));
	fclose(f);
	assert_int_equal(secret_create_keys(keys, &e), ERR_PERM);
	assert_string_equal(e.name, "key_mismatch");
	remove_keys(dir);
}

static void test_seal_to_public(void **state)
{
	char *dir = temp_dir(), keys[128];
	struct secret_key pub, private_key, mail;
	struct buf sealed, clear;
	struct err e;

	(void)state;
	snprintf(keys, sizeof(keys), "%s/deep/keys", dir);
	assert_int_equal(secret_create_keys(keys, &e), ERR_OK);
	assert_int_equal(secret_load(keys, "credentials.pub", &pub, &e), ERR_OK);
	assert_int_equal(secret_load(keys, "credentials.key", &private_key, &e), ERR_OK);
	assert_int_equal(secret_load(keys, "mail", &mail, &e), ERR_OK);
	buf_init(&sealed, 4096);
	buf_init(&clear, 4096);
	secret_seal_to(&pub, CONTEXT, SPAN_LIT("p\xc3\xa4ss"), &sealed);
	assert_int_equal(sealed.n, 1 + 32 + 28 + 5);
	assert_int_equal(secret_open_with(&private_key, CONTEXT, buf_span(&sealed), &clear, &e),
			 ERR_OK);
	assert_true(span_eq(buf_span(&clear), SPAN_LIT("p\xc3\xa4ss")));
	assert_int_equal(secret_open_with(&pub, CONTEXT, buf_span(&sealed), &clear, &e), ERR_PERM);
	assert_int_equal(secret_open_with(&mail, CONTEXT, buf_span(&sealed), &clear, &e), ERR_PERM);
	assert_int_equal(
		secret_open_with(&private_key, SPAN_LIT("x"), buf_span(&sealed), &clear, &e),
		ERR_PERM);
	for (size_t i = 0; i < sealed.n; i++)
		assert_int_equal(
			secret_open_with(&private_key, CONTEXT, span_make(sealed.p, i), &clear, &e),
			ERR_PERM);
	memset(sealed.p + 1, 0, 32); /* a point of low order */
	assert_int_equal(secret_open_with(&private_key, CONTEXT, buf_span(&sealed), &clear, &e),
			 ERR_PERM);
	buf_fini(&sealed);
	buf_fini(&clear);
	remove_keys(dir);
}

/* A figure, not a verdict: what a seal costs beside the bytes. */
static void test_rate(void **state)
{
	enum { BYTES = 70000, ROUNDS = 5000 };
	struct secret_key key;
	struct buf sealed, clear;
	uint8_t *data = calloc(1, BYTES);
	uint8_t digest[32];

	(void)state;
	random_bytes(&key, sizeof(key));
	buf_init(&sealed, 1 << 20);
	buf_init(&clear, 1 << 20);
	int64_t t0 = clock_mono_us();

	for (int i = 0; i < ROUNDS; i++) {
		buf_clear(&sealed);
		secret_seal(&key, CONTEXT, span_make(data, BYTES), &sealed);
	}
	int64_t t1 = clock_mono_us();

	for (int i = 0; i < ROUNDS; i++) {
		buf_clear(&clear);
		assert_int_equal(secret_open(&key, CONTEXT, buf_span(&sealed), &clear, NULL),
				 ERR_OK);
	}
	int64_t t2 = clock_mono_us();

	for (int i = 0; i < ROUNDS; i++)
		secret_sha256(span_make(data, BYTES), digest);
	int64_t t3 = clock_mono_us();

	for (int i = 0; i < ROUNDS; i++) {
		buf_clear(&sealed);
		secret_seal(&key, CONTEXT, span_make(data, 16), &sealed);
	}
	int64_t t4 = clock_mono_us();
	double mb = (double)BYTES * ROUNDS;

	print_message(
		"seal %.0f MB/s, open %.0f MB/s, sha256 %.0f MB/s, seal of 16 octets %.2f us\n",
		mb / (double)(t1 - t0), mb / (double)(t2 - t1), mb / (double)(t3 - t2),
		(double)(t4 - t3) / ROUNDS);
	free(data);
	buf_fini(&sealed);
	buf_fini(&clear);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_digest_in_pieces),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_seal_open),
		cmocka_unit_test(test_open_over_limit),
		cmocka_unit_test(test_create_and_load),
		cmocka_unit_test(test_create_by_many_at_once),
		cmocka_unit_test(test_pair_mismatch_and_lone_public),
		cmocka_unit_test(test_seal_to_public),
		cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
