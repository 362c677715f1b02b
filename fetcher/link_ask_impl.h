/* link_ask_impl: what is outstanding on a link, as link_ask.c (messages) and link_search.c (UIDs) share it. */
#ifndef MW_FETCHER_LINK_ASK_IMPL_H
#define MW_FETCHER_LINK_ASK_IMPL_H

#include "fetcher/identify.h"
#include "fetcher/link.h"

struct link_ask {
	struct link_ask *next;
	struct link *link;
	imap_done *done;
	uint64_t arg;
	uint32_t low, high; /* what the question is about */
	int64_t since_ms, until_ms; /* and from what time */
	struct buf set;
	struct link_uids arrived;
	bool doubtful; /* lines that could not be read, bodies that were empty */
	uint32_t *again; /* still to be asked for by themselves */
	size_t again_count;
	uint32_t alone; /* being asked for by itself; 0: none */
	struct identify_list met; /* by the server's own ids */
	struct identify_job *identify; /* being looked up; NULL: not */
	bool meeting; /* only names are asked for so far */
	uint32_t exists; /* messages in the mailbox when it was asked for */
	bool spoilt; /* and its line could not be read */
};

/* Outstanding from now on. */
struct link_ask *link_ask_new(struct link *link, imap_done *done, uint64_t arg);
/* Answered: what arrived is the link's, done is called, the ask is gone. */
void link_ask_finish(struct link_ask *ask, const struct imap_resp *tagged);

#endif
