/*
 * imap_deflate: the layer of COMPRESS=DEFLATE (RFC 4978): raw deflate both ways. Pure: bytes in, bytes out, no I/O.
 *
 *   received: imap_deflate_room → read that many octets there → imap_deflate_add; then imap_deflate_take until it says ERR_AGAIN
 *   to send:  imap_deflate_put(d, &plain, &wire) empties plain into wire, flushed: the server can read all of it
 *
 * Memory is bounded whatever comes: 16 KB of what was received, the window of 32 KB that a server may use, and about 10 KB to
 * compress our commands, which are small. What a few octets swell to is given out piece by piece, as much as is asked for.
 */
#ifndef MW_FETCHER_IMAP_DEFLATE_H
#define MW_FETCHER_IMAP_DEFLATE_H

#include "common/base/buf.h"
#include "common/base/err.h"

#define IMAP_DEFLATE_BYTES (16u << 10)

struct imap_deflate;

struct imap_deflate *imap_deflate_new(void);
void imap_deflate_free(struct imap_deflate **d);
/* Where received octets go, *n_out of them at most: never 0 after imap_deflate_take said ERR_AGAIN. */
uint8_t *imap_deflate_room(struct imap_deflate *d, size_t *n_out);
/* So many were written there. */
void imap_deflate_add(struct imap_deflate *d, size_t n);
/* The same by copy, for what came behind the server's OK: at most IMAP_DEFLATE_BYTES, or false. */
MUST_USE bool imap_deflate_add_span(struct imap_deflate *d, struct span bytes);
/* Up to n plain octets (n at least 1). ERR_OK with *n_out ≥ 1; ERR_AGAIN: more is needed first; ERR_PEER: not deflate, or it
 * ended, and stays so. */
MUST_USE enum err_code imap_deflate_take(struct imap_deflate *d, uint8_t *p, size_t n,
					 size_t *n_out);
void imap_deflate_put(struct imap_deflate *d, struct buf *plain, struct buf *wire);

#endif
