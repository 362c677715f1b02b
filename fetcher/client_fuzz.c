/* The whole client survives any server: libFuzzer target. The first octet chooses the account, the rest is what its mail
 * servers say. Whatever they say, the process can be drained afterwards. */
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/account.h"
#include "fetcher/client_testbed.h"
#include "fetcher/hop.h"

#define QUIET_TURNS 24 /* without a read before the run is over */
#define TURNS_MAX 3000
#define DRAIN_TURNS 400
#define TURN_MS 60
#define WAIT_MS 4000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The process, as stage.h has it. */
struct stage {
	struct fetcher *fetcher;
	uint64_t reads;
	unsigned quiet, turns, draining;
	bool stopping;
};

static const struct fetcher_conf conf = {
	.common = {.dir = "/tmp", .blob_dir = "", .keys_dir = "", .bus = "ipc"},
	.poll_ms = 30000,
	.window_messages = 8,
	.window_bytes = 128 << 10,
	.connect_ms = 60000,
	.lease_ms = 10000,
	.idle_ms = 540000,
	.login_retry_ms = 1200000,
	.max_message_bytes = 96 << 10,
	.silence_ms = 60000,
	.coverage_ms = 86400000,
	.connections = {5, 5, 5},
	.crowded_ms = 600000,
	.day_percent = 75,
	.compress = true,
};

const void *stage_conf(const struct stage *stage)
{
	(void)stage;
	return &conf;
}

const char *stage_instance(const struct stage *stage)
{
	(void)stage;
	return "fetcher-fuzz";
}

struct metrics *stage_metrics(struct stage *stage)
{
	(void)stage;
	return NULL;
}

struct bus *stage_bus(struct stage *stage)
{
	(void)stage;
	return NULL;
}

struct store *stage_store_new(struct stage *stage)
{
	(void)stage;
	return NULL;
}

bool stage_stopping(const struct stage *stage)
{
	return stage->stopping;
}

static void live(struct stage *stage)
{
	if (script_reads() != stage->reads) {
		stage->reads = script_reads();
		stage->quiet = 0;
		return;
	}
	stage->quiet++;
	server_skip(stage->quiet % 8 == 0);
	if (stage->quiet % 4 == 0)
		world_pass(WAIT_MS);
	if ((script_ended() && stage->quiet > QUIET_TURNS / 2) || stage->quiet > QUIET_TURNS ||
	    stage->turns > TURNS_MAX) {
		fetcher_drain(stage->fetcher);
		stage->draining = 1;
	}
}

static void drain(struct stage *stage)
{
	stage->stopping = fetcher_drained(stage->fetcher);
	if (++stage->draining > DRAIN_TURNS)
		abort(); /* something is never done */
}

/* One turn of the process, called whenever the bus's descriptor is ready: always. */
void stage_turn(struct stage *stage)
{
	if (stage->stopping)
		return;
	world_pass(TURN_MS);
	stage->turns++;
	server_turn();
	world_turn();
	fetcher_tick(stage->fetcher, clock_mono_ms());
	if (stage->draining)
		drain(stage);
	else
		live(stage);
	if (stage->stopping)
		uv_stop(&stage->fetcher->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stage stage = {0};
	void *ctx = NULL;
	struct err e;

	log_open("fetcher-fuzz", LOG_LEVEL_ERROR);
	script_begin(span_make(data, size));
	world_begin(script_take());
	if (fetcher_start(&stage, &ctx, &e) != ERR_OK)
		abort();
	stage.fetcher = ctx;
	(void)fetcher_run(ctx);
	fetcher_stop(ctx);
	world_end();
	return 0;
}
