/*
 * journal: one entry of an account's journal (docs/data-model.md), and the events that it stands for. Pure.
 * The events of an entry are numbered k = 0, 1, …: (account, n, k) names an event for good, so the same transition has
 * the same id after any crash.
 */
#ifndef MW_GATEWAY_JOURNAL_H
#define MW_GATEWAY_JOURNAL_H

#include "common/base/arena.h"
#include "common/base/code.h"
#include "common/base/err.h"

#define JOURNAL_EVENTS_MAX 8 /* of one entry */

enum journal_type {
	JOURNAL_COMMIT = 'm',
	JOURNAL_MERGE = 'g',
	JOURNAL_USER = 'u',
	JOURNAL_KEYWORDS = 'f',
	JOURNAL_MOVED = 'v',
	JOURNAL_DELETED = 'd',
	JOURNAL_ASIDE = 'x',
	JOURNAL_ACCOUNT = 'a',
	JOURNAL_SUBMISSION = 'o',
	JOURNAL_HIT = 'h',
};

enum journal_commit_bit {
	JOURNAL_NEW_THREAD = 1,
	JOURNAL_OUTGOING = 2,
	JOURNAL_LINKED = 4,
	JOURNAL_LINK_SKIPPED = 8,
	JOURNAL_REPLY = 16,
	JOURNAL_AUTO_REPLY = 32,
	JOURNAL_BOUNCE = 64,
};

/* What came back to a message that was sent from here: of an `m` entry. */
struct journal_back {
	struct span what; /* bounced, complained, unsubscribed; empty: nothing came back */
	struct span submission;
	struct span (*list)[2]; /* address, status */
	size_t count;
	bool has_sent;
	struct id sent; /* the message that was sent */
};

/* Spans point into the packed entry. What a type does not have is empty. */
struct journal_entry {
	enum journal_type type;
	int64_t at_ms;
	bool has_thread, has_message, has_absorbed;
	struct id thread, message, absorbed;
	uint64_t bits;
	struct span
		what; /* u: shared, archived …; a: name; o: status; h: opened, clicked, unsubscribed */
	struct span detail; /* x: reason; a: code; o, h: submission id */
	struct span user; /* who did it */
	struct span dropped_kind, dropped_id; /* g: the link that was dropped */
	struct id *deleted; /* d */
	size_t deleted_count;
	bool shared; /* d: the thread was, when they were deleted */
	bool has_way; /* m: how long before at_ms it was pushed and proposed; microseconds of parsing; drives */
	struct journal_back back; /* m */
	int64_t answered_ms; /* m: after the thread's last message from here; -1: no answer, or not known */
	struct span class, address, url, agent, evidence; /* h; its submission is in detail */
	uint64_t pushed_ago_ms, proposed_ago_ms, parse_us, drives;
};

/* ERR_PERM: not an entry as docs/data-model.md says. A type that this version does not know is ERR_OK with no events. */
MUST_USE enum err_code journal_read(struct span packed, struct arena *arena,
				    struct journal_entry *entry_out);

enum journal_audience {
	JOURNAL_FOR_THREAD, /* who may see the thread */
	JOURNAL_FOR_OWNER, /* the people of the mailbox */
};

struct journal_event {
	const char *name; /* "thread.linked" */
	enum journal_audience audience;
	bool company; /* goes to company-wide streams too, with ids alone */
	bool has_message;
	struct id message;
};

/* The events of an entry in order; returns their number. For deletions of many messages: the first
 * JOURNAL_EVENTS_MAX - 1 and the thread's; each id stands in the entry. */
size_t journal_events(const struct journal_entry *entry,
		      struct journal_event events_out[JOURNAL_EVENTS_MAX]);

#endif
