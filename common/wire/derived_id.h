/*
 * derived_id: the id that a message without a usable Message-ID goes by (THR-05): the same for two copies, and what an
 * answer written here names (THR-02). `<26 characters of base32>@derived.mailweave`, without angle brackets.
 */
#ifndef MW_WIRE_DERIVED_ID_H
#define MW_WIRE_DERIVED_ID_H

#include "common/base/buf.h"

#define DERIVED_ID_MAX 64

/* Appends the id made from facts.content_hash. */
void derived_id(const uint8_t content_hash[32], struct buf *out);
/* Can this Message-ID (without angle brackets) name a message? It needs an '@' and something beside it. */
bool derived_id_not_needed(struct span message_id);

#endif
