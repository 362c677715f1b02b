/* hop: the sender's bell: what is due is rung in, what was written is rung out. The one file that touches the bus. */
#ifndef MW_SENDER_HOP_H
#define MW_SENDER_HOP_H

#include "sender/sender.h"

void hop_bell(void *ctx, struct span from, struct bus_item item);
/* To all of a stage; a hint. */
void hop_ring(struct sender *sender, const char *stage, const char *topic, struct span company,
	      struct span account);
/* Is the account this process's, among the living senders? */
bool hop_is_mine(const struct sender *sender, struct span company, struct span account);

#endif
