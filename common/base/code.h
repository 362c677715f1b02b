/* code: text codings of bytes (base32, base64, hex), and the two shapes of our own ids. */
#ifndef MW_BASE_CODE_H
#define MW_BASE_CODE_H

#include "common/base/buf.h"

/*
 * A message or thread id is 10 bytes inside (80 bits of SHA-256), 16 characters of lower-case Crockford base32 outside.
 * In the API it is `<account id>~<16 characters>`: an account id has no '~' (1–64 of A-Za-z0-9_.-).
 */
#define ID_BYTES 10
#define ID_CHARS 16

struct id {
	uint8_t b[ID_BYTES];
};

void id_format(const struct id *id, char out[ID_CHARS + 1]);
bool id_parse(struct span s, struct id *id_out);
static inline bool id_eq(const struct id *a, const struct id *b)
{
	return memcmp(a->b, b->b, ID_BYTES) == 0;
}
/* Splits `<account>~<id>`; account_out is a part of s. */
bool id_parse_public(struct span s, struct span *account_out, struct id *id_out);
/* 1–64 of A-Za-z0-9_.- : ids chosen by clients (companies, users, people, items, accounts). */
bool id_is_client(struct span s);

/* Lower-case Crockford base32 without padding. out gets (n * 8 + 4) / 5 characters. */
void base32_encode(struct span s, struct buf *out);
bool base32_decode(struct span s, struct buf *out);
/* Standard alphabet with padding; url: the URL alphabet without. decode takes either,
 * padded or not. All decoders append to out, or refuse and leave it as it was: foreign characters, blanks, a length that
 * no bytes have, and fill bits that are not zero (so each value has one text, but for alphabet and padding). */
void base64_encode(struct span s, struct buf *out);
void base64url_encode(struct span s, struct buf *out);
bool base64_decode(struct span s, struct buf *out);
void hex_encode(struct span s, struct buf *out);
/* CSPRNG; aborts if the system has none. */
void random_bytes(void *p, size_t n);

#endif
