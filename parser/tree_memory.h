/*
 * tree_memory: what a tree builder allocates while it works on one text, freed at once. What it gives back is given out again: a builder
 * that makes and drops small strings for every tag stays within a few pages.
 */
#ifndef MW_PARSER_TREE_MEMORY_H
#define MW_PARSER_TREE_MEMORY_H

#include "common/base/arena.h"

#include <setjmp.h>

#define TREE_MEMORY_CLASSES 32

struct tree_memory {
	struct arena *arena;
	size_t max_bytes; /* taken from the arena, never more */
	jmp_buf full; /* set by the caller: where to go when they are used up. The builder stays as it is, to be forgotten */
	void *given_back[TREE_MEMORY_CLASSES]; /* lists, by the power of two of their size */
};

void tree_memory_init(struct tree_memory *memory, size_t max_bytes);
void tree_memory_fini(struct tree_memory *memory);
/* As malloc and free, but never NULL: goes to memory->full. Not zeroed; aligned for any type. */
void *tree_memory_allocate(void *memory, size_t n);
void tree_memory_free(void *memory, void *p);

#endif
