/*
 * outbox: entries of accounts' outboxes in Redis, by the functions of sender.lua. Calls of many accounts go as one: one
 * round trip, and as few fsyncs as Redis needs. Blocks, the store's deadline long.
 */
#ifndef MW_SENDER_OUTBOX_H
#define MW_SENDER_OUTBOX_H

#include "common/base/arena.h"
#include "common/base/code.h"
#include "common/store/store.h"

struct outbox {
	struct store *store;
	const char *lease_ms,
		*scale; /* decimal: how long a lease lasts; what waiting times are divided by */
};

/* Which entry; token: of the lease, decimal. */
struct outbox_key {
	struct span company, account, submission, token;
};

/* What a lease tells. Spans live in the arena of the call. */
struct outbox_entry {
	int64_t attempts; /* this one counted */
	struct span message_id; /* without <>; durable before anything goes out (SND-07) */
	int64_t first_ms; /* of the first attempt */
	struct span recipients; /* JSON of the last attempt, or empty */
	bool filed; /* an earlier attempt reached some recipients */
	struct span request; /* blob reference of the request */
	struct id request_id;
	struct span
		shared; /* the same of what all copies of mail to many have in common; empty: nothing */
	struct id shared_id;
	struct span user;
	uint64_t generation;
	struct span email, own, config, cred, key, revision, state; /* of the account */
	bool paused;
};

enum outbox_lease {
	OUTBOX_LEASED,
	OUTBOX_NOT_NOW, /* over the account's limits, done or gone: nothing to do */
	OUTBOX_CHECKED, /* it was handed over before; still no evidence */
	OUTBOX_RESOLVED, /* the same, and now it is over: the journal has it */
	OUTBOX_DAMAGED, /* it cannot be read: it stays leased, and comes again when that is over */
};

/* One of those that were due. */
struct outbox_taken {
	struct outbox_key key; /* with its token if it was leased */
	bool bulk; /* a copy of mail to many */
	enum outbox_lease what;
	struct outbox_entry entry; /* if it was leased */
};

struct outbox_settlement {
	const char *status; /* sent, delayed, failed, unknown; checking: handed over, no answer */
	int64_t due_ms; /* delayed: when next */
	struct span fields; /* JSON object: serverReply, recipients, filing */
	/* What enters the pipeline; ledger n 0: nothing. */
	struct id id;
	struct span ledger, blob;
	bool append; /* the account's fetcher files a copy in Sent */
};

enum outbox_verb {
	OUTBOX_TAKE, /* leases what is due of one account */
	OUTBOX_EXTEND,
	OUTBOX_HAND_OVER,
	OUTBOX_RELEASE,
	OUTBOX_SETTLE,
};
#define OUTBOX_TAKE_MAX 64

/*
 * Twice is safe for each. code: ERR_OK; ERR_STALE: another lease took over; ERR_GONE: the account was erased (these two not
 * for OUTBOX_TAKE); else Redis's trouble, and nothing is known.
 */
struct outbox_call {
	enum outbox_verb verb;
	void *owner; /* the caller's */
	struct outbox_key key; /* OUTBOX_TAKE: company and account */
	struct span id_key; /* OUTBOX_HAND_OVER: the 8-byte key of the Message-ID */
	const struct outbox_settlement *settlement; /* OUTBOX_SETTLE */
	/* OUTBOX_TAKE: at most so many in all and of copies of mail to many, `ahead` of each only to be ready in time. */
	size_t max, max_bulk, ahead, ahead_bulk;
	struct span word; /* begins the left of the @ of the Message-IDs of those that have none */

	enum err_code code;
	struct err e;
	struct outbox_taken *taken; /* in the arena of outbox_run */
	size_t taken_count;
};

/* All of them, in the order given for each account. */
void outbox_run(const struct outbox *outbox, struct outbox_call *const *calls, size_t count,
		struct arena *arena);

#endif
