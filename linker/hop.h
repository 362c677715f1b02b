/* hop: the linker on the bus: takes proposals, tells who waits for what came of them. The one file of this program that does. */
#ifndef MW_LINKER_HOP_H
#define MW_LINKER_HOP_H

#include "common/stage/stage.h"

struct hop_conf {
	struct conf_common common;
	int64_t sweep_ms;
};

enum hop_metric {
	HOP_METRIC_OUTCOMES = METRIC_STAGE_COUNT, /* label outcome: enum commit_status */
	HOP_METRIC_MERGES,
	HOP_METRIC_APPLIED,
	HOP_METRIC_WAITING,
};

enum err_code hop_start(struct stage *stage, void **ctx_out, struct err *e);
void hop_batch(void *ctx, unsigned lane, const struct bus_item *items, size_t count);
void hop_bell(void *ctx, struct span from, struct bus_item item);
void hop_tick(void *ctx, int64_t now_mono_ms);
void hop_drain(void *ctx);
bool hop_drained(void *ctx);
void hop_stop(void *ctx);

#endif
