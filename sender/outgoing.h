/*
 * outgoing: the accounts that have something to send: how much of each is under way, and what may be taken next (SND-10).
 * One is there as long as its outbox is to be looked at, or something of it is under way.
 */
#ifndef MW_SENDER_OUTGOING_H
#define MW_SENDER_OUTGOING_H

#include "sender/outbox.h"

struct sender;

struct outgoing_load {
	size_t sending,
		waiting; /* on a connection; leased ahead of it, so that no connection waits */
	size_t sending_bulk, waiting_bulk; /* of them copies of mail to many */
};

enum outgoing_ring {
	OUTGOING_JOURNAL = 1, /* linkers apply it */
	OUTGOING_LEDGER = 2, /* fetchers drive what is new in it */
	OUTGOING_ACCOUNTS = 4, /* fetchers find a command */
};

struct outgoing {
	struct outgoing *next;
	char company[65], account[65], word[40];
	bool look, taking;
	struct outgoing_load load;
	size_t deliveries;
	unsigned rings; /* enum outgoing_ring: due */
	struct outbox_call take; /* under way if taking */
};

/* The account's outbox shall be looked at as soon as there is room. */
struct outgoing *outgoing_look(struct sender *sender, struct span company, struct span account);
/* May one more of the account be on a connection? Mail to many leaves a part of everything to people's. */
bool outgoing_may_send(const struct sender *sender, const struct outgoing *o, bool bulk);
/* Asks for what there is room for; rings whom something concerns; forgets accounts with nothing under way. */
void outgoing_turn(struct sender *sender);
/* An answer to what outgoing_turn asked for. */
void outgoing_taken(struct outgoing *o, struct sender *sender);
void outgoing_free_all(struct sender *sender);

#endif
