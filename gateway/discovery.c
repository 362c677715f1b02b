#include "gateway/discovery.h"

#include <arpa/nameser.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "gateway/dns.h"
#include "gateway/egress.h"

#define DISCOVER_MS 6000
#define KNOCK_MS 1500

struct search {
	const struct gateway_conf *conf;
	const char *domain;
	struct dns dns;
	struct discovery_offer *offers;
	size_t count;
};

static void server_set(struct discovery_server *s, const char *host, unsigned port)
{
	snprintf(s->host, sizeof(s->host), "%s", host);
	s->port = port;
	s->starttls = port == 587;
}

/* The same servers are offered once: by the better source. */
static void offer(struct search *s, const struct discovery_offer *found)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->offers[i].imap.host, found->imap.host) == 0 &&
		    strcmp(s->offers[i].smtp.host, found->smtp.host) == 0)
			return;
	if (s->count < DISCOVERY_MAX)
		s->offers[s->count++] = *found;
}

static void offer_preset(struct search *s, const char *source, const struct preset *preset)
{
	struct discovery_offer found = {.source = source, .preset = preset};

	char host[256];

	if (!preset)
		return;
	preset_host(preset->imap_host, s->domain, host);
	server_set(&found.imap, host, preset->imap_port);
	preset_host(preset->smtp_host, s->domain, host);
	server_set(&found.smtp, host, preset->smtp_port);
	offer(s, &found);
}

/* The best target of a service; "." as the target means that there is none (RFC 6186 section 3.4). */
static bool ask_srv(struct search *s, const char *service, struct discovery_server *server_out)
{
	struct dns_record records[DNS_RECORDS_MAX];
	char name[320];

	snprintf(name, sizeof(name), "_%s._tcp.%s", service, s->domain);
	if (dns_ask(&s->dns, name, ns_t_srv, records) == 0 || !records[0].host[0] ||
	    !records[0].port)
		return false;
	server_set(server_out, records[0].host, records[0].port);
	return true;
}

static void by_srv(struct search *s)
{
	struct discovery_offer found = {.source = "srv"};

	if (!ask_srv(s, "imaps", &found.imap))
		return;
	found.imap.starttls = false;
	if (ask_srv(s, "submissions", &found.smtp))
		found.smtp.starttls = false;
	else if (ask_srv(s, "submission", &found.smtp))
		found.smtp.starttls = true;
	else
		return;
	offer(s, &found);
}

static void by_mx(struct search *s)
{
	struct dns_record records[DNS_RECORDS_MAX];
	const size_t n = dns_ask(&s->dns, s->domain, ns_t_mx, records);

	for (size_t i = 0; i < n; i++)
		offer_preset(s, "mx", preset_by_mx(records[i].host));
}

/* Does somebody take a connection there? */
static bool knock(const struct gateway_conf *conf, struct in_addr address, unsigned port)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = address};
	const struct sockaddr *at = (const struct sockaddr *)(const void *)&to;
	struct pollfd ready = {.events = POLLOUT};
	socklen_t n = sizeof(int);
	int failure = 1;

	if (!conf->allow_private_hosts && !egress_is_public(at))
		return false;
	ready.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (ready.fd < 0)
		return false;
	if (connect(ready.fd, at, sizeof(to)) == 0)
		failure = 0;
	else if (poll(&ready, 1, KNOCK_MS) == 1 &&
		 getsockopt(ready.fd, SOL_SOCKET, SO_ERROR, &failure, &n) != 0)
		failure = 1;
	close(ready.fd);
	return failure == 0;
}

/* The first of the prefixes under which one of the ports answers. */
static bool guess(struct search *s, const char *const prefixes[2], const unsigned ports[2],
		  struct discovery_server *server_out)
{
	for (size_t i = 0; i < 2; i++) {
		struct dns_record records[DNS_RECORDS_MAX];
		char name[320];

		snprintf(name, sizeof(name), "%s.%s", prefixes[i], s->domain);
		if (strlen(name) > 255 || dns_ask(&s->dns, name, ns_t_a, records) == 0)
			continue;
		for (size_t k = 0; k < 2 && ports[k]; k++)
			if (clock_mono_ms() < s->dns.deadline_mono_ms &&
			    knock(s->conf, records[0].address, ports[k])) {
				server_set(server_out, name, ports[k]);
				return true;
			}
	}
	return false;
}

static void by_guess(struct search *s)
{
	struct discovery_offer found = {.source = "guess"};

	if (guess(s, (const char *const[]){"imap", "mail"}, (const unsigned[]){993, 0},
		  &found.imap) &&
	    guess(s, (const char *const[]){"smtp", "mail"}, (const unsigned[]){465, 587},
		  &found.smtp))
		offer(s, &found);
}

enum err_code discover(const struct gateway_conf *conf, const char *domain,
		       struct discovery_offer offers_out[DISCOVERY_MAX], size_t *count_out,
		       struct err *e)
{
	struct search s = {.conf = conf, .domain = domain, .offers = offers_out};
	enum err_code code;

	*count_out = 0;
	code = dns_open(&s.dns, conf->dns_server, clock_mono_ms() + DISCOVER_MS, e);
	if (code != ERR_OK)
		return code;
	offer_preset(&s, "table", preset_by_domain(span_cstr(domain)));
	if (s.count == 0) {
		by_srv(&s);
		by_mx(&s);
	}
	if (s.count == 0)
		by_guess(&s);
	dns_close(&s.dns);
	*count_out = s.count;
	return ERR_OK;
}
