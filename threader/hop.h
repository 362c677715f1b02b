/* hop: the threader on the bus: takes facts, gives proposals, hears bells. The one file of this program that does. */
#ifndef MW_THREADER_HOP_H
#define MW_THREADER_HOP_H

#include "common/stage/stage.h"

struct hop_conf {
	struct conf_common common;
	int64_t sweep_ms;
};

enum hop_metric { HOP_METRIC_MOVED = METRIC_STAGE_COUNT, HOP_METRIC_DERIVED };

enum err_code hop_start(struct stage *stage, void **ctx_out, struct err *e);
void hop_batch(void *ctx, unsigned lane, const struct bus_item *items, size_t count);
void hop_bell(void *ctx, struct span from, struct bus_item item);
void hop_wanted(void *ctx, unsigned lane);
void hop_tick(void *ctx, int64_t now_mono_ms);
bool hop_drained(void *ctx);
void hop_stop(void *ctx);

#endif
