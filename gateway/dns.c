#include "gateway/dns.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

#define ANSWER_BYTES 4096
#define SRV_HEAD 6 /* priority, weight, port (RFC 2782) */
#define MX_HEAD 2

static bool server_read(const char *text, struct sockaddr_in *address_out)
{
	char host[INET_ADDRSTRLEN];
	const char *colon = strrchr(text, ':');
	const size_t n = colon ? (size_t)(colon - text) : 0;
	long port = colon ? strtol(colon + 1, NULL, 10) : 0;

	if (n == 0 || n >= sizeof(host) || port < 1 || port > UINT16_MAX)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	*address_out =
		(struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	return inet_pton(AF_INET, host, &address_out->sin_addr) == 1;
}

enum err_code dns_open(struct dns *dns, const char *server, int64_t deadline_mono_ms, struct err *e)
{
	memset(dns, 0, sizeof(*dns));
	dns->deadline_mono_ms = deadline_mono_ms;
	if (res_ninit(&dns->state) != 0)
		return err_set(e, ERR_TEMP, ERR_PROCESS, "resolver_failed",
			       "the resolver does not start");
	dns->state.retrans = 1;
	dns->state.retry = 2;
	if (!*server)
		return ERR_OK;
	dns->state.nscount = 1;
	if (server_read(server, &dns->state.nsaddr_list[0]))
		return ERR_OK;
	dns_close(dns);
	return err_set(e, ERR_PERM, ERR_PROCESS, "dns_server_invalid",
		       "dns_server is no IPv4 address:port");
}

void dns_close(struct dns *dns)
{
	res_nclose(&dns->state);
}

static unsigned number(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* What stands behind head octets is a name. */
static bool take_host(const ns_msg *message, const ns_rr *rr, size_t head, char host_out[256])
{
	char name[NS_MAXDNAME];

	if (ns_rr_rdlen(*rr) <= head ||
	    dn_expand(ns_msg_base(*message), ns_msg_end(*message), ns_rr_rdata(*rr) + head, name,
		      sizeof(name)) < 0 ||
	    strlen(name) > 255)
		return false;
	for (char *p = name; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
	snprintf(host_out, 256, "%s", strcmp(name, ".") == 0 ? "" : name);
	return true;
}

static bool take_record(const ns_msg *message, const ns_rr *rr, struct dns_record *record_out)
{
	const uint8_t *p = ns_rr_rdata(*rr);

	memset(record_out, 0, sizeof(*record_out));
	switch ((int)ns_rr_type(*rr)) {
	case ns_t_srv:
		if (!take_host(message, rr, SRV_HEAD, record_out->host))
			return false;
		record_out->priority = number(p);
		record_out->weight = number(p + 2);
		record_out->port = number(p + 4);
		return true;
	case ns_t_mx:
		if (!take_host(message, rr, MX_HEAD, record_out->host))
			return false;
		record_out->priority = number(p);
		return true;
	case ns_t_a:
		if (ns_rr_rdlen(*rr) != sizeof(record_out->address))
			return false;
		memcpy(&record_out->address, p, sizeof(record_out->address));
		return true;
	default:
		return false;
	}
}

static int by_rank(const void *left, const void *right)
{
	const struct dns_record *a = left, *b = right;

	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	return (a->weight < b->weight) - (a->weight > b->weight);
}

size_t dns_ask(struct dns *dns, const char *name, int type,
	       struct dns_record records_out[DNS_RECORDS_MAX])
{
	uint8_t answer[ANSWER_BYTES];
	size_t count = 0;
	ns_msg message;
	ns_rr rr;
	int n;

	dns->silent = dns->silent || clock_mono_ms() >= dns->deadline_mono_ms;
	if (dns->silent)
		return 0;
	n = res_nquery(&dns->state, name, ns_c_in, type, answer, sizeof(answer));
	if (n < 0) {
		dns->silent = dns->state.res_h_errno == TRY_AGAIN;
		return 0;
	}
	if (n > (int)sizeof(answer) || ns_initparse(answer, n, &message) != 0)
		return 0;
	for (int i = 0; i < ns_msg_count(message, ns_s_an) && count < DNS_RECORDS_MAX; i++)
		if (ns_parserr(&message, ns_s_an, i, &rr) == 0 && (int)ns_rr_type(rr) == type &&
		    take_record(&message, &rr, &records_out[count]))
			count++;
	qsort(records_out, count, sizeof(*records_out), by_rank);
	return count;
}
