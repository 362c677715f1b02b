#include "common/stage/wake.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

static bool watch(const struct wake *wake, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	event.data.fd = fd;
	return epoll_ctl(wake->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

enum err_code wake_open(struct wake *wake, struct err *e)
{
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGHUP, SIG_IGN) == SIG_ERR ||
	    sigprocmask(SIG_BLOCK, &stop, NULL) != 0)
		return err_set(e, ERR_TEMP, ERR_PROCESS, "signals", "cannot set signals: %s",
			       strerror(errno));
	wake->fd = epoll_create1(EPOLL_CLOEXEC);
	wake->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	wake->signal_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	if (wake->fd < 0 || wake->event_fd < 0 || wake->signal_fd < 0 ||
	    !watch(wake, wake->event_fd) || !watch(wake, wake->signal_fd))
		return err_set(e, ERR_TEMP, ERR_PROCESS, "signals", "no descriptor for signals: %s",
			       strerror(errno));
	return ERR_OK;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void wake_close(struct wake *wake)
{
	shut(&wake->fd);
	shut(&wake->event_fd);
	shut(&wake->signal_fd);
}

unsigned wake_take(struct wake *wake, int *signal_out)
{
	struct signalfd_siginfo info;
	unsigned signals = 0;
	uint64_t raised;

	*signal_out = 0;
	while (read(wake->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		*signal_out = (int)info.ssi_signo;
		signals++;
	}
	while (read(wake->event_fd, &raised, sizeof(raised)) == (ssize_t)sizeof(raised))
		continue;
	return signals;
}

void wake_wait(const struct wake *wake, int timeout_ms)
{
	struct pollfd readable = {.fd = wake->fd, .events = POLLIN};

	if (poll(&readable, 1, timeout_ms) < 0)
		return; /* interrupted: the caller looks anyway */
}
