#include "fetcher/mailbox_space.h"

void mailbox_spaces_set(struct mailbox_spaces *spaces, const struct imap_resp *resp)
{
	spaces->count = 0;
	for (size_t i = 0; i < resp->space_count; i++) {
		const struct imap_space *from = &resp->spaces[i];

		if (from->prefix.n > MAILBOX_PREFIX_MAX)
			continue;
		if (from->prefix.n)
			memcpy(spaces->items[spaces->count].prefix, from->prefix.p, from->prefix.n);
		spaces->items[spaces->count].n = from->prefix.n;
		spaces->items[spaces->count++].own = from->kind == 0;
	}
}

/* "Public/" has Public/x, and the mailbox Public itself. INBOX's own letters do not count. */
static bool has_prefix(struct span path, struct span prefix)
{
	static const char inbox[] = "INBOX";
	const size_t n = sizeof(inbox) - 1;

	if (prefix.n > 0 && path.n + 1 == prefix.n)
		prefix.n--;
	if (path.n >= n && prefix.n >= n && span_istarts(path, span_cstr(inbox)) &&
	    span_istarts(prefix, span_cstr(inbox))) {
		path = span_sub(path, n, path.n);
		prefix = span_sub(prefix, n, prefix.n);
	}
	return path.n >= prefix.n && span_eq(span_sub(path, 0, prefix.n), prefix);
}

/* SIZE_MAX: none. */
static size_t space_of(const struct mailbox_spaces *spaces, struct span path)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < spaces->count; i++)
		if (has_prefix(path, span_make(spaces->items[i].prefix, spaces->items[i].n)) &&
		    (found == SIZE_MAX || spaces->items[i].n > spaces->items[found].n))
			found = i;
	return found;
}

bool mailbox_space_is_own(const struct mailbox_spaces *spaces, struct span path)
{
	const size_t i = space_of(spaces, path);

	return i == SIZE_MAX || spaces->items[i].own || span_ieq(path, SPAN_LIT("INBOX"));
}

struct span mailbox_space_name(const struct mailbox_spaces *spaces, struct span path)
{
	const size_t i = space_of(spaces, path);

	if (i == SIZE_MAX || spaces->items[i].n >= path.n)
		return path;
	return span_sub(path, spaces->items[i].n, path.n);
}
