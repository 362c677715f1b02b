#include "fetcher/committer.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/clock.h"

struct queue {
	struct committer_job *first, **last;
	size_t count;
};

struct committer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t given;
	struct queue todo, finished; /* under lock */
	bool stopping; /* under lock */
	size_t waiting; /* given and not yet done; the loop's */
	uv_async_t wake;
	struct committer_env env;
	struct blob_writer *writer;
	struct store *store;
	struct metrics *metrics;
	unsigned commit_metric;
};

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
	q->count = 0;
}

static void queue_put(struct queue *q, struct committer_job *job)
{
	job->next = NULL;
	*q->last = job;
	q->last = &job->next;
	q->count++;
}

static struct committer_job *queue_take(struct queue *q)
{
	struct committer_job *all = q->first;

	queue_init(q);
	return all;
}

static bool any_commit(const struct committer_job *job)
{
	for (; job; job = job->next)
		if (job->commit)
			return true;
	return false;
}

static void run_all(struct committer *c, struct committer_job *job)
{
	enum err_code durable = ERR_OK;
	struct err e;

	if (any_commit(job)) {
		const int64_t from = clock_mono_us();

		durable = blob_commit(c->writer, &e);
		metrics_observe_us(c->metrics, c->commit_metric, 0, clock_mono_us() - from, 1);
	}
	while (job) {
		struct committer_job *next = job->next;

		if (job->commit && durable != ERR_OK) {
			job->code = durable;
			job->err = e;
		} else {
			job->code = job->run(job, &c->env);
		}
		pthread_mutex_lock(&c->lock);
		queue_put(&c->finished, job);
		pthread_mutex_unlock(&c->lock);
		uv_async_send(&c->wake);
		job = next;
	}
}

static void *thread_main(void *arg)
{
	struct committer *c = arg;

	for (;;) {
		struct committer_job *jobs;
		bool stop;

		pthread_mutex_lock(&c->lock);
		while (!c->todo.first && !c->stopping)
			pthread_cond_wait(&c->given, &c->lock);
		jobs = queue_take(&c->todo);
		stop = c->stopping && !jobs;
		pthread_mutex_unlock(&c->lock);
		if (stop)
			return NULL;
		run_all(c, jobs);
	}
}

static void finish_all(struct committer *c)
{
	struct committer_job *job;

	pthread_mutex_lock(&c->lock);
	job = queue_take(&c->finished);
	pthread_mutex_unlock(&c->lock);
	while (job) {
		struct committer_job *next = job->next;

		c->waiting--;
		job->done(job);
		job = next;
	}
}

static void woken(uv_async_t *wake)
{
	finish_all(wake->data);
}

enum err_code committer_open(uv_loop_t *loop, struct store *store, struct blob_writer *writer,
			     const char *blob_dir, struct metrics *metrics, unsigned commit_metric,
			     struct committer **committer_out, struct err *e)
{
	struct committer *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	queue_init(&c->todo);
	queue_init(&c->finished);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->given, NULL);
	uv_async_init(loop, &c->wake, woken);
	c->wake.data = c;
	c->env = (struct committer_env){store, blob_dir};
	c->writer = writer;
	c->store = store;
	c->metrics = metrics;
	c->commit_metric = commit_metric;
	*committer_out = c;
	if (pthread_create(&c->thread, NULL, thread_main, c))
		return err_set(e, ERR_TEMP, ERR_PROCESS, "thread_failed", "no thread to commit on");
	return ERR_OK;
}

static void handle_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void committer_close(struct committer **at)
{
	struct committer *c = *at;

	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_signal(&c->given);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	finish_all(c);
	store_free(&c->store);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->given);
	uv_close((uv_handle_t *)&c->wake, handle_closed);
	*at = NULL;
}

void committer_give(struct committer *c, struct committer_job *job)
{
	c->waiting++;
	pthread_mutex_lock(&c->lock);
	queue_put(&c->todo, job);
	pthread_cond_signal(&c->given);
	pthread_mutex_unlock(&c->lock);
}

size_t committer_waiting(const struct committer *c)
{
	return c->waiting;
}
