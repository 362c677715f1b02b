#include "parser/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FD_FLOOR 16 /* above the child's numbers, so that placing one does not overwrite another */

struct worker {
	pid_t pid;
	int control, in_fd, out_fd;
	uint8_t *in, *out;
	struct request_page *page;
	uint64_t spool_version[REQUEST_SPOOLS];
	uint64_t handled;
};

/* A memory file of fixed size, mapped. */
static uint8_t *region(const char *name, size_t bytes, int *fd_out)
{
	int low = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (low < 0)
		return NULL;
	int fd = fcntl(low, F_DUPFD_CLOEXEC, FD_FLOOR);
	close(low);
	*fd_out = fd;
	if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return NULL;
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

static bool sockets(int fds[2])
{
	int low[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, low) != 0)
		return false;
	for (int i = 0; i < 2; i++) {
		fds[i] = fcntl(low[i], F_DUPFD_CLOEXEC, FD_FLOOR);
		close(low[i]);
	}
	return fds[0] >= 0 && fds[1] >= 0;
}

/* A descriptor on the same memory that cannot be written. */
static int read_only(int fd)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int low = open(path, O_RDONLY | O_CLOEXEC);
	if (low < 0)
		return -1;
	int high = fcntl(low, F_DUPFD_CLOEXEC, FD_FLOOR);
	close(low);
	return high;
}

static int spawn(const char *path, int control, int in_fd, int out_fd, pid_t *pid_out)
{
	char *argv[] = {(char *)"parser", (char *)"--child", NULL};
	char *env[] = {(char *)"LC_ALL=C", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&attr) != 0)
		return ENOMEM;
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_adddup2(&actions, control, REQUEST_FD_CONTROL);
	posix_spawn_file_actions_adddup2(&actions, in_fd, REQUEST_FD_IN);
	posix_spawn_file_actions_adddup2(&actions, out_fd, REQUEST_FD_OUT);
	int rc = posix_spawn(pid_out, path, &actions, &attr, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return rc;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

enum err_code worker_start(const char *path, struct worker **worker_out, struct err *e)
{
	struct worker *w = calloc(1, sizeof(*w));
	int pair[2] = {-1, -1}, in_ro = -1, rc = EMFILE;
	if (!w)
		abort();
	w->control = w->in_fd = w->out_fd = -1;
	w->in = region("parser-in", REQUEST_IN_BYTES, &w->in_fd);
	w->out = region("parser-out", REQUEST_OUT_BYTES, &w->out_fd);
	if (w->in && w->out && sockets(pair) && (in_ro = read_only(w->in_fd)) >= 0)
		rc = spawn(path, pair[1], in_ro, w->out_fd, &w->pid);
	close_fd(in_ro);
	close_fd(pair[1]);
	w->control = pair[0];
	w->page = (struct request_page *)(void *)w->out;
	if (rc != 0) {
		worker_stop(&w);
		return err_set(e, ERR_TEMP, ERR_PROCESS, "child_not_started", "cannot start %s: %s",
			       path, strerror(rc));
	}
	atomic_store(&w->page->at, REQUEST_ITEMS_MAX);
	*worker_out = w;
	return ERR_OK;
}

void worker_stop(struct worker **worker)
{
	struct worker *w = *worker;
	if (!w)
		return;
	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (w->in)
		munmap(w->in, REQUEST_IN_BYTES);
	if (w->out)
		munmap(w->out, REQUEST_OUT_BYTES);
	close_fd(w->control);
	close_fd(w->in_fd);
	close_fd(w->out_fd);
	free(w);
	*worker = NULL;
}

int worker_fd(const struct worker *w)
{
	return w->control;
}

int worker_pid(const struct worker *w)
{
	return (int)w->pid;
}

uint64_t worker_handled(const struct worker *w)
{
	return w->handled;
}

uint8_t *worker_in(struct worker *w)
{
	return w->in;
}

/* Descriptors of the slots that changed since this child was told. */
static unsigned new_spools(struct worker *w, struct request *r, const struct spool_cache *spools,
			   int *fds)
{
	unsigned n = 0;
	r->spool_new = 0;
	for (unsigned i = 0; i < REQUEST_SPOOLS; i++) {
		const struct spool_slot *slot = &spools->slots[i];
		if (slot->fd < 0 || slot->version == w->spool_version[i])
			continue;
		r->spool_new |= 1u << i;
		r->spool_bytes[i] = slot->bytes;
		w->spool_version[i] = slot->version;
		fds[n++] = slot->fd;
	}
	return n;
}

bool worker_send(struct worker *w, struct request *r, const struct spool_cache *spools)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(REQUEST_SPOOLS * sizeof(int))];
	} control = {0};
	int fds[REQUEST_SPOOLS];
	unsigned n = new_spools(w, r, spools, fds);
	struct iovec iov = {r, offsetof(struct request, items) + r->count * sizeof(r->items[0])};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (n > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cm), fds, n * sizeof(int));
	}
	memset(w->page->results, 0, r->count * sizeof(w->page->results[0]));
	atomic_store(&w->page->at, REQUEST_ITEMS_MAX);
	w->handled += r->count;
	ssize_t sent;
	do
		sent = sendmsg(w->control, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)iov.iov_len;
}

enum worker_state worker_poll(struct worker *w)
{
	struct reply reply;
	ssize_t n = recv(w->control, &reply, sizeof(reply), MSG_DONTWAIT);
	if (n == (ssize_t)sizeof(reply))
		return WORKER_ANSWERED;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return WORKER_WORKING;
	return WORKER_DEAD;
}

uint32_t worker_at(const struct worker *w)
{
	return atomic_load(&w->page->at);
}

static bool inside(uint64_t offset, uint64_t bytes)
{
	return offset <= REQUEST_OUT_BYTES && bytes <= REQUEST_OUT_BYTES - offset;
}

enum request_status worker_result(const struct worker *w, uint32_t i, struct span *frame_out,
				  struct span *body_out)
{
	struct request_result r;
	memcpy(&r, (const void *)&w->page->results[i], sizeof(r));
	*frame_out = *body_out = (struct span){0};
	if (r.status != REQUEST_DONE)
		return r.status > REQUEST_TOO_LARGE ? REQUEST_NOTHING
						    : (enum request_status)r.status;
	if (!inside(r.frame_offset, r.frame_bytes) || !inside(r.body_offset, r.body_bytes))
		return REQUEST_NOTHING;
	*frame_out = (struct span){w->out + r.frame_offset, r.frame_bytes};
	*body_out = (struct span){w->out + r.body_offset, r.body_bytes};
	return REQUEST_DONE;
}

void worker_trim(struct worker *w)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	/* Not giving memory back is no error. */
	if (fallocate(w->in_fd, mode, 0, REQUEST_IN_BYTES) != 0)
		return;
	if (fallocate(w->out_fd, mode, REQUEST_PAGE_BYTES,
		      REQUEST_OUT_BYTES - REQUEST_PAGE_BYTES) != 0)
		return;
}
