/* dump: a company's mail state as sorted text, so that two of them can be compared. */
#ifndef MW_LINKER_DUMP_H
#define MW_LINKER_DUMP_H

#include "common/store/store.h"

#include <stdio.h>

/*
 * One line each, sorted:
 *   timeline <kind>:<id>[:<user>] <score> <account number> <thread, 16 characters>
 *   placed <account number> <thread> <timeline>…
 *   applied <account> <n>
 * and, in the order of the stream for each account number, `event <account number> <n>`; then `other <count>` of events
 * without account.
 */
MUST_USE enum err_code dump_company(struct store *store, struct span company, FILE *out,
				    struct err *e);

#endif
