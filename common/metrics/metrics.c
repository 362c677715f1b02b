#include "common/metrics/table.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const lanes[] = {"live", "bulk", NULL};

/* In the order of enum metric_stage. */
static const struct metric_def stage_defs[METRIC_STAGE_COUNT] = {
	[METRIC_IN] = {"messages_in_total", METRIC_COUNTER, "Messages taken in.", "lane", lanes},
	[METRIC_OUT] = {"messages_out_total", METRIC_COUNTER, "Messages finished and handed on.",
			"lane", lanes},
	[METRIC_FAILED] = {"messages_failed_total", METRIC_COUNTER,
			   "Messages this program failed at.", "lane", lanes},
	[METRIC_RETRIED] = {"messages_retried_total", METRIC_COUNTER, "Messages tried again.",
			    "lane", lanes},
	[METRIC_IN_FLIGHT] = {"messages_in_flight", METRIC_GAUGE, "Messages in hand now.", "lane",
			      lanes},
	[METRIC_SECONDS_PER_MESSAGE] = {"message_seconds", METRIC_SECONDS,
					"Time a message took here.", "lane", lanes},
	[METRIC_QUEUE] = {"queue_depth", METRIC_GAUGE, "Messages waiting here.", "lane", lanes},
	[METRIC_OLDEST] = {"oldest_seconds", METRIC_GAUGE,
			   "Age of the oldest message waiting here.", "lane", lanes},
	[METRIC_REDIS_CALLS] = {"redis_round_trips_total", METRIC_COUNTER, "Round trips to Redis.",
				NULL, NULL},
	[METRIC_REDIS_ERRORS] = {"redis_errors_total", METRIC_COUNTER,
				 "Calls of Redis that failed.", NULL, NULL},
};

/* 100 µs to 100 s, in microseconds. */
static const int64_t bounds_us[METRICS_BOUNDS] = {
	100,	250,	500,	 1000,	  2500,	   5000,     10000,    25000,	 50000,	    100000,
	250000, 500000, 1000000, 2500000, 5000000, 10000000, 25000000, 50000000, 100000000,
};

static size_t row_place(struct metrics_row *row, const struct metric_def *def, size_t first)
{
	row->def = def;
	row->first = first;
	row->values = def->label ? 0 : 1;
	while (def->label && def->values[row->values])
		row->values++;
	row->width = def->type == METRIC_SECONDS ? METRICS_BOUNDS + 2 : 1;
	return first + row->values * row->width;
}

struct metrics *metrics_new(const char *stage, const char *instance, const struct metric_def *own,
			    size_t own_count)
{
	struct metrics *m = calloc(1, sizeof(*m));
	size_t cells = 0;

	if (!m)
		abort();
	snprintf(m->stage, sizeof(m->stage), "%s", stage);
	snprintf(m->instance, sizeof(m->instance), "%s", instance);
	m->row_count = METRIC_STAGE_COUNT + own_count;
	m->rows = calloc(m->row_count, sizeof(*m->rows));
	if (!m->rows)
		abort();
	for (size_t i = 0; i < METRIC_STAGE_COUNT; i++)
		cells = row_place(&m->rows[i], &stage_defs[i], cells);
	for (size_t i = 0; i < own_count; i++)
		cells = row_place(&m->rows[METRIC_STAGE_COUNT + i], &own[i], cells);
	m->cells = calloc(cells, sizeof(*m->cells));
	if (!m->cells)
		abort();
	return m;
}

void metrics_free(struct metrics **metrics)
{
	struct metrics *m = *metrics;

	if (!m)
		return;
	metrics_http_stop(m);
	free(m->rows);
	free(m->cells);
	free(m);
	*metrics = NULL;
}

/* An index outside the table is our own bug. */
static _Atomic int64_t *cell(const struct metrics *m, unsigned metric, unsigned value,
			     bool histogram)
{
	const struct metrics_row *row;

	if (metric >= m->row_count)
		abort();
	row = &m->rows[metric];
	if (value >= row->values || (row->def->type == METRIC_SECONDS) != histogram)
		abort();
	return &m->cells[row->first + value * row->width];
}

static void cell_add(_Atomic int64_t *c, int64_t delta)
{
	atomic_fetch_add_explicit(c, delta, memory_order_relaxed);
}

static int64_t cell_get(const _Atomic int64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

void metrics_add(struct metrics *m, unsigned metric, unsigned value, int64_t delta)
{
	if (m)
		cell_add(cell(m, metric, value, false), delta);
}

void metrics_set(struct metrics *m, unsigned metric, unsigned value, int64_t level)
{
	if (m)
		atomic_store_explicit(cell(m, metric, value, false), level, memory_order_relaxed);
}

void metrics_observe_us(struct metrics *m, unsigned metric, unsigned value, int64_t microseconds,
			int64_t times)
{
	_Atomic int64_t *c;
	size_t bucket = 0;

	if (!m)
		return;
	c = cell(m, metric, value, true);
	while (bucket < METRICS_BOUNDS && microseconds > bounds_us[bucket])
		bucket++;
	cell_add(c + bucket, times);
	cell_add(c + METRICS_BOUNDS + 1, microseconds * times);
}

int64_t metrics_get(const struct metrics *m, unsigned metric, unsigned value)
{
	const _Atomic int64_t *c;
	int64_t count = 0;

	if (!m)
		return 0;
	if (metric >= m->row_count || m->rows[metric].def->type != METRIC_SECONDS)
		return cell_get(cell(m, metric, value, false));
	c = cell(m, metric, value, true);
	for (size_t i = 0; i <= METRICS_BOUNDS; i++)
		count += cell_get(c + i);
	return count;
}

void metrics_ready(struct metrics *m, bool ready)
{
	if (m)
		atomic_store(&m->ready, ready);
}

static void put_quoted(struct buf *out, const char *s)
{
	buf_put_byte(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\' || *s == '\n')
			buf_put_byte(out, '\\');
		buf_put_byte(out, *s == '\n' ? 'n' : (uint8_t)*s);
	}
	buf_put_byte(out, '"');
}

/* mailweave_<name><suffix>{stage="…",instance="…"[,label="…"][,le="…"]} and a blank */
static void put_series(const struct metrics *m, const struct metrics_row *row, const char *suffix,
		       size_t value, const char *le, struct buf *out)
{
	buf_printf(out, "mailweave_%s%s{stage=", row->def->name, suffix);
	put_quoted(out, m->stage);
	buf_put_cstr(out, ",instance=");
	put_quoted(out, m->instance);
	if (row->def->label) {
		buf_printf(out, ",%s=", row->def->label);
		put_quoted(out, row->def->values[value]);
	}
	if (le)
		buf_printf(out, ",le=\"%s\"", le);
	buf_put_cstr(out, "} ");
}

static void put_histogram(const struct metrics *m, const struct metrics_row *row, size_t value,
			  struct buf *out)
{
	const _Atomic int64_t *c = &m->cells[row->first + value * row->width];
	int64_t count = 0;
	char le[32];

	for (size_t i = 0; i <= METRICS_BOUNDS; i++) {
		count += cell_get(c + i);
		snprintf(le, sizeof(le), "%g",
			 i < METRICS_BOUNDS ? (double)bounds_us[i] / 1e6 : 0.0);
		put_series(m, row, "_bucket", value, i < METRICS_BOUNDS ? le : "+Inf", out);
		buf_printf(out, "%lld\n", (long long)count);
	}
	put_series(m, row, "_sum", value, NULL, out);
	buf_printf(out, "%.6f\n", (double)cell_get(c + METRICS_BOUNDS + 1) / 1e6);
	put_series(m, row, "_count", value, NULL, out);
	buf_printf(out, "%lld\n", (long long)count);
}

static void put_row(const struct metrics *m, const struct metrics_row *row, struct buf *out)
{
	static const char *const types[] = {[METRIC_COUNTER] = "counter",
					    [METRIC_GAUGE] = "gauge",
					    [METRIC_SECONDS] = "histogram"};

	buf_printf(out, "# HELP mailweave_%s %s\n", row->def->name, row->def->help);
	buf_printf(out, "# TYPE mailweave_%s %s\n", row->def->name, types[row->def->type]);
	for (size_t value = 0; value < row->values; value++) {
		if (row->def->type == METRIC_SECONDS) {
			put_histogram(m, row, value, out);
			continue;
		}
		put_series(m, row, "", value, NULL, out);
		buf_printf(out, "%lld\n", (long long)cell_get(&m->cells[row->first + value]));
	}
}

void metrics_text(const struct metrics *m, struct buf *out)
{
	for (size_t i = 0; i < m->row_count; i++)
		put_row(m, &m->rows[i], out);
}
