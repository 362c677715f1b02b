/* Proves that the sandbox holds: a process in it can neither open, connect, start, trace nor map code; decoding works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "parser/charset_iconv.h"
#include "parser/sandbox.h"

/* Runs `probe` in a sandboxed process; its wait status. */
static int inside(int (*probe)(void))
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err e;
		if (sandbox_enter(&e) != ERR_OK)
			_exit(99);
		_exit(probe());
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int opens(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0 ? 1 : 2;
}

static int creates(void)
{
	return open("/tmp/parser-sandbox-test", O_WRONLY | O_CREAT, 0600) >= 0 ? 1 : 2;
}

static int connects(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 1 : 2;
}

static int connects_locally(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 1 : 2;
}

static int starts(void)
{
	return fork() >= 0 ? 1 : 2;
}

static int executes(void)
{
	char *argv[] = {(char *)"true", NULL};
	return execv("/bin/true", argv);
}

static int traces(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 1 : 2;
}

static int kills(void)
{
	return kill(getppid(), 0) == 0 ? 1 : 2;
}

static int maps_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
			       MAP_FAILED
		       ? 1
		       : 2;
}

static void forbidden_calls_kill(void **state)
{
	(void)state;
	static int (*const probes[])(void) = {opens,	creates, connects, connects_locally, starts,
					      executes, traces,	 kills,	   maps_code};
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		int status = inside(probes[i]);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
	assert_int_equal(access("/tmp/parser-sandbox-test", F_OK), -1);
}

static struct charset_set *converters;

static int decodes(void)
{
	struct buf out;
	buf_init(&out, 1 << 20);
	charset_decode(converters, charset_find(SPAN_LIT("iso-2022-jp")),
		       SPAN_LIT("\x1b$B$3$s\x1b(B"), &out);
	charset_decode(converters, charset_find(SPAN_LIT("koi8-r")), SPAN_LIT("\xf0"), &out);
	return span_eq(buf_span(&out), SPAN_LIT("\xe3\x81\x93\xe3\x82\x93\xd0\x9f")) ? 7 : 3;
}

static void decoding_works_inside(void **state)
{
	(void)state;
	converters = charset_iconv_open();
	int status = inside(decodes);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	charset_iconv_close(&converters);
}

#if !defined(__SANITIZE_ADDRESS__)
static int takes_memory(void)
{
	void *p = mmap(NULL, SANDBOX_MEMORY_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? 5 : 6;
}

static void memory_is_limited(void **state)
{
	(void)state;
	int status = inside(takes_memory);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 5);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_calls_kill),
		cmocka_unit_test(decoding_works_inside),
#if !defined(__SANITIZE_ADDRESS__)
		cmocka_unit_test(memory_is_limited),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
