/*
 * pipeline: one chunk of commands until each has its reply or the deadline is over. A round sends what has no reply yet,
 * each command to the server of its slot, and reads the replies; what a server could not answer now goes into the next.
 */
#ifndef MW_STORE_PIPELINE_H
#define MW_STORE_PIPELINE_H

#include "common/metrics/metrics.h"
#include "common/store/nodes.h"

#define PIPELINE_COMMANDS_MAX 512u

/* Function sources, which a server that has lost them is given again. */
struct pipeline_libraries {
	struct span *sources;
	size_t count;
};

struct pipeline {
	struct nodes *nodes;
	const struct pipeline_libraries *libraries;
	struct metrics *metrics; /* may be NULL */
	const struct store_command *commands;
	size_t count; /* at most PIPELINE_COMMANDS_MAX */
	struct arena *arena;
	struct store_reply *replies;
	int64_t deadline_ms;
};

MUST_USE enum err_code pipeline_run(const struct pipeline *pipeline, struct err *e);

#endif
