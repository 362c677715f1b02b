#include "common/store/store_testbed.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void sleep_ms(int ms)
{
	nanosleep(&(struct timespec){ms / 1000, (ms % 1000) * 1000000L}, NULL);
}

bool testbed_has_redis(void)
{
	return access("/usr/bin/redis-server", X_OK) == 0 ||
	       access("/usr/local/bin/redis-server", X_OK) == 0;
}

static void make_dir(struct testbed *t)
{
	memset(t, 0, sizeof(*t));
	snprintf(t->dir, sizeof(t->dir), "/tmp/store-test-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	snprintf(t->address, sizeof(t->address), "unix:%s/r.sock", t->dir);
}

static void exec_redis(const struct testbed *t)
{
	char port[8], socket_path[96];
	int null = open("/dev/null", O_RDWR);

	snprintf(port, sizeof(port), "%u", (unsigned)t->port);
	snprintf(socket_path, sizeof(socket_path), "%s/r.sock", t->dir);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1",
	       "--unixsocket", socket_path, "--dir", t->dir, "--save", "", "--appendonly", "yes",
	       "--appendfsync", "no", "--enable-debug-command", "local", "--cluster-enabled",
	       t->port ? "yes" : "no", "--cluster-require-full-coverage", "no", (char *)NULL);
	_exit(127);
}

void testbed_restart(struct testbed *t, int delay_ms)
{
	t->pid = fork();
	assert_true(t->pid >= 0);
	if (t->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sleep_ms(delay_ms);
		exec_redis(t);
	}
}

static void wait_until_it_answers(struct testbed *t)
{
	struct store *store =
		store_new(&(struct store_options){.address = t->address, .call_ms = 10000});
	struct arena *arena = arena_new(0);
	struct store_reply reply;
	struct err e = {0};

	if (store_do(store, arena, &reply, &e, "PING") != ERR_OK)
		fail_msg("redis-server does not start: %s", e.text);
	arena_free(&arena);
	store_free(&store);
}

void testbed_start(struct testbed *t)
{
	make_dir(t);
	testbed_restart(t, 0);
	wait_until_it_answers(t);
}

static uint16_t free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	uint16_t port = 0;

	do { /* the cluster bus listens 10,000 higher */
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		a.sin_port = 0;
		assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
		assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
		port = ntohs(a.sin_port);
		close(fd);
	} while (port > 55000);
	return port;
}

void testbed_start_cluster_node(struct testbed *t)
{
	make_dir(t);
	t->port = free_port();
	snprintf(t->address, sizeof(t->address), "tcp:127.0.0.1:%u", (unsigned)t->port);
	testbed_restart(t, 0);
	wait_until_it_answers(t);
}

void testbed_kill(struct testbed *t)
{
	if (t->pid <= 0)
		return;
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	t->pid = 0;
}

void testbed_stop(struct testbed *t)
{
	pid_t pid;

	testbed_kill(t);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", t->dir, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

/* One command as a line of its first two words; false at the end of the connection. */
static bool read_command(FILE *in, char words[2][32])
{
	int count = 0;

	words[0][0] = words[1][0] = '\0';
	if (fscanf(in, "*%d\r\n", &count) != 1)
		return false;
	for (int i = 0; i < count; i++) {
		unsigned n = 0;
		char *bytes;

		if (fscanf(in, "$%u", &n) != 1 || fgetc(in) != '\r' || fgetc(in) != '\n')
			return false;
		bytes = calloc(1, n + 2);
		if (fread(bytes, 1, n + 2, in) != n + 2)
			return false;
		bytes[n] = '\0';
		if (i < 2)
			snprintf(words[i], sizeof(words[i]), "%.31s", bytes);
		free(bytes);
	}
	return true;
}

static void serve_script(int listener, const char *const *script)
{
	size_t at = 0;

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		FILE *in = fdopen(fd, "r");
		char words[2][32];

		while (read_command(in, words)) {
			const char *reply = "+OK\r\n";

			if (strcmp(words[0], "CLIENT") != 0 && script[at] != NULL &&
			    strcmp(script[at], "end") == 0)
				reply = "+OK\r\n";
			else if (strcmp(words[0], "CLIENT") != 0)
				reply = script[at++];
			if (!reply)
				break;
			if (write(fd, reply, strlen(reply)) < 0)
				break;
		}
		fclose(in);
	}
}

void testbed_start_scripted(struct testbed *t, const char *const *script)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int listener;

	make_dir(t);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/r.sock", t->dir);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 16), 0);
	t->pid = fork();
	if (t->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		serve_script(listener, script);
		_exit(0);
	}
	close(listener);
}
