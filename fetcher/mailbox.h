/*
 * mailbox: one mailbox of an account as the fetcher knows it, and its packed value in KEY_A_MAILBOXES:
 *
 *   [path, delimiter, role, uidvalidity, cursor, remote, stored, own id]
 *   cursor: [next, modseq, back, since_ms, until_ms, flags, full_ms, doubt_ms]
 *
 * All UIDs from `back` up to `next` (not included) are entered. Below `back` the first sync goes on downwards until
 * nothing younger than since_ms is left (flag 1: done). A mailbox whose UIDVALIDITY changed is numbered anew; the old
 * number is retired (flag 2) and swept once the new one is done, so that no message is ever without its place. Of a mailbox
 * that is not chosen only uidvalidity and next are noted (flag 4): what comes behind them is new to a later choice.
 * Own id: MAILBOXID of RFC 8474, or empty: under whatever name it is listed, it is this mailbox (FAULTS F36).
 */
#ifndef MW_FETCHER_MAILBOX_H
#define MW_FETCHER_MAILBOX_H

#include "common/base/buf.h"
#include "common/base/err.h"

#define MAILBOX_PATH_MAX 1024
#define MAILBOX_ROLE_MAX 12
#define MAILBOX_COUNT_MAX 4096
#define MAILBOX_LATE_MAX 200
#define MAILBOX_ALIASES 4u
#define MAILBOX_ID_MAX 64

/* What the server calls a mailbox whatever its name is; of a longer one its end. */
struct mailbox_id {
	uint8_t b[MAILBOX_ID_MAX];
	size_t n; /* 0: it does not say */
};

struct mailbox_cursor {
	uint32_t validity, next, back;
	uint64_t modseq;
	int64_t since_ms, until_ms; /* until 0: no upper end */
	bool done, retired;
	bool noted; /* by STATUS alone, while not chosen */
	/* wall; 0: never. Numbered anew: from when on all of it may be read again; UIDVALIDITY was another, last. */
	int64_t full_ms, doubt_ms;
	uint32_t remote;
};

struct mailbox {
	struct mailbox *next;
	uint32_t number;
	uint8_t *path; /* owned */
	size_t path_bytes;
	int delimiter; /* -1: none */
	char role[MAILBOX_ROLE_MAX];
	struct mailbox_id id, listed_id; /* as it was, and as it was listed now */
	struct mailbox_cursor cursor; /* as read, or as it will be once all is entered */
	struct mailbox_cursor told; /* as last given to be written by a visit */
	bool known; /* has been visited: the cursor counts */
	bool dropped; /* forgotten: only jobs may still mean it */
	bool chosen; /* by the account's choice of folders */
	bool listed; /* the server has it */
	bool dirty; /* something changed there: visit it */
	bool compare; /* UIDs went without our being told which */
	unsigned failures; /* of its first sync, in a row */
	unsigned refusals; /* visits refused in a row */
	int64_t parked_ms; /* mono: not visited before */
	/* FAULTS F4: servers count a change before they show it. */
	uint64_t
		modseq_seen; /* HIGHESTMODSEQ of the last visit; the cursor's may be one visit older */
	uint32_t *late; /* UIDs below next that did not come: perhaps they will; NULL: none ever */
	unsigned late_count, looks; /* so often was looked for them since */
	int64_t look_ms; /* mono: when next */
	/* FAULTS F2: other UIDVALIDITYs under which the numbers were found to be the same. */
	uint32_t aliases[MAILBOX_ALIASES];
	unsigned alias_next;
	int64_t sure_ms; /* mono: when the numbers were compared last */
	int64_t unstable_ms; /* mono: people are told until then */
};

static inline struct span mailbox_path(const struct mailbox *mailbox)
{
	return span_make(mailbox->path, mailbox->path_bytes);
}
void mailbox_id_set(struct mailbox_id *to, struct span from);
/* Both are known, and the same; or known, and others. */
bool mailbox_id_same(const struct mailbox_id *a, const struct mailbox_id *b);
bool mailbox_id_other(const struct mailbox_id *a, const struct mailbox_id *b);
bool mailbox_path_set(struct mailbox *mailbox, struct span path, int delimiter);
bool mailbox_cursor_eq(const struct mailbox_cursor *a, const struct mailbox_cursor *b);
/* The lowest UID that may be entered. */
static inline uint32_t mailbox_low(const struct mailbox_cursor *cursor)
{
	return cursor->until_ms ? 1 : cursor->back;
}
/* Zeroed, with its path; role by attributes and name. NULL if the path is too long. */
struct mailbox *mailbox_new(struct span path, int delimiter);
void mailbox_encode(const struct mailbox *mailbox, const struct mailbox_cursor *cursor,
		    struct buf *out);
/* ERR_PERM if the value is damaged. */
MUST_USE enum err_code mailbox_decode(uint32_t number, struct span value,
				      struct mailbox **mailbox_out);
void mailbox_free_all(struct mailbox **list);
/* From LIST attributes; INBOX by its name. The others by their names only if the server marks none (by_name). */
void mailbox_role_set(struct mailbox *mailbox, struct span attributes, bool by_name);
/* A UID of the range from low up to next (not included) that did not come may come late; one that came is not late. */
void mailbox_late_note(struct mailbox *mailbox, uint32_t low, uint32_t next,
		       bool (*came)(const void *ctx, uint32_t uid), const void *ctx);
bool mailbox_is(const struct mailbox *mailbox, const char *role);
/* Bits of the wire's `place`: the role's part. */
unsigned mailbox_place_bits(const struct mailbox *mailbox);

#endif
