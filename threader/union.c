#include "threader/union.h"

#include <stdlib.h>

struct union_set {
	uint8_t (*keys)[IDS_KEY_BYTES]; /* of each node */
	uint32_t *parent;
	uint32_t count, room;
	uint32_t *slots; /* open addressing: node + 1, 0 free; twice room, a power of two */
};

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

static uint32_t slot_of(const struct union_set *set, const uint8_t key[IDS_KEY_BYTES])
{
	uint32_t mask = set->room * 2 - 1, h;

	memcpy(&h, key, sizeof(h)); /* keys are hashes already */
	for (h &= mask; set->slots[h] != 0; h = (h + 1) & mask)
		if (memcmp(set->keys[set->slots[h] - 1], key, IDS_KEY_BYTES) == 0)
			break;
	return h;
}

static void resize(struct union_set *set, uint32_t room)
{
	set->room = room;
	set->keys = must(realloc(set->keys, (size_t)room * sizeof(*set->keys)));
	set->parent = must(realloc(set->parent, (size_t)room * sizeof(*set->parent)));
	free(set->slots);
	set->slots = must(calloc((size_t)room * 2, sizeof(*set->slots)));
	for (uint32_t n = 0; n < set->count; n++)
		set->slots[slot_of(set, set->keys[n])] = n + 1;
}

struct union_set *union_new(void)
{
	struct union_set *set = must(calloc(1, sizeof(*set)));

	resize(set, 1024);
	return set;
}

void union_free(struct union_set **set)
{
	if (!*set)
		return;
	free((*set)->keys);
	free((*set)->parent);
	free((*set)->slots);
	free(*set);
	*set = NULL;
}

uint32_t union_node(struct union_set *set, const uint8_t key[IDS_KEY_BYTES])
{
	uint32_t slot = slot_of(set, key);

	if (set->slots[slot] != 0)
		return set->slots[slot] - 1;
	if (set->count == set->room) {
		if (set->room >= UINT32_MAX / 4)
			abort();
		resize(set, set->room * 2);
		slot = slot_of(set, key);
	}
	memcpy(set->keys[set->count], key, IDS_KEY_BYTES);
	set->parent[set->count] = set->count;
	set->slots[slot] = ++set->count;
	return set->count - 1;
}

uint32_t union_find(struct union_set *set, uint32_t node)
{
	while (set->parent[node] != node) {
		set->parent[node] = set->parent[set->parent[node]];
		node = set->parent[node];
	}
	return node;
}

void union_join(struct union_set *set, uint32_t a, uint32_t b)
{
	a = union_find(set, a);
	b = union_find(set, b);
	if (a < b)
		set->parent[b] = a;
	else
		set->parent[a] = b;
}
