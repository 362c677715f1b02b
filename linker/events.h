/* events: what a company's event stream holds of each account, and the mending of it from the journals. For rebuild. */
#ifndef MW_LINKER_EVENTS_H
#define MW_LINKER_EVENTS_H

#include "common/store/store.h"

struct events;

struct events *events_new(struct store *store,
			  struct span company); /* company stays the caller's */
void events_free(struct events **events);
/* Reads the whole stream once: 32 bytes of memory an event. */
MUST_USE enum err_code events_read(struct events *events, struct err *e);
/*
 * Are the events of the account's journal entries up to n there, each once and in order? If not, its events are taken out
 * and those of the journal written anew at the end. *written_out: how many. Nothing else applies the account meanwhile.
 */
MUST_USE enum err_code events_mend(struct events *events, struct span account, uint32_t number,
				   uint64_t n, uint64_t *written_out, struct err *e);

#endif
