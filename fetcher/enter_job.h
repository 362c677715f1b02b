/* enter_job: the job that writes the front of an account's queue to Redis. Private to enter. */
#ifndef MW_FETCHER_ENTER_JOB_H
#define MW_FETCHER_ENTER_JOB_H

#include "fetcher/account.h"

#define ENTER_JOB_MAX 128u /* entries a job */
#define ENTER_CALL_MAX 64u /* messages a call */

enum enter_kind {
	ENTER_MESSAGE = 0,
	ENTER_FLAGS,
	ENTER_GONE,
	ENTER_CURSOR,
	ENTER_DROP,
	ENTER_MARK
};

struct enter_entry {
	struct enter_entry *next;
	enum enter_kind kind;
	struct mailbox *mailbox;
	uint32_t uid, high, validity;
	unsigned flags;
	struct id id;
	struct flight *flight;
	bool entered; /* the answer: it went into the ledger */
	size_t words_bytes, more_bytes, source_bytes;
	uint8_t bytes
		[]; /* keywords ‖ ledger value, set or box value ‖ what the server says of it */
};

void enter_job_start(struct account *a);
/* A job is done: starts the next if there is enough for it. */
void enter_resume(struct account *a);

#endif
