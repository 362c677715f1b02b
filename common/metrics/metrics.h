/*
 * metrics: Prometheus text over HTTP on 127.0.0.1 (OPS-02): /metrics, /healthz (200 while the process lives) and
 * /readyz (200 while the process says it is ready). One table a program declares what it counts; `make check` holds the
 * manual page against it. Counting is a relaxed atomic add: any thread may count.
 * All counting functions take m NULL and then do nothing. An index outside the table aborts.
 */
#ifndef MW_METRICS_METRICS_H
#define MW_METRICS_METRICS_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/span.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_SECONDS /* histogram, 100 µs … 100 s */ };

struct metric_def {
	const char *name; /* without the prefix "mailweave_" */
	enum metric_type type;
	const char *help;
	const char *label; /* NULL: none; else the one label's name */
	const char *const *values; /* the label's fixed values, NULL-ended; NULL if label is NULL */
};

/* Every stage has these, label lane = live|bulk, so that one dashboard serves all (indices 0–9 of its table). */
enum metric_stage {
	METRIC_IN = 0, /* messages_in_total{lane} */
	METRIC_OUT, /* messages_out_total{lane} */
	METRIC_FAILED, /* messages_failed_total{lane} */
	METRIC_RETRIED, /* messages_retried_total{lane} */
	METRIC_IN_FLIGHT, /* messages_in_flight{lane} gauge */
	METRIC_SECONDS_PER_MESSAGE, /* message_seconds{lane} histogram */
	METRIC_QUEUE, /* queue_depth{lane} gauge */
	METRIC_OLDEST, /* oldest_seconds{lane} gauge */
	METRIC_REDIS_CALLS, /* redis_round_trips_total */
	METRIC_REDIS_ERRORS, /* redis_errors_total */
	METRIC_STAGE_COUNT, /* a program's own begin here */
};

struct metrics; /* opaque, one a process, handed to whoever counts */

/* own: the program's table after the common ones (may be NULL with count 0). labels: constant labels stage, instance. */
struct metrics *metrics_new(const char *stage, const char *instance, const struct metric_def *own,
			    size_t own_count);
void metrics_free(struct metrics **metrics);
/* metric: enum metric_stage or METRIC_STAGE_COUNT + index in own; value: index of the label's value, 0 without label. */
void metrics_add(struct metrics *m, unsigned metric, unsigned value, int64_t delta);
void metrics_set(struct metrics *m, unsigned metric, unsigned value, int64_t level);
void metrics_observe_us(struct metrics *m, unsigned metric, unsigned value, int64_t microseconds,
			int64_t times);
int64_t metrics_get(const struct metrics *m, unsigned metric,
		    unsigned value); /* histograms: the count */
void metrics_ready(struct metrics *m, bool ready);
/* Appends the whole page in the text format 0.0.4, for a program that serves it elsewhere too. Any thread. */
void metrics_text(const struct metrics *m, struct buf *out);
/* Serves from a thread of its own. port 0: any free one; *port_out says which. */
MUST_USE enum err_code metrics_serve(struct metrics *m, uint16_t port, uint16_t *port_out,
				     struct err *e);

#endif
