#include "gateway/hit_class.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/span.h"

struct network {
	uint8_t b[16];
	unsigned bits;
	size_t n; /* octets: 4 or 16 */
};

static bool network_read(const char *text, struct network *out)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char address[64];
	uint64_t bits;

	if (n >= sizeof(address))
		return false;
	memcpy(address, text, n);
	address[n] = 0;
	out->n = inet_pton(AF_INET, address, out->b) == 1    ? 4
		 : inet_pton(AF_INET6, address, out->b) == 1 ? 16
							     : 0;
	if (slash && !span_to_u64(span_cstr(slash + 1), 8 * out->n, &bits))
		return false;
	out->bits = slash ? (unsigned)bits : (unsigned)(8 * out->n);
	return out->n > 0;
}

static bool network_has(const struct network *network, const struct network *address)
{
	if (network->n != address->n)
		return false;
	for (unsigned bit = 0; bit < network->bits; bit++)
		if ((network->b[bit / 8] ^ address->b[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

bool hit_network_is(const char *network)
{
	struct network n;

	return network_read(network, &n);
}

static bool is_own(const char *peer, const json_t *own)
{
	struct network address, network;

	if (!network_read(peer, &address))
		return false;
	for (size_t i = 0; i < json_array_size(own); i++) {
		const char *text = json_string_value(json_array_get(own, i));

		if (text && network_read(text, &network) && network_has(&network, &address))
			return true;
	}
	return false;
}

static bool names(const char *agent, const char *word)
{
	return strcasestr(agent, word) != NULL;
}

static bool is_scanner(const char *agent)
{
	static const char *const words[] = {"bot",
					    "crawl",
					    "spider",
					    "scan",
					    "proofpoint",
					    "barracuda",
					    "mimecast",
					    "safelinks",
					    "ironport",
					    "symantec",
					    "trendmicro",
					    "fireeye",
					    "sophos",
					    "virustotal",
					    "urldefense",
					    "linkpreview",
					    "slack",
					    "whatsapp",
					    "facebookexternalhit",
					    "headlesschrome",
					    "phantomjs",
					    "feedfetcher",
					    "bitdefender",
					    "kaspersky"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (names(agent, words[i]))
			return true;
	return false;
}

static bool is_tool(const char *agent)
{
	static const char *const words[] = {"curl/",	      "wget/",	"python", "java/",
					    "go-http-client", "libwww", "okhttp", "axios",
					    "node-fetch",     "ruby"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (names(agent, words[i]))
			return true;
	return false;
}

struct hit_class hit_class_find(const struct hit_seen *seen, const json_t *own)
{
	const char *agent = seen->agent;

	if (is_own(seen->peer, own))
		return (struct hit_class){"sender", "it came from one of the company's networks"};
	if (names(agent, "GoogleImageProxy") || names(agent, "ggpht.com"))
		return (struct hit_class){"privacyProxy", "Gmail's image proxy says so"};
	if (names(agent, "YahooMailProxy"))
		return (struct hit_class){"privacyProxy", "Yahoo's image proxy says so"};
	if (strcmp(agent, "Mozilla/5.0") == 0)
		return (struct hit_class){"privacyProxy",
					  "the bare user agent of Apple's mail privacy protection"};
	if (seen->head)
		return (struct hit_class){"scanner", "it asked with HEAD"};
	if (is_scanner(agent))
		return (struct hit_class){"scanner", "its user agent names a scanner"};
	if (!*agent)
		return (struct hit_class){"unknown", "it named no user agent"};
	if (is_tool(agent))
		return (struct hit_class){"unknown",
					  "its user agent names no mail program or browser"};
	return (struct hit_class){"recipient", "nothing speaks against it"};
}
