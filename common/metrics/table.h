/* table: what is counted, as metrics.c counts it and metrics_http.c shows it. For this library alone. */
#ifndef MW_METRICS_TABLE_H
#define MW_METRICS_TABLE_H

#include "common/base/buf.h"
#include "common/metrics/metrics.h"

#include <stdatomic.h>

/* Upper bounds of a histogram's buckets; one more bucket holds what is over the last. */
#define METRICS_BOUNDS 19
#define METRICS_TEXT_MAX (4u << 20)

/* One metric: values × width cells of the one array. A histogram's cells: its buckets, then the sum in microseconds. */
struct metrics_row {
	const struct metric_def *def;
	size_t first, values, width;
};

struct MHD_Daemon;

struct metrics {
	char stage[16], instance[64];
	struct metrics_row *rows;
	size_t row_count;
	_Atomic int64_t *cells;
	atomic_bool ready;
	struct MHD_Daemon *http; /* NULL until metrics_serve */
};

/* Appends the whole page in the text format 0.0.4. Any thread. */
void metrics_text(const struct metrics *m, struct buf *out);
/* Ends the server thread; waits for it. */
void metrics_http_stop(struct metrics *m);

#endif
