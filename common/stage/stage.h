/*
 * stage: the life of a process. start → ready → (drain) → stop, with heartbeat.
 *
 *   int main(int argc, char **argv)
 *   {
 *           static const struct stage_def def = {.name = "threader", .purpose = "…", .settings = …, …};
 *           return stage_main(&def, argc, argv);
 *   }
 *
 * stage_main loads the configuration (conf.h), opens log, metrics, store and bus, calls start, publishes itself in the
 * registry, writes a line to the descriptor of --ready-fd (s6's readiness) and turns the loop: bus_wait, then tick. On
 * SIGTERM or SIGINT it leaves the registry, calls drain once, goes on turning until `drained` says so or drain_ms passed,
 * calls stop and returns 0. SIGHUP reopens nothing (logs go to stderr). A lost parent does not stop it.
 * A program with a loop of its own (libuv) sets `run`: it then calls stage_turn often (at least every 100 ms, and when
 * bus_fd is readable) and leaves when stage_stopping says so.
 *
 * Redis need not be there: before `start` the process waits for it, as long as it takes; while it is away later, the peers
 * stay connected as they were. The registry has a thread of its own, so Redis never stops the loop; a loop that has not
 * turned for 30 s is no longer announced. A second signal cuts the drain short. `<program> --load-functions` loads the Lua
 * library and ends. Status: 0 stopped by a signal, 1 cannot run, 2 wrong settings or arguments.
 *
 * SIGTERM and SIGINT are blocked (they come by descriptor) and SIGPIPE and SIGHUP ignored in every thread: a program that
 * execs children sets both back there. The process is not dumpable, leaves no core, umask 027, descriptors up to the hard
 * limit. Nothing credits the bus for the program: `start` calls bus_credit for each lane it takes.
 */
#ifndef MW_STAGE_STAGE_H
#define MW_STAGE_STAGE_H

#include "common/base/err.h"
#include "common/bus/bus.h"
#include "common/conf/conf.h"
#include "common/metrics/metrics.h"
#include "common/store/store.h"

struct stage; /* what the library hands to the program's callbacks */

struct stage_def {
	const char *name; /* "fetcher" */
	const char *purpose; /* one sentence for --help */
	const struct conf_setting *settings; /* own, ended by a NULL name; may be NULL */
	size_t conf_bytes; /* of the program's conf struct, which begins with struct conf_common */
	const struct metric_def *metrics;
	size_t metric_count;
	const char *giver_of, *taker_of; /* hops, see bus.h */
	/* Source of the program's Lua library, or NULL: given to the store, which loads it when the server lacks it. */
	const char *functions;
	struct bus_handlers bus; /* ctx is replaced by what start gave */

	/* Makes the program's own state. ERR_OK or the process ends with the error; stop is then not called. */
	enum err_code (*start)(struct stage *stage, void **ctx_out, struct err *e);
	/* Every turn, at least every 100 ms; the bus is flushed behind it. May be NULL, as all that follow. */
	void (*tick)(void *ctx, int64_t now_mono_ms);
	void (*drain)(void *ctx); /* stop taking new work */
	bool (*drained)(void *ctx); /* nothing in hand any more; NULL: never anything */
	void (*stop)(void *ctx); /* free everything */
	int (*run)(void *ctx); /* own loop; gives the exit status */
	/* Called before all else with main's arguments: runs a special form of the program (parser --child) and returns
	 * its exit status, or -1 to go on as a stage. Arguments that are not options are then an error. */
	int (*command)(int argc, char **argv);
};

int stage_main(const struct stage_def *def, int argc, char **argv);

const void *stage_conf(const struct stage *stage); /* the program's conf struct */
const char *stage_instance(const struct stage *stage);
struct store *stage_store(struct stage *stage);
struct bus *stage_bus(struct stage *stage);
struct metrics *stage_metrics(struct stage *stage);
/* One more store connection with the same options, for another thread. The caller frees it. */
struct store *stage_store_new(struct stage *stage);

/* For `run`: heartbeat, registry, bus_process, tick. */
void stage_turn(struct stage *stage);
bool stage_stopping(const struct stage *stage);

#endif
