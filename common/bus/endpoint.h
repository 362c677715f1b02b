/* endpoint: where sockets are bound, and what of that is published. */
#ifndef MW_BUS_ENDPOINT_H
#define MW_BUS_ENDPOINT_H

#include "common/bus/bus.h"

#define ENDPOINT_BYTES 192

/*
 * What to bind: for "tcp:<address>" `tcp://<address>:*`; for "ipc" `ipc://<dir>/bus/<instance>.<what>`, the directory made
 * with mode 0750. A Unix socket's path has at most 107 bytes: if that would be longer, the directory is
 * /tmp/mailweave-<uid>-<hash of dir>, which must be ours alone to write.
 * ERR_PERM for another mode, a wildcard address (nobody could connect to it) or a directory that is not ours.
 */
MUST_USE enum err_code bus_endpoint_make(const struct bus_options *options, const char *what,
					 char out[ENDPOINT_BYTES], struct err *e);
/* The inode of a bound ipc endpoint, 0 for tcp: so that bus_endpoint_unlink takes away our own file alone, not that of a
 * successor under the same name. ZeroMQ leaves it behind. */
uint64_t bus_endpoint_inode(const char *endpoint);
void bus_endpoint_unlink(const char *endpoint, uint64_t inode);
bool bus_endpoint_is_tcp(const char *endpoint);

/* Published hop endpoints are `<hop>@<endpoint>`, so that a taker knows which hop it is. NULL if it is another hop. */
const char *bus_endpoint_of_hop(const char *published, const char *hop);

#endif
