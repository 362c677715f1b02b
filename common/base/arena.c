#include "common/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_CHUNK_BYTES (16u * 1024u)
#define ARENA_ALIGN alignof(max_align_t)

/* Under AddressSanitizer each allocation is a chunk of its own, so that reading past its end is found. */
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ONE_EACH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ONE_EACH 1
#endif
#endif
#ifndef ARENA_ONE_EACH
#define ARENA_ONE_EACH 0
#endif

struct chunk {
	struct chunk *next;
	size_t cap, used;
	alignas(max_align_t) uint8_t bytes[];
};

struct arena {
	struct chunk *first; /* kept by a reset */
	struct chunk *last; /* where allocations are tried */
	size_t chunk_bytes, used;
};

static struct chunk *chunk_new(size_t cap)
{
	struct chunk *chunk;

	if (cap > SIZE_MAX / 2)
		abort();
	chunk = malloc(sizeof(*chunk) + cap);
	if (!chunk)
		abort();
	chunk->next = NULL;
	chunk->cap = cap;
	chunk->used = 0;
	return chunk;
}

struct arena *arena_new(size_t chunk_bytes)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		abort();
	arena->chunk_bytes = chunk_bytes ? chunk_bytes : ARENA_CHUNK_BYTES;
	arena->first = arena->last = chunk_new(ARENA_ONE_EACH ? 0 : arena->chunk_bytes);
	return arena;
}

static void chunks_free(struct chunk *chunk)
{
	while (chunk) {
		struct chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
}

void arena_free(struct arena **arena)
{
	if (!*arena)
		return;
	chunks_free((*arena)->first);
	free(*arena);
	*arena = NULL;
}

void arena_reset(struct arena *arena)
{
	chunks_free(arena->first->next);
	arena->first->next = NULL;
	arena->first->used = 0;
	arena->last = arena->first;
	arena->used = 0;
}

/* A chunk for one large allocation goes in before the last, so that the room left there stays in use. */
static struct chunk *chunk_for(struct arena *arena, size_t n)
{
	struct chunk *chunk;

	if (!ARENA_ONE_EACH && n <= arena->last->cap - arena->last->used)
		return arena->last;
	if (!ARENA_ONE_EACH && n <= arena->chunk_bytes / 4) {
		chunk = chunk_new(arena->chunk_bytes);
		arena->last->next = chunk;
		arena->last = chunk;
		return chunk;
	}
	chunk = chunk_new(n);
	chunk->next = arena->first->next;
	arena->first->next = chunk;
	if (arena->last == arena->first)
		arena->last = chunk;
	return chunk;
}

void *arena_take(struct arena *arena, size_t n)
{
	size_t rounded = (n + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
	struct chunk *chunk;
	void *p;

	if (rounded < n)
		abort();
	if (ARENA_ONE_EACH)
		rounded = n;
	chunk = chunk_for(arena, rounded);
	p = chunk->bytes + chunk->used;
	chunk->used += rounded;
	arena->used += n;
	return p;
}

void *arena_alloc(struct arena *arena, size_t n)
{
	void *p = arena_take(arena, n);

	return n ? memset(p, 0, n) : p;
}

void *arena_array(struct arena *arena, size_t count, size_t item_bytes)
{
	if (item_bytes && count > SIZE_MAX / item_bytes)
		abort();
	return arena_alloc(arena, count * item_bytes);
}

void *arena_copy(struct arena *arena, const void *p, size_t n)
{
	void *copy = arena_take(arena, n);

	return n ? memcpy(copy, p, n) : copy;
}

struct span arena_span(struct arena *arena, struct span s)
{
	return span_make(arena_copy(arena, s.p, s.n), s.n);
}

char *arena_cstr(struct arena *arena, struct span s)
{
	char *copy = arena_alloc(arena, s.n + 1);

	if (s.n)
		memcpy(copy, s.p, s.n);
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		abort();
	text = arena_alloc(arena, (size_t)n + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}
