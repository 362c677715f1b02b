/*
 * coverage: proof that nothing is missing (SYN-10) and the search for one message (SYN-11). Over a connection of its own,
 * there only while it is used, each synced folder is compared with the places stored here: UID SEARCH, window by window.
 * What the server has and we have not is fetched, what we have and the server has not goes, until both are equal; the
 * result is kept in KEY_A_COVERAGE. Once in coverage_ms by itself (then it makes way for a first sync), at once when asked.
 * Live mail never waits for it: its connection is another one and its work on the store comes in small jobs.
 */
#ifndef MW_FETCHER_COVERAGE_H
#define MW_FETCHER_COVERAGE_H

#include "fetcher/account.h"

/* There is leave to log in: true if it was used. */
bool coverage_wake(struct account *a);
void coverage_tick(struct account *a, int64_t now_ms);
int64_t coverage_due_ms(const struct account *a);
/* The connection goes and all that was asked with it; the results are kept. */
void coverage_stop(struct account *a);

/* Compare this mailbox now; its result names the command. */
void coverage_ask(struct account *a, uint32_t mailbox, struct span command);

#define COVERAGE_TERM_MAX 512
/* What to look for: a Message-ID (with its angle brackets), or a sender and a day ("1-Feb-2025"); printable ASCII. */
struct coverage_wanted {
	struct span message_id, from, day;
};
/* The result goes to KEY_A_FOUND<request>. Ignored if it cannot be searched for. */
void coverage_find(struct account *a, struct span request, const struct coverage_wanted *wanted);

#endif
