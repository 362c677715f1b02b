/*
 * committer: the thread on which the fetcher waits: for the disk (blob_commit, blob_read) and for Redis. The loop gives
 * it jobs; it runs them in order and gives them back. While it waits the network goes on.
 *
 * Group commit: of all jobs that wait when it turns to them, one blob_commit serves those with `commit`.
 */
#ifndef MW_FETCHER_COMMITTER_H
#define MW_FETCHER_COMMITTER_H

#include <uv.h>

#include "common/base/arena.h"
#include "common/blob/blob.h"
#include "common/metrics/metrics.h"
#include "common/store/store.h"

struct committer;

struct committer_env {
	struct store *store;
	const char *blob_dir;
};

/* Embedded first in a job of one's own; the embedder's memory, usually from the job's own arena. */
struct committer_job {
	struct committer_job *next; /* private */
	struct arena *arena; /* the answers live here, until done has freed it */
	bool commit; /* only after everything appended so far is durable */
	/* On the thread. Not called if the commit failed: then code and err say so. */
	enum err_code (*run)(struct committer_job *job, const struct committer_env *env);
	void (*done)(struct committer_job *job); /* on the loop */
	bool noted; /* set by run: the account's journal has a new entry */
	enum err_code code; /* what run returned */
	struct err err;
};

/* store: owned by the committer from here on. writer: appended to by the loop, committed here. */
MUST_USE enum err_code committer_open(uv_loop_t *loop, struct store *store,
				      struct blob_writer *writer, const char *blob_dir,
				      struct metrics *metrics, unsigned commit_metric,
				      struct committer **committer_out, struct err *e);
/* Waits for all jobs given; their done is called from here. */
void committer_close(struct committer **committer);
void committer_give(struct committer *committer, struct committer_job *job);
size_t committer_waiting(const struct committer *committer);

#endif
