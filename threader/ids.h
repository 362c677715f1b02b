/*
 * ids: Message-IDs, made comparable. Pure.
 *
 * An id is what stands between '<' and '>' and holds an '@'. Anything else in In-Reply-To and References ("yes", dates,
 * names) is no id and never joins threads. White space and control characters, which folding leaves inside, are
 * dropped; nothing else is: RFC 5322 section 3.6.4 makes ids opaque, so case counts.
 */
#ifndef MW_THREADER_IDS_H
#define MW_THREADER_IDS_H

#include "common/base/buf.h"

#define IDS_KEY_BYTES 8

/* The next `<…>` of a raw header field, outside of comments, without the angles. Takes it off the field. */
bool ids_next(struct span *field, struct span *token_out);
/* Appends the normal form of a token, with or without angles. False (nothing appended) if it is no id. */
bool ids_normalize(struct span token, struct buf *out);
/* First 8 bytes of SHA-256 of a normal form. Ids of any length are possible; the key has always this one. */
void ids_key(struct span normalized, uint8_t key_out[IDS_KEY_BYTES]);

#endif
