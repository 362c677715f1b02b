/*
 * batch: one batch of proposals, from frames to committed messages, in at most three round trips over all accounts in it:
 * what the companies and accounts know, the commits, the journal entries just written.
 *
 * Safe to run again with the same frames after any failure: what was committed is then `known`.
 */
#ifndef MW_LINKER_BATCH_H
#define MW_LINKER_BATCH_H

#include "linker/apply.h"
#include "linker/commit.h"
#include "common/linking/known.h"

#define BATCH_MAX COMMIT_MESSAGES_MAX

struct batch_account {
	struct span company, account, owner, origin;
	uint64_t generation, number;
	struct known *known; /* the company's; shared by its accounts */
	struct decide_account rules;
	bool failed; /* the functions refuse; not for want of Redis */
	uint64_t merges, applied;
	bool behind; /* entries written here were not applied here: read the journal */
};

struct batch_message {
	struct wire_proposal facts;
	struct decide_mail mail;
	struct decide_result decision;
	struct batch_account *account;
	enum commit_status status;
};

struct batch {
	struct store *store;
	struct arena *arena; /* of this run */
	struct batch_message messages[BATCH_MAX];
	size_t count; /* those that were well formed, in the order of their accounts' first message */
	struct batch_account accounts[BATCH_MAX];
	size_t account_count;
	struct known known[BATCH_MAX];
	size_t known_count;
	size_t refused; /* frames that were no proposal */
};

/*
 * frames: at most BATCH_MAX. After ERR_OK each message has its status and each account what was applied; `behind` accounts
 * are for apply_catch_up. ERR_TEMP: Redis did not answer; run again later. Spans point into frames and the arena, which
 * the next run resets.
 */
MUST_USE enum err_code batch_run(struct batch *batch, const struct span *frames, size_t count,
				 int64_t now_ms, struct err *e);

#endif
