/* What is left to fetch of a set of UIDs, once some of it is known. */
#include "fetcher/identify.h"

const struct identify_met *identify_find(const struct identify_list *list, uint32_t uid)
{
	for (size_t i = list->count; i > 0; i--)
		if (list->items[i - 1].uid == uid)
			return &list->items[i - 1];
	return NULL;
}

static bool is_wanted(const struct identify_met *met)
{
	return met->answer == IDENTIFY_UNKNOWN || met->answer == IDENTIFY_REWRITTEN;
}

static void put_range(struct buf *out, uint32_t low, uint32_t high, bool open_end)
{
	if (low > high && !open_end)
		return;
	buf_printf(out, out->n ? ",%u" : "%u", low);
	if (open_end)
		buf_put_cstr(out, ":*");
	else if (high > low)
		buf_printf(out, ":%u", high);
}

/* low … high without what is known; both ends may be the last number there is. */
static void put_rest(const struct identify_list *list, uint32_t low, uint32_t high, bool open_end,
		     struct buf *out)
{
	uint64_t from = low;

	for (size_t i = 0; i < list->count && from <= high; i++) {
		const struct identify_met *met = &list->items[i];

		if (met->uid < from || met->uid > high || is_wanted(met))
			continue;
		if (met->uid > from)
			put_range(out, (uint32_t)from, met->uid - 1, false);
		from = (uint64_t)met->uid + 1;
	}
	if (from <= high)
		put_range(out, (uint32_t)from, high, open_end);
}

void identify_rest(const struct identify_list *list, struct span set, struct buf *out)
{
	const bool open_end = set.n > 2 && memcmp(set.p + set.n - 2, ":*", 2) == 0;
	const struct identify_met *last = list->count ? &list->items[list->count - 1] : NULL;
	uint32_t low, high;

	if (open_end)
		set.n -= 2;
	while (imap_set_next(&set, &low, &high)) {
		const bool is_open = open_end && set.n == 0;

		if (is_open && list->more)
			put_rest(list, low, UINT32_MAX, true, out);
		else if (is_open && last && last->uid >= low)
			put_rest(list, low, last->uid, is_wanted(last), out);
		else if (!is_open)
			put_rest(list, low, high, false, out);
	}
}
