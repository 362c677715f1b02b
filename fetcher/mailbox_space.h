/* mailbox_space: whose mailboxes are where (NAMESPACE, RFC 2342): one's own, other users', shared ones. Pure. */
#ifndef MW_FETCHER_MAILBOX_SPACE_H
#define MW_FETCHER_MAILBOX_SPACE_H

#include "fetcher/imap_resp.h"

#define MAILBOX_PREFIX_MAX 120

struct mailbox_spaces {
	struct {
		uint8_t prefix[MAILBOX_PREFIX_MAX];
		size_t n;
		bool own;
	} items[IMAP_SPACES_MAX];
	size_t count;
};

/* What the server said. Prefixes that are too long are left out. */
void mailbox_spaces_set(struct mailbox_spaces *spaces, const struct imap_resp *resp);
/* Is it one of the user's own? By the longest prefix that it has; so is what no prefix names, and INBOX. */
bool mailbox_space_is_own(const struct mailbox_spaces *spaces, struct span path);
/* The path without the prefix of its space, "INBOX." or so: as people name it. */
struct span mailbox_space_name(const struct mailbox_spaces *spaces, struct span path);

#endif
