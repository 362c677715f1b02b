/* testbed: a temporary blob folder with keys and a writer, for the tests of blob. */
#ifndef MW_BLOB_BLOB_TESTBED_H
#define MW_BLOB_BLOB_TESTBED_H

#include "common/blob/blob.h"

struct testbed {
	char dir[64];
	struct secret_key mail, key;
	struct blob_writer *writer;
	struct buf out;
	struct err e;
};

/* For cmocka_unit_test_setup_teardown: *state is a struct testbed. */
int testbed_set_up(void **state);
int testbed_tear_down(void **state);
/* Message number n of account c1/anna, generation 3. */
struct blob_identity testbed_identity(uint32_t n);
/* Text-like bytes: they compress to about two fifths. */
void testbed_fill_text(uint8_t *p, size_t n, unsigned seed);
/* These fail the test. */
struct blob_ref testbed_append(struct testbed *b, uint32_t n, struct span raw);
void testbed_commit(struct testbed *b);
void testbed_check(struct testbed *b, const struct blob_ref *ref, uint32_t n, struct span raw);
/* Into b->out. */
MUST_USE enum err_code testbed_read_back(struct testbed *b, const struct blob_ref *ref, uint32_t n);

#endif
