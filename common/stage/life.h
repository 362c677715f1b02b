/* life: what a stage is made of, and its turns. For this library alone. */
#ifndef MW_STAGE_LIFE_H
#define MW_STAGE_LIFE_H

#include "common/stage/heart.h"
#include "common/stage/stage.h"
#include "common/stage/wake.h"

/*
 *   STARTING ──entry written──▶ READY ──signal──▶ DRAINING ──drained, time over, second signal──▶ STOPPING
 *       └───────────────────────signal──────────────▲
 */
enum life { LIFE_STARTING, LIFE_READY, LIFE_DRAINING, LIFE_STOPPING };

struct stage {
	const struct stage_def *def;
	void *conf; /* def->conf_bytes, begins with struct conf_common */
	char instance[64];
	struct metrics *metrics;
	struct store *store; /* the program's */
	struct store *
		heart_store; /* with a short deadline; first for waiting for Redis, then the heart's */
	struct bus *bus;
	struct heart *heart;
	struct wake wake;
	void *ctx; /* what start gave */
	enum life life;
	int64_t started_ms, drain_until_ms;
	uint16_t metrics_port;
	bool drained; /* nothing was left in hand at the end */
};

static inline const struct conf_common *stage_common(const struct stage *stage)
{
	return stage->conf;
}

/* One turn after the waiting: signals, peers, tick, flush, and the steps of the drawing above. */
void life_turn(struct stage *stage);
/* Turns until STOPPING. */
void life_run(struct stage *stage);
/* Opens the bus with handlers that hand on to the program's. */
MUST_USE enum err_code life_bus_open(struct stage *stage, struct err *e);

#endif
