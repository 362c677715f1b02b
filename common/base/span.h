/* span: borrowed, counted bytes. A span never owns what it points at; who lends it says for how long. */
#ifndef MW_BASE_SPAN_H
#define MW_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *p; /* may be NULL only when n is 0 */
	size_t n; /* bytes */
};

#define SPAN_LIT(s) ((struct span){(const uint8_t *)(s), sizeof(s) - 1})

static inline struct span span_make(const void *p, size_t n)
{
	return (struct span){(const uint8_t *)p, n};
}

/* The bytes of a NUL-terminated string, without the NUL. NULL gives the empty span. */
static inline struct span span_cstr(const char *s)
{
	return (struct span){(const uint8_t *)s, s ? strlen(s) : 0};
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* The order of bytes, a prefix before what it begins: below, at or above 0. */
int span_compare(struct span a, struct span b);
/* ASCII case ignored; other bytes compare as they are. */
bool span_ieq(struct span a, struct span b);
bool span_istarts(struct span s, struct span prefix);

/* At most n bytes from offset; both are cut to what is there. */
struct span span_sub(struct span s, size_t offset, size_t n);
/* Without leading and trailing blanks, tabs, CR and LF. */
struct span span_trim(struct span s);
/* Offset of the first byte c, or s.n. */
size_t span_find_byte(struct span s, uint8_t c);
/* Decimal digits only, the whole span, no sign. False if not a number or over max. */
bool span_to_u64(struct span s, uint64_t max, uint64_t *value_out);

#endif
