/*
 * dns: SRV, MX and A records, by glibc's resolver. Blocks, but never beyond the deadline that it was given by more than one
 * query (2 s); after a name server that does not answer nothing more is asked.
 */
#ifndef MW_GATEWAY_DNS_H
#define MW_GATEWAY_DNS_H

#include <netinet/in.h>
#include <resolv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

#define DNS_RECORDS_MAX 16

struct dns {
	struct __res_state state;
	int64_t deadline_mono_ms;
	bool silent; /* the server does not answer, or the time is over */
};

struct dns_record {
	char host
		[256]; /* SRV, MX: lower case, without the last dot; "" stands for none on purpose */
	unsigned priority, weight, port; /* MX: priority alone */
	struct in_addr address; /* A */
};

/* server: "address:port", IPv4; "": the system's. ERR_PERM: not understood. */
MUST_USE enum err_code dns_open(struct dns *dns, const char *server, int64_t deadline_mono_ms,
				struct err *e);
void dns_close(struct dns *dns);
/* type: ns_t_srv, ns_t_mx or ns_t_a. In order of priority, then of weight, heaviest first; 0 if there is none. */
size_t dns_ask(struct dns *dns, const char *name, int type,
	       struct dns_record records_out[DNS_RECORDS_MAX]);

#endif
