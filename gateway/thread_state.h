/*
 * thread_state: a thread as it counts, read from its two records: `t` (the linker's) and `tu` (the user's), as
 * docs/data-model.md ("What counts") says. The C twin of common/store/thread_state.lua; a test holds them together.
 * Pure: bytes in, structure out.
 */
#ifndef MW_GATEWAY_THREAD_STATE_H
#define MW_GATEWAY_THREAD_STATE_H

#include "common/base/arena.h"
#include "common/base/code.h"
#include "common/base/err.h"

struct thread_link {
	bool decided; /* false: nothing was decided */
	struct span kind; /* "d", "l", "p"; empty: unlinked by hand */
	struct span id;
	bool manual;
	int64_t at_ms;
	uint64_t n;
};

struct thread_person {
	bool decided;
	struct span id; /* empty: taken off by hand */
	bool manual;
	uint64_t n;
};

/* Spans point into the records. */
struct thread_state {
	uint64_t first_n, count,
		bits; /* bits: 1 has received mail, 2 has sent mail, 4 was archived when merged */
	int64_t last_ms;
	struct span subject;
	struct span skipped; /* LNK-02's reason; empty if linked or not asked */
	struct span *people;
	size_t people_count;
	struct id last_id;
	uint64_t inbox_n;
	bool shared;
	bool archived;
	bool in_inbox;
	struct thread_link link;
	struct thread_person person;
	bool read_set; /* the user marked the thread read or unread … */
	bool read; /* … as this … */
	uint64_t read_n; /* … at this journal number */
};

/* user: the `tu` record, empty if there is none. ERR_PERM: one of them is not what docs/data-model.md says. */
MUST_USE enum err_code thread_state_read(struct span record, struct span user, struct arena *arena,
					 struct thread_state *state_out);
/* Is a message read? n: the journal number of its commit; seen: `$seen` is among its keywords, by the entry seen_n. */
bool thread_state_message_read(const struct thread_state *state, uint64_t n, bool newest, bool seen,
			       uint64_t seen_n);

#endif
