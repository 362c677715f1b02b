/*
 * suspects: messages in the midst of which a connection died (FAULTS F13, F18). A literal that is broken the same way at
 * each try would stop its folder for ever. So such a message is asked for by itself, after all others; and when the
 * connection died four times after the same number of its octets (or 32 times after any), it is set aside as refused and
 * passed over. Counted in Redis (KEY_A_SUSPECTS): a restart begins no new count. What arrives is no suspect any more.
 */
#ifndef MW_FETCHER_SUSPECTS_H
#define MW_FETCHER_SUSPECTS_H

#include "common/base/buf.h"
#include "common/store/store.h"

struct link;

struct suspect {
	uint32_t mailbox, uid; /* mailbox by number */
	uint64_t same, all; /* deaths after the same number of octets, in a row; at all */
	int64_t aside_ms; /* mono: when it was set aside; 0: it was not */
};

struct suspects {
	struct suspect *items;
	size_t count;
};

void suspects_clear(struct suspects *s);
/* Takes over what Redis holds: a reply of HGETALL. */
void suspects_read(struct suspects *s, const struct store_reply *reply);
/* The connection has died; before its owner hears of it. */
void suspects_died(struct link *link);
/* A message arrived whole. */
void suspects_came(struct link *link, uint32_t uid);
/* The message asked for by itself was not to be read: it is set aside at once. */
void suspects_unreadable(struct link *link, uint32_t uid);
/* Are there suspects in the set? Then rest_out is the set without them, those to be asked for by themselves are in
 * alone_out (at most max; the others wait for the next time), and those that are given up are set aside. */
bool suspects_part(struct link *link, struct span set, struct buf *rest_out, uint32_t *alone_out,
		   size_t max, size_t *count_out);

#endif
