/*
 * enter: what an account has learnt and Redis does not know yet, in order: messages, flags, UIDs that went, cursors. One
 * job at a time takes what is there (group commit without a timer): blobs durable, then the calls, then the bus.
 */
#ifndef MW_FETCHER_ENTER_H
#define MW_FETCHER_ENTER_H

#include "common/base/buf.h"
#include "common/base/code.h"

struct account;
struct mailbox;
struct mailbox_cursor;
struct flight;
struct enter_entry;
struct source;

#define ENTER_FLAG_SEEN 1u
#define ENTER_FLAG_FLAGGED 2u
#define ENTER_FLAG_ANSWERED 4u
#define ENTER_FLAG_DRAFT 8u
#define ENTER_FLAG_DELETED 16u

struct enter_queue {
	struct enter_entry *first, *last;
	size_t count;
	uint64_t bytes; /* of the messages waiting */
	int64_t since_ms; /* mono: when the first of them came */
	uint64_t told; /* entries that there ever were */
	size_t taken; /* by the job that runs */
	bool running;
};

/* flight NULL: only the place (with aside: that value, set aside at once). ledger: packed value. source: what the server's
 * own names say, or NULL. */
void enter_message(struct account *a, struct mailbox *mailbox, uint32_t uid, unsigned flags,
		   struct span words, const struct id *id, struct flight *flight,
		   struct span ledger, const struct source *source);
void enter_flags(struct account *a, struct mailbox *mailbox, uint32_t uid, unsigned flags,
		 struct span words, const struct source *source);
/* All UIDs of low … high that are not in the set (may be empty) are gone. */
void enter_gone(struct account *a, struct mailbox *mailbox, uint32_t low, uint32_t high,
		struct span present);
/* The mailbox's cursor as it is now counts once all before it is entered. */
void enter_cursor(struct account *a, struct mailbox *mailbox);
/* Of all entries told so far, so many are no longer on their way. */
static inline uint64_t enter_done(const struct enter_queue *queue)
{
	return queue->told - queue->count - queue->taken;
}
/* Forgets a retired mailbox. */
void enter_drop(struct account *a, struct mailbox *mailbox);
/* How far the backfill is, once all before it is entered: a packed list of its id and then field, value, ... */
void enter_mark(struct account *a, struct span fields);
/* Every turn: starts what has waited long enough. */
void enter_tick(struct account *a, int64_t now_ms);
int64_t enter_due_ms(const struct account *a);
/* Drops what no job has taken yet, with its flights. */
void enter_clear(struct account *a);

/* IMAP flags as our bits (ENTER_FLAG_…) and as packed list of JMAP keywords. */
unsigned enter_flag_bits(struct span imap_flags, struct buf *words_out);

#endif
