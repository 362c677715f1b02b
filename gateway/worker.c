#include "gateway/worker.h"

#include <pthread.h>
#include <stdlib.h>

struct worker {
	struct worker_pool *pool;
	struct store *store;
	pthread_t thread;
};

struct worker_pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct worker_job *first, *last;
	size_t queued, running, queue_max, count;
	bool stopping;
	struct worker workers[];
};

static struct worker_job *job_take(struct worker_pool *pool)
{
	struct worker_job *job;

	pthread_mutex_lock(&pool->lock);
	while (!pool->first && !pool->stopping)
		pthread_cond_wait(&pool->work, &pool->lock);
	job = pool->first;
	if (job) {
		pool->first = job->next;
		if (!pool->first)
			pool->last = NULL;
		pool->queued--;
		pool->running++;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void *worker_main(void *ctx)
{
	struct worker *worker = ctx;
	struct worker_pool *pool = worker->pool;
	struct worker_job *job;

	while ((job = job_take(pool))) {
		job->run(job, worker->store);
		pthread_mutex_lock(&pool->lock);
		pool->running--;
		pthread_mutex_unlock(&pool->lock);
	}
	return NULL;
}

struct worker_pool *worker_pool_new(struct stage *stage, size_t threads, size_t queue_max)
{
	struct worker_pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(struct worker));

	if (!pool)
		abort();
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pool->queue_max = queue_max;
	pool->count = threads;
	for (size_t i = 0; i < threads; i++) {
		pool->workers[i].pool = pool;
		pool->workers[i].store = stage_store_new(stage);
		if (pthread_create(&pool->workers[i].thread, NULL, worker_main, &pool->workers[i]))
			abort();
	}
	return pool;
}

bool worker_pool_put(struct worker_pool *pool, struct worker_job *job)
{
	bool taken;

	pthread_mutex_lock(&pool->lock);
	taken = pool->queued < pool->queue_max && !pool->stopping;
	if (taken) {
		job->next = NULL;
		if (pool->last)
			pool->last->next = job;
		else
			pool->first = job;
		pool->last = job;
		pool->queued++;
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
	return taken;
}

size_t worker_pool_busy(struct worker_pool *pool)
{
	size_t busy;

	pthread_mutex_lock(&pool->lock);
	busy = pool->queued + pool->running;
	pthread_mutex_unlock(&pool->lock);
	return busy;
}

void worker_pool_stop(struct worker_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->count; i++) {
		pthread_join(pool->workers[i].thread, NULL);
		store_free(&pool->workers[i].store);
	}
	pool->count = 0;
}

void worker_pool_free(struct worker_pool **pool_ref)
{
	struct worker_pool *pool = *pool_ref;

	*pool_ref = NULL;
	if (!pool)
		return;
	worker_pool_stop(pool);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
