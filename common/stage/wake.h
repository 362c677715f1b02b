/* wake: one descriptor that is readable when a signal to stop came or another thread has something. For this library alone. */
#ifndef MW_STAGE_WAKE_H
#define MW_STAGE_WAKE_H

#include "common/base/err.h"

#include <stdbool.h>

struct wake {
	int fd; /* epoll over the two: for poll */
	int event_fd; /* any thread writes */
	int signal_fd;
};

/* Blocks SIGTERM and SIGINT (call before any thread is made; a program that starts children unblocks them there), ignores
 * SIGPIPE and SIGHUP. */
MUST_USE enum err_code wake_open(struct wake *wake, struct err *e);
void wake_close(struct wake *wake);
/* Empties both; the number of signals that came, and the last one (0 none). */
unsigned wake_take(struct wake *wake, int *signal_out);
/* Waits up to timeout_ms. */
void wake_wait(const struct wake *wake, int timeout_ms);

#endif
