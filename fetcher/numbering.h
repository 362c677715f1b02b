/*
 * numbering: does a mailbox still number its messages as it did? (FAULTS F2) Asked where SELECT gives another UIDVALIDITY
 * than we know once more within the time of renumber_ms, or none: some servers invent one at each connection. The lowest, a middle and the highest message that we
 * know are fetched by their UIDs; if they are the same octets, the numbers still count, and what the server says of
 * UIDVALIDITY is passed over. If not, the mailbox is numbered anew, by who selected it.
 */
#ifndef MW_FETCHER_NUMBERING_H
#define MW_FETCHER_NUMBERING_H

#include "fetcher/link.h"

struct numbering;

/* SELECT was answered with yes. True: the answer waits; link->select_done follows later, link->validity then says by its
 * being that of the cursor that the numbers count. */
bool numbering_doubts(struct link *link);
/* A message arrived that was fetched for this. False: it was not. */
bool numbering_takes(struct link *link, uint32_t uid, const struct id *id);
void numbering_stop(struct link *link);
/* Does this UIDVALIDITY, as STATUS says it, tell of another numbering? */
bool numbering_is_other(const struct mailbox *mailbox, uint32_t validity);
/* The mailbox was numbered anew. The wall time from which on all of it may be read again: at most once in a while. */
int64_t numbering_next_ms(const struct account *a, const struct mailbox *old);
/* UIDVALIDITY is of no use there: people are told, until nothing was seen of it for as long as that. */
void numbering_complain(struct account *a, struct mailbox *mailbox, uint32_t validity);

#endif
