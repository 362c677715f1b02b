/*
 * bench_link REDIS FILE: the linker's batches without the bus: proposals from FILE (u32 length, frame), 64 at a time, decided,
 * committed and applied. Prints the median of a batch's microseconds, its own CPU time of one, and the most round trips that one
 * took.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "common/base/clock.h"
#include "common/metrics/metrics.h"
#include "linker/batch.h"

static int compare(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static struct span read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct buf bytes;

	buf_init(&bytes, (size_t)1 << 30);
	if (!f)
		exit(2);
	for (uint8_t *p; (p = buf_reserve(&bytes, 65536));) {
		size_t n = fread(p, 1, 65536, f);

		bytes.n += n;
		if (n == 0)
			break;
	}
	fclose(f);
	return buf_span(&bytes);
}

static size_t take(struct span *rest, struct span frames[BATCH_MAX])
{
	size_t n = 0;

	for (; n < BATCH_MAX && rest->n >= 4; n++) {
		uint32_t length;

		memcpy(&length, rest->p, 4);
		frames[n] = span_sub(*rest, 4, length);
		*rest = span_sub(*rest, 4 + (size_t)length, rest->n);
	}
	return n;
}

static int64_t run(struct batch *batch, const struct span *frames, size_t n)
{
	int64_t began_ms = clock_wall_ms(), began = clock_mono_us();
	struct err e;

	if (batch_run(batch, frames, n, began_ms, &e) != ERR_OK) {
		fprintf(stderr, "bench_link: %s: %s\n", e.name, e.text);
		exit(1);
	}
	for (size_t i = 0; i < batch->count; i++)
		if (batch->messages[i].status != COMMIT_COMMITTED ||
		    batch->messages[i].account->behind) {
			fprintf(stderr, "bench_link: a message was not committed and applied\n");
			exit(1);
		}
	return clock_mono_us() - began;
}

static double cpu_us(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void bench(const char *address, const char *path)
{
	struct metrics *metrics = metrics_new("bench", "bench-1", NULL, 0);
	struct batch *batch = calloc(1, sizeof(*batch));
	struct span frames[BATCH_MAX], rest;
	size_t n, batches = 0, room = 100000;
	int64_t *us = calloc(room, sizeof(*us)), trips = 0;

	if (!batch || !us)
		abort();
	struct store_options options = {.address = address, .metrics = metrics};

	batch->store = store_new(&options);
	batch->arena = arena_new(256 << 10);
	rest = read_file(path);
	while (batches < room && (n = take(&rest, frames)) > 0) {
		int64_t before = metrics_get(metrics, METRIC_REDIS_CALLS, 0), made;

		us[batches++] = run(batch, frames, n);
		made = metrics_get(metrics, METRIC_REDIS_CALLS, 0) - before;
		trips = made > trips ? made : trips;
	}
	qsort(us, batches, sizeof(*us), compare);
	printf("{\"batches\": %zu, \"us\": %" PRId64 ", \"cpuUs\": %.1f, \"trips\": %" PRId64 "}\n",
	       batches, batches ? us[batches / 2] : 0, batches ? cpu_us() / (double)batches : 0,
	       trips);
	arena_free(&batch->arena);
	store_free(&batch->store);
	metrics_free(&metrics);
	free(us);
	free(batch);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	bench(argv[1], argv[2]);
	return 0;
}
