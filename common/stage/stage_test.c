/*
 * Proves: OPS-01 a process starts, waits for Redis, is found by the others, survives a Redis that goes away, drains on a
 * signal and leaves; against a real redis-server. The test program started with --probe is the stage under test.
 */
#include "common/base/clock.h"
#include "common/stage/registry.h"
#include "common/stage/stage.h"
#include "common/store/store_testbed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 15000

/* The stage: says on standard output what happens to it. */

struct probe_conf {
	struct conf_common common;
	bool own_loop, never_drained, fails;
};

struct probe {
	struct stage *stage;
	bool never_drained;
	int64_t ticks;
};

static void say(const char *what)
{
	char line[160];
	int n = snprintf(line, sizeof(line), "%s\n", what);

	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(99);
}

static enum err_code probe_start(struct stage *stage, void **ctx_out, struct err *e)
{
	const struct probe_conf *conf = stage_conf(stage);
	struct store *second = stage_store_new(stage);
	struct probe *probe = calloc(1, sizeof(*probe));

	store_free(&second);
	if (!probe)
		abort();
	probe->stage = stage;
	probe->never_drained = conf->never_drained;
	*ctx_out = probe;
	if (conf->fails) {
		free(probe);
		return err_set(e, ERR_PERM, ERR_PROCESS, "probe_fails", "as it was told");
	}
	say("start");
	return ERR_OK;
}

static void probe_peer(void *ctx, const char *stage, const char *instance, bool here)
{
	char line[128];

	(void)ctx;
	snprintf(line, sizeof(line), "%s %s %s", here ? "came" : "left", stage, instance);
	say(line);
}

static void probe_tick(void *ctx, int64_t now_ms)
{
	struct probe *probe = ctx;

	(void)now_ms;
	if (++probe->ticks == 10)
		say("ticks");
}

static void probe_drain(void *ctx)
{
	(void)ctx;
	say("drain");
}

static bool probe_drained(void *ctx)
{
	struct probe *probe = ctx;

	return !probe->never_drained;
}

static void probe_stop(void *ctx)
{
	say("stop");
	free(ctx);
}

static int probe_loop(void *ctx)
{
	struct probe *probe = ctx;

	say("loop");
	while (!stage_stopping(probe->stage)) {
		struct pollfd bus = {.fd = bus_fd(stage_bus(probe->stage)), .events = POLLIN};

		poll(&bus, 1, 50);
		stage_turn(probe->stage);
	}
	return 0;
}

static int probe_command(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "--special") == 0 ? 7 : -1;
}

static const struct conf_setting probe_settings[] = {
	{"own_loop", CONF_BOOL, offsetof(struct probe_conf, own_loop), "no", 0, 0,
	 "Turn an own loop."},
	{"never_drained", CONF_BOOL, offsetof(struct probe_conf, never_drained), "no", 0, 0,
	 "Always have work."},
	{"fails", CONF_BOOL, offsetof(struct probe_conf, fails), "no", 0, 0, "Fail at start."},
	{NULL, CONF_STRING, 0, NULL, 0, 0, NULL},
};

static int probe_main(int argc, char **argv)
{
	struct stage_def def = {
		.name = "probe",
		.purpose = "Tells what happens to it.",
		.settings = probe_settings,
		.conf_bytes = sizeof(struct probe_conf),
		.functions = "#!lua name=probe_1\nredis.register_function('probe_1_hello', "
			     "function() return 'hello' end)\n",
		.bus = {.peer = probe_peer},
		.start = probe_start,
		.tick = probe_tick,
		.drain = probe_drain,
		.drained = probe_drained,
		.stop = probe_stop,
		.command = probe_command,
	};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--own_loop=yes") == 0)
			def.run = probe_loop;
	return stage_main(&def, argc, argv);
}

/* The test's side. */

struct child {
	pid_t pid;
	int out; /* its standard output and ready_fd */
	char text[8192];
	size_t n;
};

/* Starts a probe in the testbed's directory, with up to three more arguments. */
static void child_start(struct child *c, const struct testbed *t, const char *name, const char *a,
			const char *b, const char *d)
{
	char dir[128], redis[128], id[64];
	int out[2];

	memset(c, 0, sizeof(*c));
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	snprintf(dir, sizeof(dir), "--dir=%s/state", t->dir);
	snprintf(redis, sizeof(redis), "--redis=%s", t->address);
	snprintf(id, sizeof(id), "--name=%s", name);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], 7);
		execl("/proc/self/exe", "probe", "--probe", dir, redis, id, "--ready_fd=7", a, b, d,
		      (char *)NULL);
		_exit(98);
	}
	close(out[1]);
	c->out = out[0];
}

static bool child_read(struct child *c, int timeout_ms)
{
	struct pollfd readable = {.fd = c->out, .events = POLLIN};
	ssize_t got;

	if (timeout_ms <= 0 || poll(&readable, 1, timeout_ms) <= 0)
		return false;
	got = read(c->out, c->text + c->n, sizeof(c->text) - 1 - c->n);
	c->n += got > 0 ? (size_t)got : 0;
	return got > 0;
}

/* Reads on until the text is there; false after timeout_ms. */
static bool child_says_within(struct child *c, const char *text, int timeout_ms)
{
	int64_t until_ms = clock_mono_ms() + timeout_ms;

	while (!strstr(c->text, text))
		if (!child_read(c, (int)(until_ms - clock_mono_ms())))
			return strstr(c->text, text) != NULL;
	return true;
}

static void child_says(struct child *c, const char *text)
{
	if (!child_says_within(c, text, WAIT_MS))
		fail_msg("no \"%s\" in:\n%s", text, c->text);
}

/* ready_fd is the same pipe: an empty line. */
static void child_is_ready(struct child *c)
{
	child_says(c, "start\n");
	child_says(c, "\n\n");
}

static int child_ends(struct child *c)
{
	int status = 0;

	while (child_read(c, WAIT_MS))
		continue;
	close(c->out);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void child_stops_well(struct child *c)
{
	kill(c->pid, SIGTERM);
	assert_int_equal(child_ends(c), 0);
	assert_non_null(strstr(c->text, "drain\n"));
	assert_non_null(strstr(strstr(c->text, "drain\n"), "stop\n"));
}

static size_t registered(const struct testbed *t, struct bus_entry *first_out)
{
	struct store *store =
		store_new(&(struct store_options){.address = t->address, .call_ms = 5000});
	struct arena *arena = arena_new(0);
	struct bus_entry *entries;
	struct err e;
	size_t count;

	assert_int_equal(registry_exchange(store, NULL, arena, &entries, &count, &e), ERR_OK);
	if (count)
		*first_out = entries[0];
	arena_free(&arena);
	store_free(&store);
	return count;
}

static void lives_and_leaves(void **state)
{
	struct bus_entry entry = {.pid = 0};
	struct testbed t;
	struct child c;

	(void)state;
	testbed_start(&t);
	child_start(&c, &t, "probe-a", NULL, NULL, NULL);
	child_is_ready(&c);
	child_says(&c, "ticks\n");
	assert_int_equal(registered(&t, &entry), 1);
	assert_string_equal(entry.stage, "probe");
	assert_string_equal(entry.instance, "probe-a");
	assert_int_equal(entry.pid, c.pid);
	assert_int_equal(entry.wire_version, WIRE_VERSION);
	assert_true(entry.metrics_port > 0);
	assert_true(entry.bell_endpoint[0]);
	child_stops_well(&c);
	assert_int_equal(registered(&t, &entry), 0);
	testbed_stop(&t);
}

static void finds_others_and_sees_them_go(void **state)
{
	struct child a, b, c;
	struct testbed t;

	(void)state;
	testbed_start(&t);
	child_start(&a, &t, "probe-a", NULL, NULL, NULL);
	child_start(&b, &t, "probe-b", "--own_loop=yes", NULL, NULL);
	child_says(&a, "came probe probe-b\n");
	child_says(&b, "came probe probe-a\n");
	child_start(&c, &t, "probe-c", NULL, NULL, NULL);
	child_says(&a, "came probe probe-c\n");
	kill(c.pid, SIGKILL); /* its entry expires */
	assert_int_equal(child_ends(&c), 1000 + SIGKILL);
	child_says(&a, "left probe probe-c\n");
	child_says(&b, "left probe probe-c\n");
	child_stops_well(&b);
	assert_non_null(strstr(b.text, "loop\n"));
	child_says(&a, "left probe probe-b\n");
	child_stops_well(&a);
	testbed_stop(&t);
}

static void waits_for_redis(void **state)
{
	struct child c, d;
	struct testbed t;

	(void)state;
	testbed_start(&t);
	testbed_kill(&t);
	child_start(&c, &t, "probe-c", NULL, NULL, NULL);
	child_start(&d, &t, "probe-d", NULL, NULL, NULL);
	assert_false(child_says_within(&c, "start\n", 1500));
	kill(d.pid, SIGINT); /* and can be stopped while it waits */
	assert_int_equal(child_ends(&d), 0);
	assert_int_equal(d.n, 0);
	testbed_restart(&t, 0);
	child_is_ready(&c);
	child_stops_well(&c);
	testbed_stop(&t);
}

static void redis_goes_and_comes_back(void **state)
{
	struct bus_entry entry = {.pid = 0};
	struct child a, b;
	struct testbed t;

	(void)state;
	testbed_start(&t);
	child_start(&a, &t, "probe-a", NULL, NULL, NULL);
	child_start(&b, &t, "probe-b", NULL, NULL, NULL);
	child_says(&a, "came probe probe-b\n");
	child_says(&b, "came probe probe-a\n");
	testbed_kill(&t);
	assert_false(child_says_within(&a, "left", 4500)); /* longer than an entry lives */
	testbed_restart(&t, 0);
	assert_false(child_says_within(&a, "left", 5000));
	assert_int_equal(registered(&t, &entry), 2);
	testbed_kill(&t);
	child_stops_well(&a); /* without Redis, too */
	testbed_restart(&t, 0);
	child_says(&b, "left probe probe-a\n");
	child_stops_well(&b);
	testbed_stop(&t);
}

static void drain_has_an_end(void **state)
{
	struct child a, b;
	int64_t begin_ms;
	struct testbed t;

	(void)state;
	testbed_start(&t);
	child_start(&a, &t, "probe-a", "--never_drained=yes", "--drain_ms=700", NULL);
	child_start(&b, &t, "probe-b", "--never_drained=yes", "--drain_ms=1h", NULL);
	child_is_ready(&a);
	child_is_ready(&b);
	begin_ms = clock_mono_ms();
	child_stops_well(&a);
	assert_true(clock_mono_ms() - begin_ms >= 700);
	kill(b.pid, SIGTERM);
	child_says(&b, "drain\n");
	assert_false(child_says_within(&b, "stop\n", 500));
	child_stops_well(&b); /* the second signal */
	testbed_stop(&t);
}

static void loads_functions(void **state)
{
	struct store *store;
	struct arena *arena = arena_new(0);
	struct store_reply reply;
	struct testbed t;
	struct child c;
	struct err e;

	(void)state;
	testbed_start(&t);
	child_start(&c, &t, "probe-a", "--load-functions", NULL, NULL);
	assert_int_equal(child_ends(&c), 0);
	assert_int_equal(c.n, 0);
	store = store_new(&(struct store_options){.address = t.address, .call_ms = 5000});
	assert_int_equal(store_do(store, arena, &reply, &e, "FCALL probe_1_hello 0"), ERR_OK);
	assert_true(span_eq(reply.string, SPAN_LIT("hello")));
	store_free(&store);
	arena_free(&arena);
	testbed_stop(&t);
}

static void ends_with_the_right_status(void **state)
{
	struct testbed t;
	struct child c;

	(void)state;
	testbed_start(&t);
	child_start(&c, &t, "probe-a", "--wrong", "1", NULL);
	assert_int_equal(child_ends(&c), 2);
	child_start(&c, &t, "probe-a", "argument", NULL, NULL);
	assert_int_equal(child_ends(&c), 2);
	child_start(&c, &t, "probe-a", "--fails=yes", NULL, NULL);
	assert_int_equal(child_ends(&c), 1);
	child_start(&c, &t, "probe-a", "--check-config", NULL, NULL);
	assert_int_equal(child_ends(&c), 0);
	assert_string_equal(c.text, "probe: the configuration is good\n");
	testbed_stop(&t);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lives_and_leaves),
		cmocka_unit_test(finds_others_and_sees_them_go),
		cmocka_unit_test(waits_for_redis),
		cmocka_unit_test(redis_goes_and_comes_back),
		cmocka_unit_test(drain_has_an_end),
		cmocka_unit_test(loads_functions),
		cmocka_unit_test(ends_with_the_right_status),
	};

	if (argc > 1 && strcmp(argv[1], "--probe") == 0)
		return probe_main(argc - 1, argv + 1);
	if (!testbed_has_redis()) {
		puts("stage_test: skipped: no redis-server");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
