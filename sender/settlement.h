/* settlement: what becomes of an outbox entry in the end, and what of it enters the pipeline. */
#ifndef MW_SENDER_SETTLEMENT_H
#define MW_SENDER_SETTLEMENT_H

#include "sender/delivery.h"

/* The delivery ends: one of these, once. The server took it, for some recipients at least. */
void settlement_taken(struct delivery *d, const char *words);
/* It never works, or not now: the words say why. */
void settlement_refused(struct delivery *d, bool for_good, const char *words);
/* It was handed over, and nobody answered. */
void settlement_ambiguous(struct delivery *d, const char *words);
/* As if it had not been leased. */
void settlement_release(struct delivery *d);

/* Redis did not take it: once more. */
void settlement_again(struct delivery *d);
/* Redis's answer; d->over if that was all. */
void settlement_told(struct delivery *d, const struct outbox_call *call);

/* For the lane that makes blobs durable (sender.c); items are deliveries. */
void settlement_store(void *sender, void *const *items, size_t count);
void settlement_stored(void *sender, void *delivery);

#endif
