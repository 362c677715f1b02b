/* mailbox_role: what a mailbox is for, by its name alone: where a server marks none with its use (RFC 6154). */
#ifndef MW_FETCHER_MAILBOX_ROLE_H
#define MW_FETCHER_MAILBOX_ROLE_H

#include "common/base/span.h"

/*
 * "sent", "drafts", "trash", "junk" or "". The usual names of mail programs and providers, in many languages, in any
 * letters, in modified UTF-7 or UTF-8; at the top or right below INBOX only, so that a folder that somebody made for
 * something else and put elsewhere is not taken for one. delimiter -1: none.
 */
const char *mailbox_role_by_name(struct span path, int delimiter);

#endif
