/* link: one IMAP connection of an account, the mailbox selected on it, and the message coming in over it. */
#ifndef MW_FETCHER_LINK_H
#define MW_FETCHER_LINK_H

#include "fetcher/imap_conn.h"
#include "fetcher/mailbox.h"
#include "fetcher/window.h"

struct account;
struct fetcher;
struct link;
struct numbering;
struct secret_digest;
struct id;

/* named and exists may be NULL. */
struct link_handlers {
	void (*ready)(struct link *link);
	void (*closed)(struct link *link, const struct err *e);
	/* A LIST, STATUS or NAMESPACE response, or a FETCH with a header. */
	void (*named)(struct link *link, const struct imap_resp *resp);
	/* The selected mailbox grew. */
	void (*exists)(struct link *link);
};

struct link_uids {
	uint32_t *uids;
	size_t count, room;
};

struct link {
	struct account *account;
	struct imap_conn *conn;
	const struct link_handlers *handlers;
	unsigned lane; /* of the messages fetched */
	struct mailbox *mailbox; /* selected, or being selected */
	/* what SELECT said */
	uint32_t exists, uidnext, validity;
	uint64_t modseq;
	struct mailbox_id mailbox_id;
	bool selected, expunged, ready;
	bool renamed; /* the mailbox has another UIDVALIDITY here, and the same numbers (numbering.h) */
	imap_done *select_done; /* of the mailbox being selected */
	struct numbering *numbering; /* being compared; NULL: not */
	bool overflow; /* the server tells of other mailboxes no more (RFC 5465) */
	uint32_t last_uid; /* highest received since the last selection */
	/* what SEARCH said, ascending */
	uint32_t *found;
	size_t found_count, found_room;
	uint32_t search_low, search_high; /* what is not asked for is not found */
	/* what was asked for (link_ask.c) */
	struct link_ask *asks; /* outstanding */
	struct link_uids arrived; /* in answer to the one that was answered last */
	bool listing; /* a FETCH instead of a SEARCH: what it names is found, if it came in this time (0: at any) */
	int64_t listing_since_ms, listing_until_ms;
	uint32_t flags_uid; /* whose flags came before its body */
	struct buf flags;
	/* the message coming in */
	struct flight *coming;
	struct secret_digest *digest;
	uint64_t got, announced;
	bool too_large;
	/* while the window has no room for it */
	struct link *no_room_next;
	unsigned no_room_lane;
	bool no_room;
};

struct link *link_open(struct account *a, unsigned lane, const struct link_handlers *handlers);
void link_free(struct link **link);
/* Nothing is asked for a while: gives up the memory that answers took. */
void link_rest(struct link *link);
/* There may be room in the window: whoever waits for it goes on, each lane in the order in which they came. */
void link_resume_all(struct fetcher *f);
/* EXAMINE (or SELECT); with QRESYNC from the mailbox's cursor if resync. What the server tells in it is entered. */
void link_select(struct link *link, struct mailbox *mailbox, bool writing, bool resync,
		 imap_done *done);
/* UID SEARCH; the result is in found when done is called. criteria may be empty: all in low:high. done of this and of the
 * next has the link as ctx. Not while another is outstanding. */
void link_search(struct link *link, uint32_t low, uint32_t high, struct span criteria,
		 imap_done *done);
/* The same with dates, as the criteria say them too: since the day of since_ms, before that of until_ms; 0: no end. They
 * are needed where the server has no SEARCH (FAULTS F22). */
void link_search_dated(struct link *link, uint32_t low, uint32_t high, struct span criteria,
		       int64_t since_ms, int64_t until_ms, imap_done *done);
/* The same for the highest `count` UIDs up to high, of a server with PARTIAL (RFC 9394). */
void link_search_last(struct link *link, uint32_t high, size_t count, struct span criteria,
		      imap_done *done);
/* UID FETCH with flags, date, size and body; set ascending, and no UID in two that are outstanding. Where the server has ids
 * of its own for messages, it is asked for those first, and only for the bodies of what is not here. */
void link_fetch(struct link *link, struct span set, imap_done *done, uint64_t arg);
void link_arrived(struct link *link, uint32_t uid);
/* In answer to what is outstanding, or to what was answered last. */
bool link_has_arrived(const struct link *link, uint32_t uid);
/* Something came that could not be used: what does not come is asked for once more. */
void link_doubt(struct link *link);
/* Is this message being asked for once more? */
bool link_asks_again(const struct link *link, uint32_t uid);
/* A FETCH response in answer to the question which messages there are (identify.h). False: it is about something else. */
bool link_met(struct link *link, const struct imap_resp *fetch);
/* Is the message with this UID and check one of before with other bytes? Then id_out is its id. */
bool link_was(const struct link *link, uint32_t uid, uint32_t check, struct id *id_out);
/* The message that is to come next, as far as servers answer in order; 0 if nobody knows. */
uint32_t link_awaited(const struct link *link);
void link_asks_free(struct link *link);
/* Does the answer say yes? If not, e says what the server said. */
bool link_said_yes(const struct imap_resp *tagged, struct err *e);

/* receive.c: a message's bytes and its end. */
bool receive_begin(struct link *link, uint64_t bytes);
/* Where the message's next octets belong, *n_out of them; NULL: it is not kept. */
uint8_t *receive_place(struct link *link, uint64_t *n_out);
void receive_data(struct link *link, struct span data);
void receive_end(struct link *link, const struct imap_resp *fetch);
void receive_abort(struct link *link);

#endif
