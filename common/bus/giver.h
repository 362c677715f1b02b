/* giver: the side of a hop that has work: a queue for each lane, and the credit of each taker. */
#ifndef MW_BUS_GIVER_H
#define MW_BUS_GIVER_H

#include "common/bus/impl.h"

struct bus_giver *bus_giver_new(struct bus *bus, bool tcp);
void bus_giver_close(struct bus *bus);
/* Sends what credit allows, live first, and asks the program for more where credit is left and nothing queued. */
void bus_giver_serve(struct bus *bus);
/* A taker left: its credit is void. */
void bus_giver_forget(struct bus *bus, const char *instance);

#endif
