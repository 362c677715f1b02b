/* commit: the arguments of linker_1_commit and its answer. */
#ifndef MW_LINKER_COMMIT_H
#define MW_LINKER_COMMIT_H

#include "common/store/store.h"
#include "common/wire/wire.h"
#include "common/linking/decide.h"

#define COMMIT_MESSAGES_MAX 64u
#define COMMIT_KEYS_MAX 4096u /* id keys a call: keeps it within a few ms */

enum commit_status {
	COMMIT_COMMITTED,
	COMMIT_KNOWN,
	COMMIT_DEAD,
	COMMIT_SCREENED,
	COMMIT_REPARSED,
	COMMIT_ABSENT,
	COMMIT_GONE,
	COMMIT_FAILED, /* Redis refuses to take this message */
	COMMIT_STATUSES,
};
const char *commit_status_name(enum commit_status status);

/* One message as linker_1_commit takes it, in the arena. */
struct span commit_argument(struct arena *arena, const struct wire_proposal *facts,
			    const struct decide_result *decision);
struct store_command commit_call(struct arena *arena, struct span company, struct span account,
				 uint64_t generation, int64_t now_ms, const struct span *messages,
				 size_t count);

struct commit_answer {
	bool gone;
	enum commit_status status[COMMIT_MESSAGES_MAX];
	uint64_t first_n;
	struct span *entries; /* of the journal, from first_n on; in the reply's arena */
	size_t entry_count;
	uint64_t merges;
};

/* False if the reply is not an answer to a call with count messages. */
bool commit_read(const struct store_reply *reply, size_t count, struct arena *arena,
		 struct commit_answer *answer_out);

#endif
