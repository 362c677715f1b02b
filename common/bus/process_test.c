/* Proves with real processes (OPS-01): a taker that is stopped, goes on, is killed and comes again neither stops the
 * others nor holds more than one batch, over ipc and tcp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/bus/test_net.h"

struct taker {
	pid_t pid;
	int entries[2]; /* pipe: the giver's entry, to the child */
	int self[2]; /* pipe: its own, from the child */
	size_t *messages; /* shared: what it got */
};

struct child {
	struct bus *bus;
	size_t *messages;
};

static void on_batch(void *ctx, unsigned lane, const struct bus_item *items, size_t count)
{
	struct child *child = ctx;
	(void)items;
	__atomic_add_fetch(child->messages, count, __ATOMIC_SEQ_CST);
	bus_credit(child->bus, lane);
}

static void child_run(const struct taker *taker, const char *name, const char *mode,
		      const char *dir)
{
	struct child child = {.messages = taker->messages};
	struct bus_options options = {"taker", name, mode, dir, NULL, "raw"};
	struct bus_handlers handlers = {.ctx = &child, .batch = on_batch};
	struct bus_entry entry;
	if (bus_open(&options, &handlers, &child.bus, NULL) != ERR_OK)
		_exit(1);
	bus_credit(child.bus, WIRE_LANE_BULK);
	bus_self(child.bus, &entry);
	if (write(taker->self[1], &entry, sizeof(entry)) != sizeof(entry) ||
	    read(taker->entries[0], &entry, sizeof(entry)) != sizeof(entry))
		_exit(1);
	bus_set_peers(child.bus, &entry, 1);
	for (int64_t end_ms = clock_mono_ms() + 60000; clock_mono_ms() < end_ms;)
		bus_wait(child.bus, 1000, -1);
	_exit(1);
}

static void taker_start(struct taker *taker, const char *name, const char *mode, const char *dir)
{
	if (!taker->messages)
		taker->messages = mmap(NULL, sizeof(size_t), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(taker->messages, MAP_FAILED);
	assert_int_equal(pipe(taker->entries), 0);
	assert_int_equal(pipe(taker->self), 0);
	taker->pid = fork();
	assert_true(taker->pid >= 0);
	if (taker->pid == 0)
		child_run(taker, name, mode, dir);
}

static void taker_meet(struct taker *taker, const struct bus_entry *giver,
		       struct bus_entry *self_out)
{
	assert_int_equal(write(taker->entries[1], giver, sizeof(*giver)), sizeof(*giver));
	assert_int_equal(read(taker->self[0], self_out, sizeof(*self_out)), sizeof(*self_out));
}

static void taker_end(struct taker *taker)
{
	kill(taker->pid, SIGKILL);
	waitpid(taker->pid, NULL, 0);
	for (size_t i = 0; i < 2; i++) {
		close(taker->entries[i]);
		close(taker->self[i]);
	}
}

static size_t got(const struct taker *taker)
{
	return __atomic_load_n(taker->messages, __ATOMIC_SEQ_CST);
}

static bool until(struct bus *bus, const struct taker *taker, size_t least)
{
	int64_t end_ms = clock_mono_ms() + WAIT_MS;
	while (got(taker) < least && clock_mono_ms() < end_ms)
		bus_wait(bus, 10, -1);
	return got(taker) >= least;
}

static void give(struct bus *bus, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bus_give(bus, WIRE_LANE_BULK, (struct bus_item){SPAN_LIT("frame"), SPAN_LIT("")});
	bus_flush(bus);
}

/* The giver's bus is opened after the first forks: a child must not have a copy of its threads' state. */
static void stopped_killed_and_back(const char *mode, const char *dir)
{
	struct taker a = {0}, b = {0};
	struct bus_entry entries[2], giver;
	struct bus *bus;
	struct bus_options options = {"giver", "g1", mode, dir, "raw", NULL};
	struct bus_handlers handlers = {0};
	taker_start(&a, "a", mode, dir);
	taker_start(&b, "b", mode, dir);
	assert_int_equal(bus_open(&options, &handlers, &bus, NULL), ERR_OK);
	bus_self(bus, &giver);
	taker_meet(&a, &giver, &entries[0]);
	taker_meet(&b, &giver, &entries[1]);
	bus_set_peers(bus, entries, 2);
	bus_wait(bus, 300, -1);
	give(bus, 1000);
	for (int64_t end_ms = clock_mono_ms() + WAIT_MS;
	     got(&a) + got(&b) < 1000 && clock_mono_ms() < end_ms;)
		bus_wait(bus, 10, -1);
	assert_int_equal(got(&a) + got(&b), 1000); /* exactly: nobody got one twice */

	assert_int_equal(kill(a.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(a.pid, NULL, WUNTRACED), a.pid);
	size_t before = got(&b);
	give(bus, 5000);
	assert_true(until(bus, &b, before + 5000 - BUS_BATCH_MAX));
	assert_int_equal(bus_queued(bus, WIRE_LANE_BULK), 0);
	assert_int_equal(kill(a.pid, SIGCONT), 0);
	assert_int_equal(kill(b.pid, SIGSTOP), 0);
	before = got(&a);
	give(bus, 1000);
	assert_true(until(bus, &a, before + 1000 - BUS_BATCH_MAX));
	assert_int_equal(kill(b.pid, SIGCONT), 0);

	taker_end(&a);
	before = got(&b);
	give(bus, 2000);
	assert_true(until(bus, &b,
			  before + 2000 - BUS_BATCH_MAX)); /* at most the batch under way is lost */
	taker_end(&b);
	bus_close(&bus);
	munmap(a.messages, sizeof(size_t));
	munmap(b.messages, sizeof(size_t));
}

static void over(const char *mode)
{
	char dir[] = "/tmp/bus_test.XXXXXX", path[128];
	assert_non_null(mkdtemp(dir));
	stopped_killed_and_back(mode, dir);
	static const char *const left[] = {"/bus/a.bell", "/bus/b.bell", "/bus", ""};
	for (size_t i = 0; i < 4; i++) { /* a killed process leaves its socket's file */
		snprintf(path, sizeof(path), "%s%s", dir, left[i]);
		remove(path);
	}
	assert_int_equal(access(dir, F_OK), -1);
}

static void processes_over_ipc(void **state)
{
	(void)state;
	over("ipc");
}

static void processes_over_tcp(void **state)
{
	(void)state;
	over("tcp:127.0.0.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_over_ipc),
		cmocka_unit_test(processes_over_tcp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
