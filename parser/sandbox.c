#include "parser/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define FILES_MAX 16

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static bool limit(int resource, rlim_t value)
{
	struct rlimit r = {value, value};
	return setrlimit((__rlimit_resource_t)resource, &r) == 0;
}

static bool set_limits(void)
{
	return limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_NOFILE, FILES_MAX) &&
	       limit(RLIMIT_NPROC, 0) &&
	       (SANITIZED || (limit(RLIMIT_DATA, SANDBOX_MEMORY_BYTES) &&
			      limit(RLIMIT_AS, SANDBOX_ADDRESS_BYTES)));
}

static int allow(scmp_filter_ctx filter, int call)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
}

/* Memory may be had, but none that can be run. */
static int allow_memory(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec);
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec);
	return rc;
}

static int load_filter(void)
{
	static const int calls[] = {
		SCMP_SYS(read),		 SCMP_SYS(write),	 SCMP_SYS(recvmsg),
		SCMP_SYS(sendmsg),	 SCMP_SYS(munmap),	 SCMP_SYS(mremap),
		SCMP_SYS(brk),		 SCMP_SYS(madvise),	 SCMP_SYS(futex),
		SCMP_SYS(close),	 SCMP_SYS(exit),	 SCMP_SYS(exit_group),
		SCMP_SYS(gettid),	 SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
		SCMP_SYS(rt_sigaction),	 SCMP_SYS(getpid),	 SCMP_SYS(tgkill),
		SCMP_SYS(clock_gettime), SCMP_SYS(getrandom),	 SCMP_SYS(sched_yield),
		SCMP_SYS(sigaltstack),
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return -ENOMEM;
	int rc = allow_memory(filter);
	for (size_t i = 0; rc == 0 && i < sizeof(calls) / sizeof(calls[0]); i++)
		rc = allow(filter, calls[i]);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc;
}

enum err_code sandbox_enter(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_set(e, ERR_PERM, ERR_PROCESS, "sandbox_refused", "prctl: %s",
			       strerror(errno));
	if (!set_limits())
		return err_set(e, ERR_PERM, ERR_PROCESS, "sandbox_refused", "setrlimit: %s",
			       strerror(errno));
	int rc = load_filter();
	if (rc != 0)
		return err_set(e, ERR_PERM, ERR_PROCESS, "sandbox_refused", "seccomp: %s",
			       strerror(-rc));
	return ERR_OK;
}
