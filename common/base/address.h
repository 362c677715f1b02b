/*
 * address: one normal form of a mail address, so that the mirror and the matcher agree (LNK-01).
 * Lower case (ASCII and Unicode in the local part by simple folding), domain by IDNA 2008 to A-labels, surrounding
 * blanks and angle brackets dropped.
 */
#ifndef MW_BASE_ADDRESS_H
#define MW_BASE_ADDRESS_H

#include "common/base/buf.h"

#define ADDRESS_MAX 320

/*
 * False if there is no '@', an empty side, a control character, bytes that are no UTF-8, a domain that IDNA refuses or
 * with a blank or one of @<> in it, or the result is over ADDRESS_MAX: then out is untouched. The last '@' counts; dots at the domain's end are dropped. A
 * normal form normalizes to itself. The local part is folded code point by code point (Latin, Greek, Cyrillic, Armenian,
 * full width), not composed: two spellings of one accent stay two addresses.
 */
bool address_normalize(struct span raw, char out[ADDRESS_MAX + 1]);
/*
 * Does one entry of a block list match a normalized address? Entries: `a@b.c`, `@b.c` (that domain alone),
 * `@*.b.c` (its subdomains, not b.c itself) — BLK-01. Entries
 * are normalized here, so they may be as a person wrote them.
 */
bool address_blocked_by(struct span entry, struct span normalized);

#endif
