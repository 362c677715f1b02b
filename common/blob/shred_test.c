/* Proves for INB-04 that an erased account's blobs are off the disk, names and contents, and nobody else's; that a shred that died
 * half way is finished by the next, and that writers append on meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/blob/blob_testbed.h"
#include "common/blob/record.h"
#include "common/blob/shred.h"

static struct blob_ref append_as(struct testbed *b, const char *company, const char *account,
				 uint64_t generation, uint32_t n, struct span raw)
{
	struct blob_identity identity = testbed_identity(n);
	struct blob_ref ref;

	identity.company = span_cstr(company);
	identity.account = span_cstr(account);
	identity.generation = generation;
	assert_int_equal(blob_append(b->writer, &identity, &b->key, raw, &ref, &b->e), ERR_OK);
	return ref;
}

static enum err_code read_as(struct testbed *b, const struct blob_ref *ref, const char *company,
			     const char *account, uint64_t generation, uint32_t n)
{
	struct blob_identity identity = testbed_identity(n);

	identity.company = span_cstr(company);
	identity.account = span_cstr(account);
	identity.generation = generation;
	buf_clear(&b->out);
	return blob_read(b->dir, ref, &identity, &b->key, &b->out, &b->e);
}

static struct shred_counts shred(struct testbed *b, const char *company, const char *account,
				 uint64_t generation)
{
	struct shred_account whose = {span_cstr(company), span_cstr(account), generation};
	struct shred_counts counts;

	assert_int_equal(shred_blobs(b->dir, &whose, &counts, &b->e), ERR_OK);
	return counts;
}

/* Does the segment's file hold these bytes anywhere? */
static bool file_has(const struct testbed *b, struct span needle)
{
	char path[128];
	struct buf bytes;
	bool found;

	snprintf(path, sizeof(path), "%s/fetcher-1-00000001.seg", b->dir);
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	buf_init(&bytes, 64 << 20);
	for (int c; (c = fgetc(f)) != EOF;)
		buf_put_byte(&bytes, (uint8_t)c);
	fclose(f);
	found = memmem(bytes.p, bytes.n, needle.p, needle.n) != NULL;
	buf_fini(&bytes);
	return found;
}

enum { COUNT = 60 };

static const char *const accounts[] = {"anna", "ben", "annabel"};

static void only_the_accounts_own_goes(void **state)
{
	struct testbed *b = *state;
	struct blob_ref refs[COUNT], later;
	uint8_t raw[20000], tail[16];
	uint64_t bytes = 0;
	char path[128];

	testbed_fill_text(raw, sizeof(raw), 1);
	for (uint32_t i = 0; i < COUNT; i++) {
		refs[i] = append_as(b, i % 4 ? "c1" : "c2", accounts[i % 3], 3, i,
				    span_make(raw, 100 + i * 300));
		bytes += i % 4 && i % 3 == 0 ? refs[i].length : 0;
	}
	later = append_as(b, "c1", "anna", 4, 1000, span_make(raw, 500));
	testbed_commit(b);
	snprintf(path, sizeof(path), "%s/fetcher-1-00000001.seg", b->dir);
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	assert_int_equal(fseek(f, (long)(refs[3].offset + refs[3].length - sizeof(tail)), SEEK_SET),
			 0);
	assert_int_equal(fread(tail, 1, sizeof(tail), f), sizeof(tail));
	fclose(f);
	assert_true(file_has(b, span_make(tail, sizeof(tail))));
	struct shred_counts counts = shred(b, "c1", "anna", 3);

	assert_int_equal(counts.records, COUNT / 4);
	assert_int_equal(counts.bytes, bytes);
	assert_false(file_has(b, span_make(tail, sizeof(tail))));
	assert_true(file_has(b, SPAN_LIT("c1ben")));
	for (uint32_t i = 0; i < COUNT; i++) {
		bool gone = i % 4 && i % 3 == 0;

		assert_int_equal(read_as(b, &refs[i], i % 4 ? "c1" : "c2", accounts[i % 3], 3, i),
				 gone ? ERR_PERM : ERR_OK);
	}
	assert_int_equal(read_as(b, &later, "c1", "anna", 4, 1000), ERR_OK);
	assert_int_equal(shred(b, "c1", "anna", 3).records, 0);
	assert_int_equal(shred(b, "---", "---", UINT64_MAX).records, 0);
	/* the writer goes on behind */
	later = append_as(b, "c1", "anna", 3, 2000, span_make(raw, 900));
	testbed_commit(b);
	assert_int_equal(read_as(b, &later, "c1", "anna", 3, 2000), ERR_OK);
	assert_int_equal(shred(b, "c1", "", 4).records, 1 + 1 + 30);
	assert_int_equal(shred(b, "c1", "", UINT64_MAX).records, 0);
	assert_false(file_has(b, SPAN_LIT("c1ben")));
	assert_int_equal(shred(b, "c2", "", UINT64_MAX).records, COUNT / 4);
}

/* It died between contents and names: the record is found by its name again. */
static void what_was_half_done_is_finished(void **state)
{
	struct testbed *b = *state;
	uint8_t raw[9000], zeros[64] = {0};
	char path[128];

	random_bytes(raw, sizeof(raw));
	struct blob_ref first = append_as(b, "c1", "anna", 3, 1, span_make(raw, sizeof(raw)));
	struct blob_ref second = append_as(b, "c1", "ben", 3, 2, span_make(raw, sizeof(raw)));

	testbed_commit(b);
	snprintf(path, sizeof(path), "%s/fetcher-1-00000001.seg", b->dir);
	FILE *f = fopen(path, "r+b");

	assert_non_null(f);
	assert_int_equal(fseek(f, (long)(first.offset + first.length - sizeof(zeros)), SEEK_SET),
			 0);
	assert_int_equal(fwrite(zeros, 1, sizeof(zeros), f), sizeof(zeros));
	fclose(f);
	assert_int_equal(shred(b, "c1", "anna", 3).records, 1);
	assert_int_equal(read_as(b, &second, "c1", "ben", 3, 2), ERR_OK);
}

/* A torn end, an empty file, a file that is none of ours. */
static void ends_that_are_none_are_left(void **state)
{
	struct testbed *b = *state;
	uint8_t raw[5000];
	char path[128];

	random_bytes(raw, sizeof(raw));
	append_as(b, "c1", "anna", 3, 1, span_make(raw, sizeof(raw)));
	struct blob_ref torn = append_as(b, "c1", "anna", 3, 2, span_make(raw, sizeof(raw)));

	testbed_commit(b);
	snprintf(path, sizeof(path), "%s/fetcher-1-00000001.seg", b->dir);
	for (uint64_t cut = torn.offset + torn.length - 1; cut > torn.offset; cut -= cut % 97 + 1) {
		assert_int_equal(truncate(path, (off_t)cut), 0);
		assert_int_equal(shred(b, "c1", "anna", 3).records,
				 cut == torn.offset + torn.length - 1 ? 1 : 0);
		if (cut < torn.offset + 200)
			break;
	}
	snprintf(path, sizeof(path), "%s/other-00000001.seg", b->dir);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	fputs("MWB1\xff\xff\xff\xff and so on", f);
	fclose(f);
	assert_int_equal(shred(b, "c1", "anna", 3).records, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_the_accounts_own_goes, testbed_set_up,
						testbed_tear_down),
		cmocka_unit_test_setup_teardown(what_was_half_done_is_finished, testbed_set_up,
						testbed_tear_down),
		cmocka_unit_test_setup_teardown(ends_that_are_none_are_left, testbed_set_up,
						testbed_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
