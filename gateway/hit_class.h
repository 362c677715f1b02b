/*
 * hit_class: who is behind a hit on a pixel or a tracked link, and what tells so (TRK-06). A mail-privacy proxy loads what
 * nobody opened, a scanner follows what nobody clicked, and who wrote the message looks at it too: only a recipient counts.
 * Pure.
 */
#ifndef MW_GATEWAY_HIT_CLASS_H
#define MW_GATEWAY_HIT_CLASS_H

#include <jansson.h>
#include <stdbool.h>

struct hit_seen {
	const char *agent; /* User-Agent, "" none */
	const char *peer; /* address it came from */
	bool head; /* HEAD, which no mail program sends */
};

struct hit_class {
	const char *name; /* recipient, privacyProxy, scanner, sender, unknown */
	const char *evidence; /* one clause for people */
};

/* own: the company's own networks, a list of addresses and of prefixes such as 192.0.2.0/24; may be NULL. */
struct hit_class hit_class_find(const struct hit_seen *seen, const json_t *own);
/* An address or a prefix of IPv4 or IPv6. */
bool hit_network_is(const char *network);

#endif
