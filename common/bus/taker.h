/* taker: the side of a hop that asks for work: a link to each giver, what arrived and what is in hand. */
#ifndef MW_BUS_TAKER_H
#define MW_BUS_TAKER_H

#include "common/bus/impl.h"

struct bus_link *bus_link_open(struct bus *bus, const char *endpoint);
void bus_link_close(struct bus *bus, struct bus_link **link);
/* Tells every giver the credit again. */
void bus_links_tell(struct bus *bus);
/* Hands one waiting batch to the program, live first. False if none waits. */
bool bus_batch_deliver(struct bus *bus);
void bus_batches_init(struct bus_batches *batches);
void bus_batches_fini(struct bus_batches *batches);

#endif
