/*
 * address: one normal form of a mail address, so that the mirror and the matcher agree (LNK-01).
 * Lower case (ASCII and Unicode in the local part by simple folding), domain by IDNA 2008 to A-labels, surrounding
 * blanks and angle brackets dropped.
 */
#ifndef MW_BASE_ADDRESS_H
#define MW_BASE_ADDRESS_H

#include "common/base/buf.h"

#define ADDRESS_MAX 320

/* False if there is no '@', an empty side, a control character, or over ADDRESS_MAX: then out is untouched. */
bool address_normalize(struct span raw, char out[ADDRESS_MAX + 1]);
/*
 * Does one entry of a block list match a normalized address? Entries: `a@b.c`, `@b.c` (that domain alone),
 * `@*.b.c` (its subdomains, not b.c itself) — BLK-01.
 */
bool address_blocked_by(struct span entry, struct span normalized);

#endif
