/*
 * labels: Gmail's labels (X-GM-EXT-1) as mailboxes of the account. A label is shown as a folder; the message is one, wherever
 * it is looked at. So it is read from "all mail" alone, and its labels are the folders that it is in (FAULTS F34).
 */
#ifndef MW_FETCHER_LABELS_H
#define MW_FETCHER_LABELS_H

#include "common/base/buf.h"
#include "fetcher/imap_resp.h"

struct account;
struct mailbox;

#define LABELS_MAX 64u
#define LABELS_BYTES_MAX 1024u

struct label_facts {
	unsigned place; /* bits of the wire's `place`: sent, inbox, drafts */
	bool draft;
};

/* The labels of a FETCH response, walked once: numbers of the mailboxes that they are, as a packed list in packed_out
 * (ascending, each once); nothing is put there if the response says nothing of labels. */
void labels_take(struct account *a, const struct imap_resp *fetch, struct buf *packed_out,
		 struct label_facts *facts_out);
/* Does this account's "all mail" stand for all folders of labels? Then only it is read. */
bool labels_are_folders(const struct account *a);
/* Are drafts in it that are not to be synced (SYN-01)? */
bool labels_leave_drafts(const struct account *a, const struct mailbox *mailbox);

#endif
