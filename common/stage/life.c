#include "common/stage/life.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <stdlib.h>
#include <unistd.h>

#define TURN_MS 100

/* The bus is opened before the program's state exists, so its handlers are found through the stage. */
static void on_batch(void *ctx, unsigned lane, const struct bus_item *items, size_t count)
{
	struct stage *stage = ctx;

	stage->def->bus.batch(stage->ctx, lane, items, count);
}

static void on_bell(void *ctx, struct span from, struct bus_item item)
{
	struct stage *stage = ctx;

	stage->def->bus.bell(stage->ctx, from, item);
}

static void on_peer(void *ctx, const char *name, const char *instance, bool here)
{
	struct stage *stage = ctx;

	log_event(LOG_LEVEL_DEBUG, here ? "peer_came" : "peer_left", "peer", "s", instance, NULL);
	if (stage->def->bus.peer)
		stage->def->bus.peer(stage->ctx, name, instance, here);
}

static void on_wanted(void *ctx, unsigned lane)
{
	struct stage *stage = ctx;

	stage->def->bus.wanted(stage->ctx, lane);
}

enum err_code life_bus_open(struct stage *stage, struct err *e)
{
	const struct stage_def *def = stage->def;
	struct bus_handlers handlers = {
		.ctx = stage,
		.batch = def->bus.batch ? on_batch : NULL,
		.bell = def->bus.bell ? on_bell : NULL,
		.peer = on_peer,
		.wanted = def->bus.wanted ? on_wanted : NULL,
	};
	struct bus_options options = {
		.stage = def->name,
		.instance = stage->instance,
		.mode = stage_common(stage)->bus,
		.dir = stage_common(stage)->dir,
		.giver_of = def->giver_of,
		.taker_of = def->taker_of,
	};

	return bus_open(&options, &handlers, &stage->bus, e);
}

/* s6 wants a line on the descriptor, then its end. */
static void ready_tell(const struct stage *stage)
{
	int fd = (int)stage_common(stage)->ready_fd;

	if (fd < 0)
		return;
	if (write(fd, "\n", 1) != 1)
		log_event(LOG_LEVEL_WARN, "ready_fd_failed", "fd", "d", (int64_t)fd, NULL);
	close(fd);
}

static void ready(struct stage *stage)
{
	stage->life = LIFE_READY;
	metrics_ready(stage->metrics, true);
	ready_tell(stage);
	log_event(LOG_LEVEL_INFO, "stage_ready", "after_ms", "d",
		  clock_mono_ms() - stage->started_ms, NULL);
}

static void drain(struct stage *stage, int signal)
{
	stage->life = LIFE_DRAINING;
	stage->drain_until_ms = clock_mono_ms() + stage_common(stage)->drain_ms;
	log_event(LOG_LEVEL_INFO, "stage_draining", "signal", "d", (int64_t)signal, NULL);
	metrics_ready(stage->metrics, false);
	heart_stop(&stage->heart);
	if (stage->def->drain)
		stage->def->drain(stage->ctx);
}

static void drain_check(struct stage *stage)
{
	stage->drained = !stage->def->drained || stage->def->drained(stage->ctx);
	if (stage->drained || clock_mono_ms() >= stage->drain_until_ms)
		stage->life = LIFE_STOPPING;
}

static void signals_take(struct stage *stage)
{
	int signal;
	unsigned signals = wake_take(&stage->wake, &signal);

	if (signals && stage->life < LIFE_DRAINING)
		drain(stage, signal);
	else if (signals)
		stage->life = LIFE_STOPPING;
}

static void peers_take(struct stage *stage)
{
	struct bus_entry *entries;
	size_t count;

	if (!stage->heart)
		return;
	heart_beat(stage->heart);
	if (heart_take(stage->heart, &entries, &count)) {
		bus_set_peers(stage->bus, entries, count);
		free(entries);
	}
	if (stage->life == LIFE_STARTING && heart_is_known(stage->heart))
		ready(stage);
}

void life_turn(struct stage *stage)
{
	signals_take(stage);
	peers_take(stage);
	if (stage->def->tick)
		stage->def->tick(stage->ctx, clock_mono_ms());
	bus_flush(stage->bus);
	if (stage->life == LIFE_DRAINING)
		drain_check(stage);
}

void life_run(struct stage *stage)
{
	while (stage->life != LIFE_STOPPING) {
		bus_wait(stage->bus, TURN_MS, stage->wake.fd);
		life_turn(stage);
	}
}

void stage_turn(struct stage *stage)
{
	while (bus_process(stage->bus))
		continue;
	life_turn(stage);
}

bool stage_stopping(const struct stage *stage)
{
	return stage->life == LIFE_STOPPING;
}
