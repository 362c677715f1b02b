#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST_BYTES 256

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){.max = max_bytes};
}

void buf_fini(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->overflow = false;
}

void buf_wipe(struct buf *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
	buf_fini(b);
}

/* Allocates at least `need` bytes; one more than the maximum is allowed, for the NUL of buf_cstr. */
static void grow(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : BUF_FIRST_BYTES;

	if (need <= b->cap)
		return;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (cap > b->max && need <= b->max)
		cap = b->max;
	else if (cap > need && need > b->max)
		cap = need;
	b->p = realloc(b->p, cap);
	if (!b->p)
		abort();
	b->cap = cap;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	if (b->overflow || b->n > b->max || n > b->max - b->n) {
		b->overflow = true;
		return NULL;
	}
	grow(b, b->n + n ? b->n + n : 1);
	return b->p + b->n;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	uint8_t *to;

	if (n == 0)
		return;
	to = buf_reserve(b, n);
	if (!to)
		return;
	memcpy(to, p, n);
	b->n += n;
}

void buf_put_span(struct buf *b, struct span s)
{
	buf_put(b, s.p, s.n);
}

void buf_put_cstr(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_put_byte(struct buf *b, uint8_t c)
{
	buf_put(b, &c, 1);
}

void buf_put_quoted(struct buf *b, struct span s)
{
	buf_put_byte(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_put_byte(b, '\\');
		buf_put_byte(b, s.p[i]);
	}
	buf_put_byte(b, '"');
}

void buf_put_utf8(struct buf *b, uint32_t code_point)
{
	const bool none = code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff);
	const uint32_t c = none ? 0xfffd : code_point;
	const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
	uint8_t bytes[4];

	bytes[0] = (uint8_t)(first[n] | c >> 6 * (n - 1));
	for (size_t i = 1; i < n; i++)
		bytes[i] = (uint8_t)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
	buf_put(b, bytes, n);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	size_t need;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		abort();
	need = (size_t)n;
	if (!buf_reserve(b, need))
		return;
	grow(b, b->n + need + 1);
	va_start(args, format);
	vsnprintf((char *)b->p + b->n, need + 1, format, args);
	va_end(args);
	b->n += need;
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	if (n)
		memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

const char *buf_cstr(struct buf *b)
{
	grow(b, b->n + 1);
	b->p[b->n] = 0;
	return (const char *)b->p;
}
