/*
 * Proves that what kills or hangs the child costs the message it was at and no other (OPS-05, SYN-10), that messages
 * come by spool and by body alike, and that renders are answered. The test program is its own child (`--child`).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/stamp.h"
#include "common/wire/wire.h"
#include "parser/child.h"
#include "parser/facts_wire.h"
#include "parser/pool.h"

#define DEADLINE_MS 60000

struct seen {
	struct pool *pool;
	struct arena *arena;
	int outcome[REQUEST_ITEMS_MAX]; /* -1: none yet */
	struct span frame[REQUEST_ITEMS_MAX], body[REQUEST_ITEMS_MAX];
	unsigned settled, finished, deaths[3];
};

static void settled(void *ctx, struct pool_job *job, uint32_t i, enum pool_outcome outcome,
		    struct span frame, struct span body)
{
	struct seen *seen = ctx;
	assert_int_equal(seen->outcome[i], -1);
	assert_true(job->items[i].settled);
	seen->outcome[i] = (int)outcome;
	seen->frame[i] = arena_span(seen->arena, frame);
	seen->body[i] = arena_span(seen->arena, body);
	seen->settled++;
}

static void finished(void *ctx, struct pool_job *job)
{
	struct seen *seen = ctx;
	(void)job;
	seen->finished++;
}

static void died(void *ctx, enum pool_death death, int pid)
{
	struct seen *seen = ctx;
	assert_true(pid > 0);
	seen->deaths[death]++;
}

static void seen_clear(struct seen *seen)
{
	memset(seen->outcome, 0xff, sizeof(seen->outcome));
	seen->settled = seen->finished = 0;
}

static void open_pool(struct seen *seen, int64_t messages, int64_t timeout_ms)
{
	struct err e = {0};
	struct pool_options options = {.path = "/proc/self/exe",
				       .messages = messages,
				       .timeout_ms = timeout_ms,
				       .ctx = seen,
				       .settled = settled,
				       .finished = finished,
				       .died = died};
	*seen = (struct seen){.arena = arena_new(0)};
	seen_clear(seen);
	assert_int_equal(pool_open(&options, &seen->pool, &e), ERR_OK);
}

static void close_pool(struct seen *seen)
{
	pool_close(&seen->pool);
	arena_free(&seen->arena);
}

static void run(struct seen *seen, struct pool_job *job)
{
	int64_t until = clock_mono_ms() + DEADLINE_MS;
	seen_clear(seen);
	pool_submit(seen->pool, job);
	while (!seen->finished && clock_mono_ms() < until) {
		struct pollfd p = {pool_fd(seen->pool), POLLIN, 0};
		poll(&p, p.fd >= 0, 20);
		pool_turn(seen->pool, clock_mono_ms());
	}
	assert_int_equal(seen->finished, 1);
	assert_int_equal(seen->settled, job->count);
}

static struct pool_job *job_new(struct arena *arena, const char *const *texts)
{
	struct pool_job *job = arena_alloc(arena, sizeof(*job));
	for (; texts[job->count]; job->count++)
		job->items[job->count].body = span_cstr(texts[job->count]);
	return job;
}

static struct wire_facts facts_of(struct seen *seen, unsigned i)
{
	struct wire_facts w;
	struct err e = {0};
	assert_int_equal(seen->outcome[i], POOL_DONE);
	assert_int_equal(wire_decode_facts(seen->frame[i], seen->arena, &w, &e), ERR_OK);
	return w;
}

static void assert_span(struct span s, const char *text)
{
	assert_int_equal(s.n, strlen(text));
	assert_memory_equal(s.p, text, s.n);
}

static const char GOOD[] = "From: =?utf-8?Q?Andr=C3=A9?= <a@b.example>\r\nSubject: "
			   "Hi\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n";
static const char ABORTS[] = "Subject: poison\r\nX-Mailweave-Test-Crash: abort\r\n\r\nx\r\n";
static const char HANGS[] = "Subject: slow\r\nX-Mailweave-Test-Crash: hang\r\n\r\nx\r\n";

static void a_batch_gives_facts_in_place(void **state)
{
	(void)state;
	struct seen seen;
	open_pool(&seen, 1000, 5000);
	const char *const texts[] = {GOOD, "Subject: no id\n\nbody\n", "", NULL};
	struct pool_job *job = job_new(seen.arena, texts);
	job->items[2].body = SPAN_LIT("\n");
	run(&seen, job);
	struct wire_facts w = facts_of(&seen, 0);
	assert_span(w.subject, "Hi");
	assert_int_equal(w.from.count, 1);
	assert_span(w.from.items[0].name, "Andr\xc3\xa9");
	assert_span(w.from.items[0].email, "a@b.example");
	assert_span(w.message_id.items[0], "1@x");
	for (int i = 0; i < 32; i++)
		assert_int_equal(w.content_hash.p[i], 0);
	w = facts_of(&seen, 1);
	assert_int_equal(w.message_id.count, 0);
	unsigned sum = 0;
	for (int i = 0; i < 32; i++)
		sum |= w.content_hash.p[i];
	assert_true(sum != 0);
	facts_of(&seen, 2);
	close_pool(&seen);
}

static void f96_poison_costs_itself_alone(void **state)
{
	(void)state;
	struct seen seen;
	open_pool(&seen, 1000, 5000);
	const char *const texts[] = {GOOD, ABORTS, GOOD, ABORTS, GOOD, NULL};
	run(&seen, job_new(seen.arena, texts));
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(seen.outcome[i], i % 2 ? POOL_CRASHED : POOL_DONE);
	assert_int_equal(seen.deaths[POOL_DEATH_CRASHED], 2);
	close_pool(&seen);
}

static void a_hang_costs_itself_alone(void **state)
{
	(void)state;
	struct seen seen;
	open_pool(&seen, 1000, 300);
	const char *const texts[] = {GOOD, HANGS, GOOD, NULL};
	run(&seen, job_new(seen.arena, texts));
	assert_int_equal(seen.outcome[0], POOL_DONE);
	assert_int_equal(seen.outcome[1], POOL_TIMED_OUT);
	assert_int_equal(seen.outcome[2], POOL_DONE);
	close_pool(&seen);
}

static void children_are_recycled(void **state)
{
	(void)state;
	struct seen seen;
	open_pool(&seen, 4, 5000);
	const char *const texts[] = {GOOD, GOOD, GOOD, NULL};
	for (int i = 0; i < 8; i++)
		run(&seen, job_new(seen.arena, texts));
	assert_true(seen.deaths[POOL_DEATH_RECYCLED] >= 3);
	assert_int_equal(seen.deaths[POOL_DEATH_CRASHED], 0);
	close_pool(&seen);
}

static void bytes_come_from_the_spool(void **state)
{
	(void)state;
	struct seen seen;
	char path[] = "/tmp/parser-pool-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	const uint64_t stamp = 77;
	assert_int_equal(pwrite(fd, &stamp, sizeof(stamp), 4992 - STAMP_BYTES), sizeof(stamp));
	assert_int_equal(pwrite(fd, GOOD, sizeof(GOOD) - 1, 4992), sizeof(GOOD) - 1);
	assert_int_equal(ftruncate(fd, 65536), 0);
	open_pool(&seen, 1000, 5000);
	struct pool_job *job = arena_alloc(seen.arena, sizeof(*job));
	job->count = 7;
	for (unsigned i = 0; i < job->count; i++)
		job->items[i] = (struct pool_item){.spool = span_cstr(path),
						   .offset = 4992,
						   .bytes = sizeof(GOOD) - 1,
						   .stamp = stamp};
	job->items[1].offset = 65472; /* past its end */
	job->items[2].stamp = stamp - 1; /* given to another message meanwhile */
	job->items[3].spool = SPAN_LIT("/nonexistent/spool");
	job->items[4].offset = 0; /* no room for a stamp */
	job->items[5].offset = 4993; /* no place for one */
	job->items[6].stamp = 0;
	job->items[6].offset = 8192;
	run(&seen, job);
	assert_span(facts_of(&seen, 0).subject, "Hi");
	for (unsigned i = 1; i < 7; i++)
		assert_int_equal(seen.outcome[i], POOL_LOST);
	close(fd);
	unlink(path);
	close_pool(&seen);
}

static void renders_are_answered(void **state)
{
	(void)state;
	static const char message[] =
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
		"text/html\r\n\r\n"
		"<p onclick=x()>Hi<script>1</script><img src=http://t.example/p.gif></p>\r\n--b\r\n"
		"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: "
		"base64\r\n\r\n"
		"SGVsbG8gd29ybGQ=\r\n--b--\r\n";
	struct seen seen;
	struct wire_rendered w;
	struct err e = {0};
	const char *const texts[] = {message, NULL};
	open_pool(&seen, 1000, 5000);
	struct pool_job *job = job_new(seen.arena, texts);
	job->class = POOL_RENDER;
	job->number = 42;
	job->want = REQUEST_WANT_PART;
	job->part_offset = 6;
	job->part_limit = 3;
	memcpy(job->part, "2", 2);
	run(&seen, job);
	assert_int_equal(wire_decode_rendered(seen.frame[0], seen.arena, &w, &e), ERR_OK);
	assert_int_equal(w.request, 42);
	assert_span(w.status, "ok");
	assert_span(w.type, "application/pdf");
	assert_span(w.name, "a.pdf");
	assert_int_equal(w.total, 11);
	assert_span(seen.body[0], "wor");
	job = job_new(seen.arena, texts);
	job->class = POOL_RENDER;
	job->want = REQUEST_WANT_BODY;
	run(&seen, job);
	assert_span(seen.body[0],
		    "{\"text\":\"\\nHi\\n\",\"quotedFrom\":null,\"html\":\"<p>Hi<img></p>\","
		    "\"remoteBlocked\":[\"http://t.example/p.gif\"],\"cids\":{}}");
	close_pool(&seen);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--child") == 0)
		return child_main();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_gives_facts_in_place),
		cmocka_unit_test(f96_poison_costs_itself_alone),
		cmocka_unit_test(a_hang_costs_itself_alone),
		cmocka_unit_test(children_are_recycled),
		cmocka_unit_test(bytes_come_from_the_spool),
		cmocka_unit_test(renders_are_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
