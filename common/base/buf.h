/*
 * buf: a growing byte buffer with a maximum given at init. Out of memory aborts (a restart is safe, because any crash
 * is); growing past the maximum sets `overflow`, writes nothing more and is asked for once, at the end, by buf_ok().
 */
#ifndef MW_BASE_BUF_H
#define MW_BASE_BUF_H

#include "common/base/span.h"

struct buf {
	uint8_t *p;
	size_t n; /* bytes used */
	size_t cap; /* bytes allocated */
	size_t max; /* never more than this */
	bool overflow;
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_fini(struct buf *b);
void buf_clear(struct buf *b); /* keeps the allocation; clears overflow */
/* Wipes all bytes, then as buf_fini: for secrets. Growing moves bytes and leaves copies: reserve the room first. */
void buf_wipe(struct buf *b);
/* Room for n more bytes; NULL (and overflow) if over the maximum. The caller writes and then adds to b->n. */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_put(struct buf *b, const void *p, size_t n);
void buf_put_span(struct buf *b, struct span s);
void buf_put_cstr(struct buf *b, const char *s);
void buf_put_byte(struct buf *b, uint8_t c);
/* In double quotes, with a backslash before those and itself (RFC 5322 3.2.4, RFC 9051 4.3). What may stand in it is the caller's to look at. */
void buf_put_quoted(struct buf *b, struct span s);
void buf_put_utf8(struct buf *b, uint32_t code_point); /* U+FFFD for what is none */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drops n bytes from the front. */
void buf_consume(struct buf *b, size_t n);
/* NUL-terminates (the NUL is not counted in n) and returns the bytes as a C string. */
const char *buf_cstr(struct buf *b);
static inline struct span buf_span(const struct buf *b)
{
	return (struct span){b->p, b->n};
}
static inline bool buf_ok(const struct buf *b)
{
	return !b->overflow;
}

#endif
