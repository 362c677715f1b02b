/* account_parts: what an account is made of: its configuration and its two connections. */
#ifndef MW_FETCHER_ACCOUNT_PARTS_H
#define MW_FETCHER_ACCOUNT_PARTS_H

#include "common/secret/secret.h"
#include "common/wire/wire.h"
#include "fetcher/backfill_batch.h"
#include "fetcher/link.h"
#include "fetcher/mailbox.h"
#include "fetcher/mailbox_space.h"
#include "fetcher/suspects.h"

struct backfill_people;
struct backfill_task;

/* What Redis holds of the account; made anew at each opening. Strings live in the arena. */
struct account_config {
	struct arena *arena;
	char *host, *login, *owner;
	uint16_t port;
	enum mailconn_security security;
	struct span password; /* wiped; an access token if bearer */
	bool bearer;
	struct wire_list own;
	struct span *folders; /* NULL: all */
	size_t folder_count;
	int64_t since_ms; /* 0: all */
	bool initial_done;
	char command_done[48];
	struct secret_key data_key; /* wiped */
};

struct account_live { /* the connection for all that is new */
	struct link *link;
	struct mailbox *target; /* being visited */
	struct mailbox *poll_at; /* where polling one by one goes on */
	int64_t polled_ms, idle_ms, listed_ms, flags_ms, inbox_ms;
	bool list_due, poll_due, idling, new_mail;
	bool unsettled; /* messages may be elsewhere than Redis has it: commands wait until it was looked */
	uint64_t
		settle_at; /* and until so many entries (and one) are no longer on their way; 0: not looked yet */
	bool listing; /* LIST responses answer our own question */
	bool notify_asked,
		notified; /* the server tells of the other mailboxes by itself (NOTIFY) */
	bool strayed; /* another mailbox than the inbox was visited since the last look */
	struct mailbox_spaces spaces;
	bool ids_wrong; /* STATUS has other MAILBOXIDs than SELECT: they are no ids (Cyrus 3.6) */
	bool synced; /* has come to rest once */
	struct err worst; /* of the last mailbox that was parked */
	const char *worst_state; /* told with this state of the account */
	uint32_t step_low, step_high; /* of a comparison window by window */
};

#define MAILBOX_BATCHES 4u /* FETCH commands outstanding in a first sync */

struct account_bulk { /* the connection for first syncs and backfills */
	struct link *link;
	struct mailbox *target;
	struct backfill_task *task; /* NULL: a first sync of the target */
	uint32_t
		*found; /* UIDs of the window, ascending; those from found_count on are asked for */
	size_t found_count;
	size_t searched; /* so many there were before what is stored was left out */
	size_t batch_size; /* messages of the next FETCH */
	uint32_t low; /* of the window */
	struct {
		uint32_t low; /* all from here on up is fetched once this is answered */
		bool answered;
		struct backfill_batch ask;
	} batches[MAILBOX_BATCHES]; /* outstanding, the oldest at batch_first */
	unsigned batch_first, outstanding;
	unsigned refusals; /* single messages refused, none fetched between */
	bool pausing; /* the next FETCH waits for its time, which counts from asked_ms on */
	int64_t asked_ms, slow_ms; /* mono: until slow_ms little is asked for at a time */
	bool begun_before; /* some of the window may be stored already */
	uint64_t
		epoch; /* raised whenever the work is broken off: answers to earlier questions are void */
	struct backfill_people *people;
	uint64_t backfill_read; /* number of the last reading of the backfill */
	int64_t retry_ms, forgiven_ms; /* mono */
	int64_t refused_ms; /* mono: since when it gets no connection; 0: it does */
	int64_t turn_ms; /* mono: until when the live connection makes way; 0: it does not */
};

#endif
