/* outbox: entries of accounts' outboxes in Redis, by the functions of sender.lua. Every call blocks, the store's deadline long. */
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
	OUTBOX_NOT_NOW, /* early, done or gone: nothing to do */
	OUTBOX_CHECKED, /* it was handed over before; still no evidence */
	OUTBOX_RESOLVED, /* the same, and now it is over: the journal has it */
};

/* A submission that is due. bulk: a copy of mail to many. */
struct outbox_due {
	struct span submission;
	bool bulk;
};
/* Those of one account, of each lane at most so many, people's first; the spans live in the arena. due_out has room for both.
 * 0 too if Redis did not answer. */
size_t outbox_due(const struct outbox *outbox, struct arena *arena, struct span company,
		  struct span account, size_t max, size_t max_bulk, struct outbox_due *due_out);
/* key->token is set when leased. word: left of the @ of a Message-ID if it has none. */
MUST_USE enum err_code outbox_lease(const struct outbox *outbox, struct arena *arena,
				    struct outbox_key *key, struct span word,
				    struct outbox_entry *entry_out, enum outbox_lease *what_out,
				    struct err *e);

/* The following give ERR_STALE if another lease took over and ERR_GONE if the account was erased. Twice is safe. */
MUST_USE enum err_code outbox_extend(const struct outbox *outbox, const struct outbox_key *key,
				     struct err *e);
/* id_key: the 8-byte key of the Message-ID. */
MUST_USE enum err_code outbox_handed_over(const struct outbox *outbox, const struct outbox_key *key,
					  struct span id_key, struct err *e);
MUST_USE enum err_code outbox_release(const struct outbox *outbox, const struct outbox_key *key,
				      struct err *e);

struct outbox_settlement {
	const char *status; /* sent, delayed, failed, unknown; checking: handed over, no answer */
	int64_t due_ms; /* delayed: when next */
	struct span fields; /* JSON object: serverReply, recipients, filing */
	/* What enters the pipeline; ledger n 0: nothing. */
	struct id id;
	struct span ledger, blob;
	bool append; /* the account's fetcher files a copy in Sent */
};

MUST_USE enum err_code outbox_settle(const struct outbox *outbox, const struct outbox_key *key,
				     const struct outbox_settlement *settlement, struct err *e);

#endif
