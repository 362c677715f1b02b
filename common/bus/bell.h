/* bell: single messages to named instances. One ROUTER to be told by, one DEALER for each instance we told something. */
#ifndef MW_BUS_BELL_H
#define MW_BUS_BELL_H

#include "common/bus/impl.h"

struct bus_socket *bus_bell_new(struct bus *bus, bool tcp);
void bus_line_close(struct bus *bus, struct bus_line **line);
/* Drops what waited for a connection for too long. */
void bus_lines_tick(struct bus *bus, int64_t now_ms);

#endif
