#include "fetcher/account_index.h"

#include "common/base/clock.h"
#include "fetcher/account.h"

void account_index_init(struct account_index *index)
{
	memset(index, 0, sizeof(*index));
	random_bytes(&index->seed, sizeof(index->seed));
}

/* FNV-1a. */
static size_t bucket_of(const struct account_index *index, struct span name)
{
	uint64_t hash = index->seed ^ 0xcbf29ce484222325u;

	for (size_t i = 0; i < name.n; i++)
		hash = (hash ^ name.p[i]) * 0x100000001b3u;
	return (size_t)((hash ^ hash >> 32) % ACCOUNT_INDEX_BUCKETS);
}

void account_index_add(struct account_index *index, struct account *a)
{
	struct account **at = &index->buckets[bucket_of(index, span_cstr(a->name))];

	a->namesake = *at;
	*at = a;
}

void account_index_remove(struct account_index *index, struct account *a)
{
	struct account **at = &index->buckets[bucket_of(index, span_cstr(a->name))];

	while (*at && *at != a)
		at = &(*at)->namesake;
	if (*at)
		*at = a->namesake;
	a->namesake = NULL;
}

struct account *account_index_named(const struct account_index *index, struct span name,
				    const struct account *last)
{
	struct account *a = last ? last->namesake : index->buckets[bucket_of(index, name)];

	while (a && !span_eq(name, span_cstr(a->name)))
		a = a->namesake;
	return a;
}

struct account *account_index_find(const struct account_index *index, struct span company,
				   struct span name)
{
	struct account *a = account_index_named(index, name, NULL);

	while (a && !span_eq(company, span_cstr(a->company)))
		a = account_index_named(index, name, a);
	return a;
}
