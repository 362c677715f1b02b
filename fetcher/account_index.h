/* account_index: the accounts this process knows, found by name. Two companies may give the same name. */
#ifndef MW_FETCHER_ACCOUNT_INDEX_H
#define MW_FETCHER_ACCOUNT_INDEX_H

#include "common/base/span.h"

#define ACCOUNT_INDEX_BUCKETS 4096u

struct account;

struct account_index {
	uint64_t seed; /* so that nobody can choose names that fall together */
	struct account *buckets[ACCOUNT_INDEX_BUCKETS];
};

void account_index_init(struct account_index *index);
/* The account stays its owner's; its names are not to change while it is in here. */
void account_index_add(struct account_index *index, struct account *a);
void account_index_remove(struct account_index *index, struct account *a);
/* NULL if there is none. */
struct account *account_index_find(const struct account_index *index, struct span company,
				   struct span name);
/* The first of this name after `last` (NULL: of all), whatever its company; NULL if there is no more. */
struct account *account_index_named(const struct account_index *index, struct span name,
				    const struct account *last);

#endif
