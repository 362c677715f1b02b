/*
 * delivery: one outbox entry on its way: leased, composed, sent, settled.
 *
 * What may die when, and what then holds (SND-07):
 *   before handed_over is durable   nothing was accepted: the lease runs out and the entry is tried again
 *   after it                        nobody sends again; sender.lua looks for the message for an hour, then it is unknown
 *   after the server's answer       the same, if the answer was not settled
 */
#ifndef MW_SENDER_DELIVERY_H
#define MW_SENDER_DELIVERY_H

#include "sender/sender.h"

/* Takes the entry if it can be leased; blocks for Redis, blobs and composing. False: Redis does not answer. */
bool delivery_start(struct sender *sender, struct span company, struct span account,
		    const struct outbox_due *due);
bool delivery_is_running(const struct sender *sender, struct span company, struct span account,
			 struct span submission);
/* How many there are: of this process, and of one account; bulk: those of them that are copies of mail to many. */
struct delivery_load {
	size_t all, bulk, account, account_bulk;
};
struct delivery_load delivery_load(const struct sender *sender, struct span company,
				   struct span account);
/* Extends leases, settles what could not be settled before. */
void delivery_tick(struct sender *sender, int64_t now_mono_ms);
/* Gives back what was not handed over and frees all. */
void delivery_stop_all(struct sender *sender);

#endif
