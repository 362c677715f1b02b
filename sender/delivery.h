/*
 * delivery: one outbox entry on its way: leased, composed, sent, settled.
 *
 *   taken ──▶ WAITS ──a connection is free──▶ SENDS ──the server's answer──▶ ENDS (settlement.h)
 *                └─────────── it cannot be sent, or not now ────────────────────┘
 *
 * What may die when, and what then holds (SND-07):
 *   before handed_over is durable   nothing was accepted: the lease runs out and the entry is tried again
 *   after it                        nobody sends again; sender.lua looks for the message for an hour, then it is unknown
 *   after the server's answer       the same, if the answer was not settled
 */
#ifndef MW_SENDER_DELIVERY_H
#define MW_SENDER_DELIVERY_H

#include "sender/outgoing.h"
#include "sender/prepare.h"
#include "sender/sender.h"

enum delivery_phase { DELIVERY_WAITS, DELIVERY_SENDS, DELIVERY_ENDS };

struct delivery {
	struct delivery *next;
	struct sender *sender;
	struct outgoing *outgoing;
	struct arena *arena;
	struct outbox_key key;
	struct outbox_entry entry;
	struct account account;
	struct line_owner owner;
	struct prepared prepared;
	struct smtp_conn *conn;
	enum delivery_phase phase;
	bool bulk, handed_over;
	int64_t started_us;
	int64_t due_ms; /* when to extend the lease, or to settle again */
	char ticket[ACCOUNT_TICKET_BYTES]; /* of the login under way */
	/* Calls under way: while there are any, it is not freed. */
	struct outbox_call hand_over, extend, end;
	size_t calls;
	bool extending, over;
	/* settlement.c */
	struct outbox_settlement settlement;
	enum sender_outcome outcome;
	const char *words;
	struct blob_ref stored_ref;
	enum err_code stored;
	bool again; /* it could not be settled */
};

/* Takes the leased entry over, copying it; composes: blocks for blobs. */
void delivery_start(struct sender *sender, struct outgoing *outgoing,
		    const struct outbox_taken *taken);
/* Begins to send what waits for a connection, people's first. */
void delivery_begin_all(struct sender *sender);
/* An answer to one of its calls. */
void delivery_told(struct delivery *d, const struct outbox_call *call);
/* Asks for a call of the delivery. */
void delivery_call(struct delivery *d, struct outbox_call *call, enum outbox_verb verb);
/* No longer on a connection nor waiting for one. */
void delivery_set_phase(struct delivery *d, enum delivery_phase phase);
/* Extends leases, settles what could not be settled before. */
void delivery_tick(struct sender *sender, int64_t now_mono_ms);
/* Gives back what waits for a connection. */
void delivery_drain(struct sender *sender);
/* Closes all connections and gives back what was not handed over. */
void delivery_stop_all(struct sender *sender);
/* When no call is under way any more. */
void delivery_free_all(struct sender *sender);

#endif
