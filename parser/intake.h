/*
 * intake: where the parser meets the bus. Batches of raw messages become jobs of the pool, their results become facts for
 * the threader, failures become reports to the fetcher they came from; render requests are answered to their sender.
 */
#ifndef MW_PARSER_INTAKE_H
#define MW_PARSER_INTAKE_H

#include "common/stage/stage.h"

struct intake;

struct intake_conf {
	struct conf_common common;
	int64_t child_messages, child_timeout_ms;
};

enum intake_metric {
	INTAKE_RENDERS = METRIC_STAGE_COUNT, /* renders_total{want} */
	INTAKE_CHILD_ENDS, /* child_ends_total{reason} */
	INTAKE_LOST, /* spool_lost_total */
};

MUST_USE enum err_code intake_start(struct stage *stage, void **ctx_out, struct err *e);
void intake_batch(void *ctx, unsigned lane, const struct bus_item *items, size_t count);
void intake_bell(void *ctx, struct span from, struct bus_item item);
void intake_tick(void *ctx, int64_t now_ms);
void intake_drain(void *ctx);
bool intake_drained(void *ctx);
void intake_stop(void *ctx);
int intake_run(void *ctx);

#endif
