/*
 * Proves: a blob reads back as it was appended, after its commit, from any process, and only by its own account and id;
 * damage is told, never passed on; a torn end, a full segment, a failed disk and two threads lose nothing committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/blob/blob.h"

#define RAW_BYTES_MAX ((size_t)300 << 20)

struct bed {
	char dir[64];
	struct secret_key mail, key;
	struct blob_writer *writer;
	struct buf out;
	struct err e;
};

static int set_up(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));

	snprintf(b->dir, sizeof(b->dir), "/tmp/blob-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	random_bytes(&b->mail, sizeof(b->mail));
	random_bytes(&b->key, sizeof(b->key));
	buf_init(&b->out, RAW_BYTES_MAX);
	assert_int_equal(blob_writer_open(b->dir, "fetcher-1", &b->writer, &b->e), ERR_OK);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *b = *state;
	pid_t pid;

	blob_writer_close(&b->writer);
	assert_null(b->writer);
	buf_fini(&b->out);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", b->dir, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	free(b);
	return 0;
}

static struct blob_identity identity(uint32_t n)
{
	struct blob_identity i = {
		.company = SPAN_LIT("c1"), .account = SPAN_LIT("anna"), .generation = 3};

	memcpy(i.id.b, &n, sizeof(n));
	return i;
}

/* Text-like bytes: they compress to about two fifths. */
static void fill_text(uint8_t *p, size_t n, unsigned seed)
{
	static const char words[16][12] = {
		"the ",	     "offer ",	     "meeting ", "Received: ", "<div>", "price ",
		"tomorrow ", "regards,\r\n", "and ",	 "of ",	       "to ",	"=20\r\n",
		"attached ", "deal ",	     "from ",	 "</div>\r\n"};
	size_t at = 0;
	uint32_t x = seed * 2654435761u + 1;

	while (at < n) {
		x = x * 1664525u + 1013904223u;
		const char *w = words[x >> 28];

		if ((x >> 20 & 3u) == 0) {
			p[at++] = (uint8_t)('a' + (x >> 8) % 26);
			continue;
		}
		for (; *w && at < n; w++)
			p[at++] = (uint8_t)*w;
	}
}

static struct blob_ref append(struct bed *b, uint32_t n, struct span raw)
{
	struct blob_identity i = identity(n);
	struct blob_ref ref;

	if (blob_append(b->writer, &i, &b->key, raw, &ref, &b->e) != ERR_OK)
		fail_msg("append: %s", b->e.text);
	return ref;
}

static void commit(struct bed *b)
{
	if (blob_commit(b->writer, &b->e) != ERR_OK)
		fail_msg("commit: %s", b->e.text);
}

static enum err_code read_back(struct bed *b, const struct blob_ref *ref, uint32_t n)
{
	struct blob_identity i = identity(n);

	buf_clear(&b->out);
	return blob_read(b->dir, ref, &i, &b->key, &b->out, &b->e);
}

static void check(struct bed *b, const struct blob_ref *ref, uint32_t n, struct span raw)
{
	if (read_back(b, ref, n) != ERR_OK)
		fail_msg("read %u: %s", n, b->e.text);
	assert_true(span_eq(buf_span(&b->out), raw));
}

static void segment_path(const struct bed *b, uint32_t segment, char out[128])
{
	snprintf(out, 128, "%s/fetcher-1-%08x.seg", b->dir, segment);
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 12000, 65536, 65537, 200000, 3000000};
	enum { COUNT = 2 * sizeof(sizes) / sizeof(sizes[0]) };
	struct bed *b = *state;
	struct blob_ref refs[COUNT];
	uint8_t *raw[COUNT];

	for (uint32_t i = 0; i < COUNT; i++) {
		size_t n = sizes[i / 2];

		raw[i] = malloc(n + 1);
		if (i % 2 == 0)
			fill_text(raw[i], n, i);
		else
			random_bytes(raw[i], n); /* stored as it is */
		refs[i] = append(b, i, span_make(raw[i], n));
		if (i % 2 == 0 && n >= 12000)
			assert_true(refs[i].length < n * 2 / 3);
		else
			assert_in_range(refs[i].length, n / 10, n + 100);
	}
	commit(b);
	commit(b); /* nothing to do is no error */
	for (uint32_t i = 0; i < COUNT; i++)
		check(b, &refs[i], i, span_make(raw[i], sizes[i / 2]));
	commit(b);
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
	struct bed *b = *state;
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
	struct bed *b = *state;
	struct blob_ref ref = append(b, 1, SPAN_LIT("hello"));
	struct blob_identity i = identity(1);

	commit(b);
	buf_put_cstr(&b->out, "kept");
	i.account = SPAN_LIT("bert");
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->key, &b->out, &b->e), ERR_PERM);
	assert_string_equal(b->e.name, "blob_of_another");
	i = identity(1);
	i.company = SPAN_LIT("c2");
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->key, &b->out, &b->e), ERR_PERM);
	i = identity(1);
	i.generation = 4;
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->key, &b->out, &b->e), ERR_PERM);
	i = identity(2);
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->key, &b->out, &b->e), ERR_PERM);
	i = identity(1);
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->mail, &b->out, &b->e), ERR_PERM);
	assert_true(span_eq(buf_span(&b->out), SPAN_LIT("kept")));
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->key, &b->out, &b->e), ERR_OK);
	assert_true(span_eq(buf_span(&b->out), SPAN_LIT("kepthello")));
}

static void test_every_flipped_bit(void **state)
{
	struct bed *b = *state;
	uint8_t raw[300];
	char path[128];

	fill_text(raw, sizeof(raw), 1);
	append(b, 0, SPAN_LIT("before"));
	struct blob_ref ref = append(b, 1, span_make(raw, sizeof(raw)));

	append(b, 2, SPAN_LIT("after"));
	commit(b);
	segment_path(b, 1, path);
	int fd = open(path, O_RDWR);

	for (uint64_t bit = 0; bit < ref.length * 8; bit++) {
		uint8_t c;
		off_t at = (off_t)(ref.offset + bit / 8);

		assert_int_equal(pread(fd, &c, 1, at), 1);
		c ^= (uint8_t)(1u << (bit % 8));
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
		assert_int_equal(read_back(b, &ref, 1), ERR_PERM);
		assert_int_equal(b->out.n, 0);
		c ^= (uint8_t)(1u << (bit % 8));
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
	}
	close(fd);
	check(b, &ref, 1, span_make(raw, sizeof(raw)));
}

static void test_wrong_references(void **state)
{
	struct bed *b = *state;
	struct blob_ref ref = append(b, 1, SPAN_LIT("hello")), wrong;

	wrong = ref;
	assert_int_equal(read_back(b, &wrong, 1), ERR_PERM); /* not written yet */
	commit(b);
	wrong.segment = 2;
	assert_int_equal(read_back(b, &wrong, 1), ERR_GONE);
	wrong = ref;
	wrong.offset++;
	assert_int_equal(read_back(b, &wrong, 1), ERR_PERM);
	wrong.offset = UINT64_MAX;
	assert_int_equal(read_back(b, &wrong, 1), ERR_PERM);
	wrong = ref;
	wrong.length = UINT64_MAX;
	assert_int_equal(read_back(b, &wrong, 1), ERR_PERM);
	wrong.length = ((uint64_t)256 << 20) + 1;
	assert_int_equal(read_back(b, &wrong, 1), ERR_PERM);
	for (wrong.length = 0; wrong.length < ref.length; wrong.length++)
		assert_int_equal(read_back(b, &wrong, 1), ERR_PERM);
	check(b, &ref, 1, SPAN_LIT("hello"));
	struct buf small;
	struct blob_identity i = identity(1);

	buf_init(&small, 4);
	assert_int_equal(blob_read(b->dir, &ref, &i, &b->key, &small, &b->e), ERR_LIMIT);
	buf_fini(&small);
}

/* Killed within a write: the next writer begins a new segment; what was committed before the tear reads as before. */
static void test_torn_end(void **state)
{
	struct bed *b = *state;
	struct blob_ref first = append(b, 1, SPAN_LIT("first")), torn, next;
	char path[128];

	commit(b);
	torn = append(b, 2, SPAN_LIT("torn"));
	commit(b);
	blob_writer_close(&b->writer);
	segment_path(b, 1, path);
	assert_int_equal(truncate(path, (off_t)(torn.offset + torn.length - 3)), 0);
	assert_int_equal(blob_writer_open(b->dir, "fetcher-1", &b->writer, &b->e), ERR_OK);
	next = append(b, 3, SPAN_LIT("next"));
	commit(b);
	assert_int_equal(next.segment, 2);
	check(b, &first, 1, SPAN_LIT("first"));
	assert_int_equal(read_back(b, &torn, 2), ERR_PERM);
	check(b, &next, 3, SPAN_LIT("next"));
}

static void touch(const struct bed *b, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", b->dir, name);
	close(open(path, O_WRONLY | O_CREAT, 0600));
}

static void test_segment_numbers(void **state)
{
	struct bed *b = *state;
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
	assert_int_equal(append(b, 1, SPAN_LIT("x")).segment, 0x20);
	struct blob_writer *kept = b->writer;

	b->writer = other; /* a second process of the same name takes another file */
	assert_int_equal(append(b, 1, SPAN_LIT("x")).segment, 0x21);
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
	struct bed *b = *state;
	struct blob_ref refs[COUNT];
	uint8_t *raw = calloc(1, BYTES);
	uint32_t last = 0;
	char path[128];
	struct stat st;

	random_bytes(raw, BYTES); /* does not compress */
	for (uint32_t i = 0; i < COUNT; i++) {
		raw[0] = (uint8_t)i;
		refs[i] = append(b, i, span_make(raw, BYTES));
		last = refs[i].segment;
	}
	assert_int_equal(last, (COUNT + 1) / 2);
	commit(b);
	for (uint32_t i = 0; i < COUNT; i++) {
		raw[0] = (uint8_t)i;
		check(b, &refs[i], i, span_make(raw, BYTES));
	}
	segment_path(b, 1, path);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= 256 << 20);
	struct blob_identity i = identity(1);

	assert_int_equal(
		blob_append(b->writer, &i, &b->key, span_make(raw, BLOB_RAW_MAX + 1), refs, &b->e),
		ERR_LIMIT);
	assert_string_equal(b->e.name, "blob_too_large");
	free(raw);
}

/* The file system refuses to grow the file: append or commit says so, and so does the commit that should cover it. */
static void test_write_fails(void **state)
{
	struct bed *b = *state;
	struct rlimit old, small = {.rlim_cur = 1000};
	struct blob_identity i = identity(2);
	struct blob_ref first = append(b, 1, SPAN_LIT("first")), ref;
	uint8_t *big = malloc(2 << 20);

	commit(b);
	random_bytes(big, 2 << 20);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	append(b, 2, span_make(big, 5000)); /* in the buffer only */
	assert_int_equal(blob_append(b->writer, &i, &b->key, span_make(big, 2 << 20), &ref, &b->e),
			 ERR_TEMP);
	assert_int_equal(blob_commit(b->writer, &b->e), ERR_TEMP);
	append(b, 2, span_make(big, 5000));
	assert_int_equal(blob_commit(b->writer, &b->e), ERR_TEMP);
	setrlimit(RLIMIT_FSIZE, &old);
	ref = append(b, 2, span_make(big, 5000));
	commit(b);
	assert_true(ref.segment > first.segment);
	check(b, &ref, 2, span_make(big, 5000));
	check(b, &first, 1, SPAN_LIT("first"));
	free(big);
}

enum { THREAD_MESSAGES = 3000 };

struct pair {
	struct bed *b;
	struct blob_ref refs[THREAD_MESSAGES];
	atomic_uint appended, committed;
	atomic_bool failed;
};

static size_t size_of(uint32_t n)
{
	return n % 50 == 0 ? 300000 : n * 37 % 9000;
}

static void *append_all(void *context)
{
	struct pair *p = context;
	uint8_t *raw = malloc(300000);
	struct err e;

	for (uint32_t n = 0; n < THREAD_MESSAGES; n++) {
		struct blob_identity i = identity(n);

		fill_text(raw, size_of(n), n);
		if (blob_append(p->b->writer, &i, &p->b->key, span_make(raw, size_of(n)),
				&p->refs[n], &e) != ERR_OK)
			atomic_store(&p->failed, true);
		atomic_store(&p->appended, n + 1);
	}
	free(raw);
	return NULL;
}

static void *commit_all(void *context)
{
	struct pair *p = context;
	struct err e;

	while (atomic_load(&p->committed) < THREAD_MESSAGES) {
		uint32_t n = atomic_load(&p->appended);

		if (blob_commit(p->b->writer, &e) != ERR_OK)
			atomic_store(&p->failed, true);
		atomic_store(&p->committed, n);
	}
	return NULL;
}

/* One thread appends, one commits, the third reads only what is committed. */
static void test_two_threads(void **state)
{
	struct bed *b = *state;
	struct pair *p = calloc(1, sizeof(*p));
	uint8_t *raw = malloc(300000);
	pthread_t appending, committing;
	uint32_t n = 0;

	p->b = b;
	assert_int_equal(pthread_create(&appending, NULL, append_all, p), 0);
	assert_int_equal(pthread_create(&committing, NULL, commit_all, p), 0);
	while (n < THREAD_MESSAGES && !atomic_load(&p->failed)) {
		uint32_t committed = atomic_load(&p->committed);

		for (; n < committed; n++) {
			fill_text(raw, size_of(n), n);
			check(b, &p->refs[n], n, span_make(raw, size_of(n)));
		}
	}
	pthread_join(appending, NULL);
	pthread_join(committing, NULL);
	assert_false(atomic_load(&p->failed));
	free(raw);
	free(p);
}

static void measure(struct bed *b, const char *what, const uint8_t *raw, size_t bytes)
{
	size_t total = 96u << 20, since = 0, stored = 0;
	uint32_t count = (uint32_t)(total / bytes);
	int64_t t0 = clock_mono_us(), waited = 0;

	for (uint32_t n = 0; n < count; n++) {
		size_t length = append(b, n, span_make(raw + n % 512, bytes)).length;

		stored += length;
		since += length;
		if (since < 1 << 20 && n + 1 < count)
			continue;
		int64_t t = clock_mono_us();

		commit(b);
		waited += clock_mono_us() - t;
		since = 0;
	}
	int64_t us = clock_mono_us() - t0;

	print_message("%s: %.0f messages/s, %.0f MB/s clear, %.0f %% stored; %.1f us CPU side, "
		      "%.1f us commit a message\n",
		      what, count * 1e6 / (double)us, (double)count * (double)bytes / (double)us,
		      100.0 * (double)stored / ((double)count * (double)bytes),
		      (double)(us - waited) / count, (double)waited / count);
}

/* Base64 lines, as attachments are sent. */
static void fill_base64(uint8_t *p, size_t n)
{
	struct buf text;
	uint8_t line[54];

	buf_init(&text, n + 128);
	while (text.n < n) {
		random_bytes(line, sizeof(line));
		base64_encode(span_make(line, sizeof(line)), &text);
		buf_put_cstr(&text, "\r\n");
	}
	memcpy(p, text.p, n);
	buf_fini(&text);
}

/* Figures, not a verdict: group commit per megabyte. */
static void test_rate(void **state)
{
	struct bed *b = *state;
	uint8_t *raw = malloc(80000);

	fill_text(raw, 80000, 7);
	measure(b, "10 KB text", raw, 10000);
	measure(b, "70 KB text", raw, 70000);
	fill_base64(raw + 3000, 77000);
	measure(b, "10 KB, 7 of base64", raw, 10000);
	measure(b, "70 KB, 67 of base64", raw, 70000);
	free(raw);
}

#define WITH_DIR(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

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
		WITH_DIR(test_two_threads),
		WITH_DIR(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
