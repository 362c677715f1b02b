/*
 * bench_hostile [MEGABYTES [FIRST [COUNT]]]: every message of parser/hostile_testbed.h with 10 MB and with twice that, read as the parser does (facts,
 * and the body as text and safe HTML): at most a second of CPU for the first, at most 2.2 times its instructions (its CPU time, where
 * the kernel does not let us count them) for the second; FIRST and COUNT: of some kinds alone. Prints those that cost more than half
 * of it; exit 1 if one is over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <linux/perf_event.h>
#include <malloc.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "parser/charset_iconv.h"
#include "parser/hostile_testbed.h"
#include "parser/render.h"

#define CPU_MAX_S 1.0
#define RATIO_MAX 2.2
#define ASKED_FROM_S 0.1 /* a ratio of less is noise, and caches */
#define MEASURED_MAX 4

struct cost {
	double cpu_s, work; /* work: instructions, else CPU seconds */
};

struct bench {
	int counter; /* of instructions; -1: none */
	struct decode d;
	struct buf raw, frame, body;
};

static double cpu_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void read_message(struct bench *b, enum request_want want)
{
	struct render_order order = {.want = want};
	buf_clear(&b->frame);
	buf_clear(&b->body);
	arena_reset(b->d.arena);
	render_message(&b->d, buf_span(&b->raw), &order, &b->frame, &b->body);
}

static int open_counter(void)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
				       .size = sizeof(attr),
				       .config = PERF_COUNT_HW_INSTRUCTIONS,
				       .exclude_kernel = 1,
				       .exclude_hv = 1};
	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static uint64_t instructions(const struct bench *b)
{
	uint64_t count;
	if (b->counter < 0 || read(b->counter, &count, sizeof(count)) != sizeof(count))
		return 0;
	return count;
}

static struct cost measure(struct bench *b, const struct hostile *row, size_t bytes)
{
	hostile_build(row, bytes, &b->raw);
	double start = cpu_s();
	uint64_t before = instructions(b);
	read_message(b, REQUEST_WANT_FACTS);
	read_message(b, REQUEST_WANT_BODY);
	double used = cpu_s() - start;
	uint64_t done = instructions(b) - before;
	return (struct cost){used, done ? (double)done : used};
}

/* As it stands in C, so that it fits a line. */
static void print_text(const char *s)
{
	for (; *s; s++) {
		unsigned c = (unsigned char)*s;
		if (c >= ' ' && c < 0x7f)
			putchar((int)c);
		else
			printf("\\x%02x", c);
	}
}

static bool is_over(struct cost one, struct cost two)
{
	return one.cpu_s > CPU_MAX_S ||
	       (two.cpu_s > ASKED_FROM_S && two.work > RATIO_MAX * one.work);
}

static struct cost lesser(struct cost a, struct cost b)
{
	return (struct cost){a.cpu_s < b.cpu_s ? a.cpu_s : b.cpu_s,
			     a.work < b.work ? a.work : b.work};
}

/* Others on the machine make CPU time dearer, never cheaper: the least of a few counts. */
static bool check_row(struct bench *b, const struct hostile *row, size_t bytes, double *dearest)
{
	measure(b, row, 2 * bytes); /* so that both find the memory warm */
	struct cost one = measure(b, row, bytes), two = measure(b, row, 2 * bytes);
	for (int i = 1; i < MEASURED_MAX && is_over(one, two); i++) {
		one = lesser(one, measure(b, row, bytes));
		two = lesser(two, measure(b, row, 2 * bytes));
	}
	bool over = is_over(one, two);
	if (one.cpu_s > CPU_MAX_S / 2 || over) {
		printf("%.3f s, twice the input %.2f times%s: ", one.cpu_s, two.work / one.work,
		       over ? ", OVER" : "");
		print_text(row->head);
		printf(" + ");
		print_text(row->piece);
		printf(" …\n");
	}
	if (one.cpu_s > *dearest)
		*dearest = one.cpu_s;
	return !over;
}

int main(int argc, char **argv)
{
	size_t bytes = (argc > 1 ? strtoul(argv[1], NULL, 10) : 10) * 1000000;
	struct arena *arena = arena_new(0);
	struct charset_set *charsets = charset_iconv_open();
	struct bench b = {.counter = open_counter()};
	double dearest = 0;
	unsigned over = 0;
	size_t first = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	size_t end = argc > 3 ? first + strtoul(argv[3], NULL, 10) : hostile_count();
	end = end < hostile_count() ? end : hostile_count();
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Memory once had is kept: the kernel's giving of fresh pages is no work of the parser's. */
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, INT32_MAX);
	decode_init(&b.d, charsets, arena);
	buf_init(&b.raw, 512u << 20);
	buf_init(&b.frame, 64u << 20);
	buf_init(&b.body, 1u << 30);
	for (size_t i = first; i < end; i++)
		over += !check_row(&b, &hostile_rows()[i], bytes, &dearest);
	printf("hostile    %zu kinds of %zu MB: the dearest %.3f s (goal %g), over: %u\n",
	       end > first ? end - first : 0, bytes / 1000000, dearest, CPU_MAX_S, over);
	if (b.counter >= 0)
		close(b.counter);
	buf_fini(&b.raw);
	buf_fini(&b.frame);
	buf_fini(&b.body);
	decode_fini(&b.d);
	charset_iconv_close(&charsets);
	arena_free(&arena);
	return over > 0;
}
