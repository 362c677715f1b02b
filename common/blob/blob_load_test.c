/*
 * Proves: with one thread appending and another committing, a third reads every committed blob and nothing else is lost.
 * Prints what appending costs and how many messages a second become durable with a commit a megabyte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/blob/blob_testbed.h"

enum { THREAD_MESSAGES = 3000 };

struct pair {
	struct testbed *b;
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
		struct blob_identity i = testbed_identity(n);

		testbed_fill_text(raw, size_of(n), n);
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
	struct testbed *b = *state;
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
			testbed_fill_text(raw, size_of(n), n);
			testbed_check(b, &p->refs[n], n, span_make(raw, size_of(n)));
		}
	}
	pthread_join(appending, NULL);
	pthread_join(committing, NULL);
	assert_false(atomic_load(&p->failed));
	free(raw);
	free(p);
}

static void measure(struct testbed *b, const char *what, const uint8_t *raw, size_t bytes)
{
	size_t total = 96u << 20, since = 0, stored = 0;
	uint32_t count = (uint32_t)(total / bytes);
	int64_t t0 = clock_mono_us(), waited = 0;

	for (uint32_t n = 0; n < count; n++) {
		size_t length = testbed_append(b, n, span_make(raw + n % 512, bytes)).length;

		stored += length;
		since += length;
		if (since < 1 << 20 && n + 1 < count)
			continue;
		int64_t t = clock_mono_us();

		testbed_commit(b);
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
	struct testbed *b = *state;
	uint8_t *raw = malloc(80000);

	testbed_fill_text(raw, 80000, 7);
	measure(b, "10 KB text", raw, 10000);
	measure(b, "70 KB text", raw, 70000);
	fill_base64(raw + 3000, 77000);
	measure(b, "10 KB, 7 of base64", raw, 10000);
	measure(b, "70 KB, 67 of base64", raw, 70000);
	free(raw);
}

#define WITH_DIR(f) cmocka_unit_test_setup_teardown(f, testbed_set_up, testbed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {WITH_DIR(test_two_threads), WITH_DIR(test_rate)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
