/*
 * union: which ids are connected, in memory (union-find). For `threader --json` and tests; the real union is made in the
 * linker's commit, by the same rule (THR-01, THR-03): nodes are id keys, the group seen first gives its name.
 */
#ifndef MW_THREADER_UNION_H
#define MW_THREADER_UNION_H

#include "threader/ids.h"

struct union_set;

struct union_set *union_new(void);
void union_free(struct union_set **set);
/* The node of a key, made if new. Numbers count from 0. */
uint32_t union_node(struct union_set *set, const uint8_t key[IDS_KEY_BYTES]);
void union_join(struct union_set *set, uint32_t a, uint32_t b);
/* The smallest node of the group: the one seen first. */
uint32_t union_find(struct union_set *set, uint32_t node);

#endif
