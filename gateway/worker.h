/* worker: threads that run jobs, each with a store of its own. */
#ifndef MW_GATEWAY_WORKER_H
#define MW_GATEWAY_WORKER_H

#include "common/base/err.h"
#include "common/stage/stage.h"

struct worker_pool;

/* Embedded in what the job is about. It belongs to the pool from worker_pool_put until run is called. */
struct worker_job {
	struct worker_job *next;
	void (*run)(struct worker_job *job, struct store *store);
};

struct worker_pool *worker_pool_new(struct stage *stage, size_t threads, size_t queue_max);
/* Any thread; never blocks. False: the queue is full, the job was not taken. */
bool worker_pool_put(struct worker_pool *pool, struct worker_job *job);
/* Jobs waiting or running. */
size_t worker_pool_busy(struct worker_pool *pool);
/* Runs what is queued, then joins the threads; from then on put takes nothing. */
void worker_pool_stop(struct worker_pool *pool);
/* Stopped before. */
void worker_pool_free(struct worker_pool **pool);

#endif
