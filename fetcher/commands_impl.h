/* commands_impl: what commands.c (reading and ending a command) command_append.c (filing a sent message) and
 * command_store.c (flags and moves) share. */
#ifndef MW_FETCHER_COMMANDS_IMPL_H
#define MW_FETCHER_COMMANDS_IMPL_H

#include "fetcher/commands.h"
#include "fetcher/committer.h"

#define COMMAND_PLACES_MAX 256

struct command_place {
	uint32_t mailbox, uid;
	bool done;
};

struct command {
	struct committer_job job;
	struct account *account;
	struct span tag, company, name, generation_text, token;
	uint64_t generation;
	struct secret_key *data_key;
	size_t max_bytes;
	uint32_t sent_number; /* 0: no sent mailbox */
	/* what the entry says */
	char id[48], kind[16], keyword[16]; /* of a move: the role of its target */
	bool value;
	struct span ids, blob;
	struct span fields[5]; /* of `cover` and `find`, as named below */
	/* what Redis and the blob store say */
	struct command_place places[COMMAND_PLACES_MAX];
	size_t place_count;
	struct buf raw;
	bool filed;
	const char *
		filing; /* what became of a sent message's copy, for its outbox entry; NULL: not an append */
};

/* Over, for good: the next one's turn. outcome is for the log. */
void command_finish(struct command *c, const char *outcome);

/* Not now: begun anew when the lease is renewed next. */
void command_postpone(struct command *c);

/* command_store.c */
void command_store(struct command *c);

/* command_append.c */
void command_append(struct command *c);
/* NULL: the account has none. */
struct mailbox *command_sent_mailbox(struct account *a);

#endif
