/*
 * Proves: a blob reads back as it was appended, after its commit, from any process, and only by its own account and id;
 * damage is told, never passed on; a torn end, a full segment and a failed disk lose nothing committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/blob/blob_testbed.h"

static void segment_path(const struct testbed *b, uint32_t segment, char out[128])
{
	snprintf(out, 128, "%s/fetcher-1-%08x.seg", b->dir, segment);
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 12000, 65536, 65537, 200000, 3000000};
	enum { COUNT = 2 * sizeof(sizes) / sizeof(sizes[0]) };
	struct testbed *b = *state;
	struct blob_ref refs[COUNT];
	uint8_t *raw[COUNT];

	for (uint32_t i = 0; i < COUNT; i++) {
		size_t n = sizes[i / 2];

		raw[i] = malloc(n + 1);
		if (i % 2 == 0)
			testbed_fill_text(raw[i], n, i);
		else
			random_bytes(raw[i], n); /* stored as it is */
		refs[i] = testbed_append(b, i, span_make(raw[i], n));
		if (i % 2 == 0 && n >= 12000)
			assert_true(refs[i].length < n * 2 / 3);
		else
			assert_in_range(refs[i].length, n / 10, n + 100);
	}
	testbed_commit(b);
	testbed_commit(b); /* nothing to do is no error */
	for (uint32_t i = 0; i < COUNT; i++)
		testbed_check(b, &refs[i], i, span_make(raw[i], sizes[i / 2]));
	testbed_commit(b);
	for (uint32_t i = 0; i < COUNT; i++)
		free(raw[i]);
}

static void test_reference_forms(void **state)
{
	struct blob_ref ref = {.segment = UINT32_MAX, .offset = 256u << 20, .length = 256u << 20},
			back;
	uint8_t out[BLOB_REF_MAX];

	(void)state;
	memset(ref.writer, 'w', sizeof(ref.writer) - 1);
	size_t n = blob_ref_encode(&ref, out);

	assert_in_range(n, 40, BLOB_REF_MAX);
	assert_int_equal(blob_ref_decode(span_make(out, n), &back), ERR_OK);
	assert_memory_equal(&ref, &back, sizeof(ref));
	for (size_t i = 0; i < n - 39; i++)
		assert_int_equal(blob_ref_decode(span_make(out, i), &back), ERR_PERM);
	static const struct span bad[] = {
		SPAN_LIT(""),
		SPAN_LIT("\x02\x01\x01\x01w"),
		SPAN_LIT("\x01\x01\x01\x01"), /* no name */
		SPAN_LIT("\x01\x01\x01\x01../x"), /* a path */
		SPAN_LIT("\x01\x01\x01\x01.w"), /* hidden */
		SPAN_LIT("\x01\x81\x00\x01\x01w"), /* two forms of one number */
		SPAN_LIT("\x01\x01\xff\xff\xff\xff\x0f\x01w"), /* length */
		SPAN_LIT("\x01\x01\x01\xff\xff\xff\xff\xff\x01w"), /* segment */
		SPAN_LIT("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01w"),
		SPAN_LIT("\x01\x01\x01\x01wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"), /* 40 */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(blob_ref_decode(bad[i], &back), ERR_PERM);
}

static void test_data_key(void **state)
{
	struct testbed *b = *state;
	struct span c = SPAN_LIT("c1"), a = SPAN_LIT("anna");
	struct secret_key first, again;
	struct buf wrapped;

	buf_init(&wrapped, 256);
	blob_data_key_new(&b->mail, c, a, &wrapped);
	assert_int_equal(wrapped.n, 60);
	assert_int_equal(blob_data_key_open(&b->mail, c, a, buf_span(&wrapped), &first, &b->e),
			 ERR_OK);
	assert_int_equal(blob_data_key_open(&b->mail, c, a, buf_span(&wrapped), &again, &b->e),
			 ERR_OK);
	assert_memory_equal(&first, &again, sizeof(first));
	assert_int_equal(blob_data_key_open(&b->mail, c, SPAN_LIT("bert"), buf_span(&wrapped),
					    &again, &b->e),
			 ERR_PERM);
	assert_int_equal(blob_data_key_open(&b->key, c, a, buf_span(&wrapped), &again, &b->e),
			 ERR_PERM);
	buf_put_byte(&wrapped, 0);
	assert_int_equal(blob_data_key_open(&b->mail, c, a, buf_span(&wrapped), &again, &b->e),
			 ERR_PERM);
	buf_fini(&wrapped);
}

static void test_of_another(void **state)
{
	struct testbed *b = *state;
	struct blob_ref ref = testbed_append(b, 1, SPAN_LIT("hello"));
	struct blob_identity i = testbed_identity(1);

	testbed_commit(b);
	buf_put_cstr(&b->out, "kept");
	i.account = SPAN_LIT("bert");
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->key, &b->out, &b->e), ERR_PERM);
	assert_string_equal(b->e.name, "blob_of_another");
	i = testbed_identity(1);
	i.company = SPAN_LIT("c2");
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->key, &b->out, &b->e), ERR_PERM);
	i = testbed_identity(1);
	i.generation = 4;
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->key, &b->out, &b->e), ERR_PERM);
	i = testbed_identity(2);
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->key, &b->out, &b->e), ERR_PERM);
	i = testbed_identity(1);
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->mail, &b->out, &b->e), ERR_PERM);
	assert_true(span_eq(buf_span(&b->out), SPAN_LIT("kept")));
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->key, &b->out, &b->e), ERR_OK);
	assert_true(span_eq(buf_span(&b->out), SPAN_LIT("kepthello")));
}

static void test_every_flipped_bit(void **state)
{
	struct testbed *b = *state;
	uint8_t raw[300];
	char path[128];

	testbed_fill_text(raw, sizeof(raw), 1);
	testbed_append(b, 0, SPAN_LIT("before"));
	struct blob_ref ref = testbed_append(b, 1, span_make(raw, sizeof(raw)));

	testbed_append(b, 2, SPAN_LIT("after"));
	testbed_commit(b);
	segment_path(b, 1, path);
	int fd = open(path, O_RDWR);

	for (uint64_t bit = 0; bit < ref.length * 8; bit++) {
		uint8_t c;
		off_t at = (off_t)(ref.offset + bit / 8);

		assert_int_equal(pread(fd, &c, 1, at), 1);
		c ^= (uint8_t)(1u << (bit % 8));
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
		assert_int_equal(testbed_read_back(b, &ref, 1), ERR_PERM);
		assert_int_equal(b->out.n, 0);
		c ^= (uint8_t)(1u << (bit % 8));
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
	}
	close(fd);
	testbed_check(b, &ref, 1, span_make(raw, sizeof(raw)));
}

static void test_wrong_references(void **state)
{
	struct testbed *b = *state;
	struct blob_ref ref = testbed_append(b, 1, SPAN_LIT("hello")), wrong;

	wrong = ref;
	assert_int_equal(testbed_read_back(b, &wrong, 1), ERR_PERM); /* not written yet */
	testbed_commit(b);
	wrong.segment = 2;
	assert_int_equal(testbed_read_back(b, &wrong, 1), ERR_GONE);
	wrong = ref;
	wrong.offset++;
	assert_int_equal(testbed_read_back(b, &wrong, 1), ERR_PERM);
	wrong.offset = UINT64_MAX;
	assert_int_equal(testbed_read_back(b, &wrong, 1), ERR_PERM);
	wrong = ref;
	wrong.length = UINT64_MAX;
	assert_int_equal(testbed_read_back(b, &wrong, 1), ERR_PERM);
	wrong.length = ((uint64_t)256 << 20) + 1;
	assert_int_equal(testbed_read_back(b, &wrong, 1), ERR_PERM);
	for (wrong.length = 0; wrong.length < ref.length; wrong.length++)
		assert_int_equal(testbed_read_back(b, &wrong, 1), ERR_PERM);
	testbed_check(b, &ref, 1, SPAN_LIT("hello"));
	struct buf small;
	struct blob_identity i = testbed_identity(1);

	buf_init(&small, 4);
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->key, &small, &b->e), ERR_LIMIT);
	buf_fini(&small);
}

/* Killed within a write: the next writer begins a new segment; what was committed before the tear reads as before. */
static void test_torn_end(void **state)
{
	struct testbed *b = *state;
	struct blob_ref first = testbed_append(b, 1, SPAN_LIT("first")), torn, next;
	char path[128];

	testbed_commit(b);
	torn = testbed_append(b, 2, SPAN_LIT("torn"));
	testbed_commit(b);
	blob_writer_close(&b->writer);
	segment_path(b, 1, path);
	assert_int_equal(truncate(path, (off_t)(torn.offset + torn.length - 3)), 0);
	assert_int_equal(blob_writer_open(b->dir, "fetcher-1", &b->writer, &b->e), ERR_OK);
	next = testbed_append(b, 3, SPAN_LIT("next"));
	testbed_commit(b);
	assert_int_equal(next.segment, 2);
	testbed_check(b, &first, 1, SPAN_LIT("first"));
	assert_int_equal(testbed_read_back(b, &torn, 2), ERR_PERM);
	testbed_check(b, &next, 3, SPAN_LIT("next"));
}

static void touch(const struct testbed *b, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", b->dir, name);
	close(open(path, O_WRONLY | O_CREAT, 0600));
}

static void test_segment_numbers(void **state)
{
	struct testbed *b = *state;
	struct blob_writer *other;

	blob_writer_close(&b->writer);
	touch(b, "fetcher-1-0000001f.seg");
	touch(b, "fetcher-1-000000ff.seg.tmp");
	touch(b, "fetcher-1-0000ZZff.seg");
	touch(b, "fetcher-10-00000f00.seg");
	touch(b, "fetcher-1-1-00000f00.seg");
	touch(b, "fetcher-1-00000F00.seg");
	assert_int_equal(blob_writer_open(b->dir, "fetcher-1", &b->writer, &b->e), ERR_OK);
	assert_int_equal(blob_writer_open(b->dir, "fetcher-1", &other, &b->e), ERR_OK);
	assert_int_equal(testbed_append(b, 1, SPAN_LIT("x")).segment, 0x20);
	struct blob_writer *kept = b->writer;

	b->writer = other; /* a second process of the same name takes another file */
	assert_int_equal(testbed_append(b, 1, SPAN_LIT("x")).segment, 0x21);
	b->writer = kept;
	blob_writer_close(&other);
	assert_int_equal(blob_writer_open(b->dir, "a/b", &other, &b->e), ERR_PERM);
	assert_int_equal(blob_writer_open(b->dir, "", &other, &b->e), ERR_PERM);
	assert_int_equal(blob_writer_open("/nonexistent", "w", &other, &b->e), ERR_PERM);
}

/* Segments end at 256 MiB; what lies in several of them since the last commit becomes durable in one. */
static void test_many_segments_in_one_commit(void **state)
{
	enum { COUNT = 5, BYTES = 100 << 20 };
	struct testbed *b = *state;
	struct blob_ref refs[COUNT];
	uint8_t *raw = calloc(1, BYTES);
	uint32_t last = 0;
	char path[128];
	struct stat st;

	random_bytes(raw, BYTES); /* does not compress */
	for (uint32_t i = 0; i < COUNT; i++) {
		raw[0] = (uint8_t)i;
		refs[i] = testbed_append(b, i, span_make(raw, BYTES));
		last = refs[i].segment;
	}
	assert_int_equal(last, (COUNT + 1) / 2);
	testbed_commit(b);
	for (uint32_t i = 0; i < COUNT; i++) {
		raw[0] = (uint8_t)i;
		testbed_check(b, &refs[i], i, span_make(raw, BYTES));
	}
	segment_path(b, 1, path);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= 256 << 20);
	struct blob_identity i = testbed_identity(1);

	assert_int_equal(
		blob_append(b->writer, &i, &b->key, span_make(raw, BLOB_RAW_MAX + 1), refs, &b->e),
		ERR_LIMIT);
	assert_string_equal(b->e.name, "blob_too_large");
	free(raw);
}

/* The file system refuses to grow the file: append or commit says so, and so does the commit that should cover it. */
static void test_write_fails(void **state)
{
	struct testbed *b = *state;
	struct rlimit old, small = {.rlim_cur = 1000};
	struct blob_identity i = testbed_identity(2);
	struct blob_ref first = testbed_append(b, 1, SPAN_LIT("first")), ref;
	uint8_t *big = malloc(2 << 20);

	testbed_commit(b);
	random_bytes(big, 2 << 20);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	testbed_append(b, 2, span_make(big, 5000)); /* in the buffer only */
	assert_int_equal(blob_append(b->writer, &i, &b->key, span_make(big, 2 << 20), &ref, &b->e),
			 ERR_TEMP);
	assert_int_equal(blob_commit(b->writer, &b->e), ERR_TEMP);
	testbed_append(b, 2, span_make(big, 5000));
	assert_int_equal(blob_commit(b->writer, &b->e), ERR_TEMP);
	setrlimit(RLIMIT_FSIZE, &old);
	ref = testbed_append(b, 2, span_make(big, 5000));
	testbed_commit(b);
	assert_true(ref.segment > first.segment);
	testbed_check(b, &ref, 2, span_make(big, 5000));
	testbed_check(b, &first, 1, SPAN_LIT("first"));
	free(big);
}

#define WITH_DIR(f) cmocka_unit_test_setup_teardown(f, testbed_set_up, testbed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(test_round_trip),
		cmocka_unit_test(test_reference_forms),
		WITH_DIR(test_data_key),
		WITH_DIR(test_of_another),
		WITH_DIR(test_every_flipped_bit),
		WITH_DIR(test_wrong_references),
		WITH_DIR(test_torn_end),
		WITH_DIR(test_segment_numbers),
		WITH_DIR(test_many_segments_in_one_commit),
		WITH_DIR(test_write_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
