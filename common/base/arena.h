/* arena: many small allocations freed at once. One arena a message. Never returns NULL: out of memory aborts. */
#ifndef MW_BASE_ARENA_H
#define MW_BASE_ARENA_H

#include "common/base/span.h"

struct arena; /* opaque */

struct arena *arena_new(size_t chunk_bytes); /* 0: 16 KiB */
void arena_free(struct arena **arena);
/* Frees all allocations, keeps the first chunk for the next message. */
void arena_reset(struct arena *arena);
/* Zeroed, aligned for any type; n 0 gives an address that must not be used. */
void *arena_alloc(struct arena *arena, size_t n);
/* The same, but what is in it is anything: for who writes all of it. */
void *arena_take(struct arena *arena, size_t n);
void *arena_array(struct arena *arena, size_t count, size_t item_bytes);
void *arena_copy(struct arena *arena, const void *p, size_t n);
struct span arena_span(struct arena *arena, struct span s);
char *arena_cstr(struct arena *arena, struct span s); /* NUL-terminated copy */
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *arena);

#endif
