/*
 * account: the life of one mail account in this process: lease, keys and credentials, connections, back-off.
 *
 *   free ─lease─▶ leasing ─▶ opening ─▶ running ◀─▶ waiting (back-off)          paused: leased, nothing connected
 *     ▲                                    │
 *     └──────── release, lost, gone ───────┘        account_phase_set is the only place that changes the phase
 *
 * Whatever fails, the remedy is the same: drop the connections and what is not entered yet, open again from Redis.
 */
#ifndef MW_FETCHER_ACCOUNT_H
#define MW_FETCHER_ACCOUNT_H

#include "fetcher/account_login.h"
#include "fetcher/account_parts.h"
#include "fetcher/account_state.h"
#include "fetcher/account_turn.h"
#include "fetcher/enter.h"
#include "fetcher/fetcher.h"
#include "fetcher/octets.h"

enum account_phase {
	ACCOUNT_FREE = 0,
	ACCOUNT_LEASING,
	ACCOUNT_OPENING,
	ACCOUNT_RUNNING,
	ACCOUNT_WAITING,
	ACCOUNT_PAUSED,
};

struct backfill;
struct budget_host;
struct command;
struct coverage;
struct reparse;

struct account {
	struct account *next, *namesake; /* of all; in a bucket of the index */
	struct fetcher *fetcher;
	struct account_turn turn;
	unsigned clerk;
	char company[65], name[65], tag[144];
	char generation[24], token[24], revision[24], command_last[48];
	char tickets[2][ACCOUNT_TICKET_BYTES]; /* of the lanes' logins under way */
	uint64_t generation_number;
	enum account_phase phase;
	const char *state; /* as told to people */
	struct account_config config;
	struct mailbox *mailboxes;
	uint32_t last_number;
	struct account_live live;
	struct account_bulk bulk;
	struct enter_queue entries;
	struct budget_host *host; /* where its connections go */
	struct budget_host *login_at; /* where it logs in or waits for its turn to; NULL: neither */
	struct account *login_next; /* waits behind it */
	size_t links; /* its connections */
	struct octets octets;
	struct suspects suspects;
	struct account_waiting waits[2], wait_told; /* of the lanes' connections */
	size_t jobs; /* given and not done: the account stays until they are */
	int64_t retry_ms; /* mono: when a waiting account goes on; INT64_MAX: when it is changed */
	int64_t renewed_ms; /* mono: when the lease was taken or renewed last */
	struct {
		struct account *next; /* in the queue of those asked for */
		int64_t due_ms; /* mono: when it is tried again */
		bool renewal;
	} lease;
	int64_t progress_ms, cuts_ms;
	int64_t read_ms; /* mono: when the last successful read was written down */
	struct command *command; /* at work on the live connection */
	struct reparse *reparse;
	struct backfill *backfill; /* NULL: not read yet */
	struct coverage *coverage;
	uint64_t coverage_serial; /* what was asked for with an older one is wanted no more */
	unsigned command_tries, failures, cuts; /* since a sync; since cuts_ms */
	uint64_t total, done, rate_done; /* of the first sync */
	uint64_t look; /* number of the last look */
	int64_t looked_ms, driven_ms;
	uint64_t mine_of; /* the set of fetchers that `mine` was found with */
	bool listed, mine, renewing, looking, look_again, paused, commanding, command_job,
		releasing, asking, login_waits, wait_fresh; /* wait_told is what Redis has */
};

/* From the list of all accounts: makes it known, or tells that it is another generation now. */
void account_listed(struct fetcher *f, struct span company, struct span name,
		    struct span generation);
/* Something may have changed (a ring): renew at once. */
void account_poke(struct account *a);
/* Drops connections and what is not entered; goes on after a back-off, or after the credentials changed. */
void account_fail(struct account *a, const struct err *e);
/* There is leave: connects. */
void account_admitted(struct account *a);
/* There is no leave to connect now: waits for it. */
void account_hold(struct account *a, const struct account_leave *leave);
/* The same without error: another lease holder, another generation, another configuration, or the end. */
void account_let_go(struct account *a, bool release);
void account_restart(struct account *a);
/* The process stops: reads no more, enters what it has, gives the lease back. */
void account_drain(struct account *a);
/* The whole of what was to be synced now has been: back-off starts anew. */
void account_synced(struct account *a);
void account_free(struct account **a);
void account_phase_set(struct account *a, enum account_phase phase);

/* account_open.c: reads config, keys, credentials and mailboxes; ends in account_opened. */
void account_open(struct account *a);
void account_opened(struct account *a, enum err_code code, const struct err *e);
void account_config_clear(struct account_config *c);

/* A job of this account: counted, its result checked: gone and stale let the account go. */
void account_job_give(struct account *a, struct committer_job *job);
/* The same for what has no part in the order of mail: the account's clerk does it, in the order given to him. */
void account_clerk_give(struct account *a, struct committer_job *job);
void account_job_done(struct account *a);
/* Did the function write to the journal? Then hop_ring_journal is due. */
bool account_noted(const struct store_reply *reply);
/* First element of a function's answer as a code: ok (or noted), gone, stale, or ERR_PERM. */
MUST_USE enum err_code account_answer(const struct store_reply *reply, struct err *e);

#endif
