/*
 * pool: jobs in, results out, through one sandboxed child with a spare one ready. Live jobs first, then renders, then
 * bulk. What the child was at when it died or hung is reported and not tried again; the rest of its batch is, in the next
 * child. Knows no bus: results go to callbacks.
 */
#ifndef MW_PARSER_POOL_H
#define MW_PARSER_POOL_H

#include "common/base/err.h"
#include "common/base/span.h"
#include "parser/request.h"

enum pool_class { POOL_LIVE = 0, POOL_RENDER, POOL_BULK, POOL_CLASSES };

enum pool_outcome {
	POOL_DONE,
	POOL_LOST, /* the bytes are no longer where they were: will be driven again */
	POOL_CRASHED,
	POOL_TIMED_OUT,
	POOL_TOO_LARGE,
};

struct pool_item {
	struct span body; /* n 0: in the spool */
	struct span spool;
	uint64_t offset, bytes, stamp;
	bool settled;
};

/* Made and freed by the caller (in `finished`); the pool borrows it between. */
struct pool_job {
	struct pool_job *next;
	enum pool_class class;
	uint32_t count;
	struct pool_item items[REQUEST_ITEMS_MAX];
	/* for POOL_RENDER, count 1 */
	enum request_want want;
	bool remote;
	uint64_t number, part_offset, part_limit;
	char part[64];
};

enum pool_death { POOL_DEATH_CRASHED = 0, POOL_DEATH_TIMED_OUT, POOL_DEATH_RECYCLED };

struct pool_options {
	const char *path; /* of the program to run with --child */
	int64_t messages; /* a child is replaced after so many */
	int64_t timeout_ms; /* for one message */
	void *ctx;
	/* Once for each item, in any order. Spans are shared with the child: copy first, then check. */
	void (*settled)(void *ctx, struct pool_job *job, uint32_t i, enum pool_outcome outcome,
			struct span frame, struct span body);
	void (*finished)(void *ctx, struct pool_job *job);
	void (*died)(void *ctx, enum pool_death death, int pid); /* may be NULL */
};

struct pool;

MUST_USE enum err_code pool_open(const struct pool_options *options, struct pool **pool_out,
				 struct err *e);
/* Jobs not finished are handed to `finished` as they are. */
void pool_close(struct pool **pool);
void pool_submit(struct pool *pool, struct pool_job *job);
/* Takes answers, watches the clock, starts and replaces children, sends the next job. Never blocks. */
void pool_turn(struct pool *pool, int64_t now_ms);
/* Readable when pool_turn has something to take; -1 if there is no child now. It changes with the child. */
int pool_fd(const struct pool *pool);
bool pool_idle(const struct pool *pool);
size_t pool_waiting(const struct pool *pool, enum pool_class class);

#endif
