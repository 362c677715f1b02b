#include "parser/tree_memory.h"

#include <stdalign.h>
#include <stdlib.h>

#define CHUNK_BYTES (256u << 10)
#define SMALLEST 5 /* 32 bytes */

/* In front of each block. */
struct head {
	alignas(max_align_t) unsigned class;
};

void tree_memory_init(struct tree_memory *memory, size_t max_bytes)
{
	*memory = (struct tree_memory){.arena = arena_new(CHUNK_BYTES), .max_bytes = max_bytes};
}

void tree_memory_fini(struct tree_memory *memory)
{
	arena_free(&memory->arena);
}

/* The least power of two that holds n bytes. */
static unsigned class_of(size_t n)
{
	unsigned class = SMALLEST;
	while (class < TREE_MEMORY_CLASSES && n > (size_t)1 << class)
		class ++;
	return class;
}

void *tree_memory_allocate(void *ctx, size_t n)
{
	struct tree_memory *memory = ctx;
	unsigned class = class_of(n);
	if (class == TREE_MEMORY_CLASSES)
		longjmp(memory->full, 1);
	void *again = memory->given_back[class];
	if (again) {
		memcpy(&memory->given_back[class], again, sizeof(void *));
		return again;
	}
	size_t bytes = sizeof(struct head) + ((size_t)1 << class);
	if (bytes > memory->max_bytes - arena_used(memory->arena))
		longjmp(memory->full, 1);
	struct head *head = arena_take(memory->arena, bytes);
	head->class = class;
	return head + 1;
}

void tree_memory_free(void *ctx, void *p)
{
	struct tree_memory *memory = ctx;
	if (!p)
		return;
	const struct head *head = (const struct head *)p - 1;
	memcpy(p, &memory->given_back[head->class], sizeof(void *));
	memory->given_back[head->class] = p;
}
