#include "gateway/settings.h"

#include <stddef.h>

#include "gateway/app.h"

#define AT(field) offsetof(struct gateway_conf, field)

const struct conf_setting gateway_settings[] = {
	{"listen", CONF_STRING, AT(listen), "127.0.0.1:8425", 0, 0,
	 "Address and port of the API; port 0 takes any free one, written to run/ in the state "
	 "directory."},
	{"threads", CONF_INT, AT(threads), "8", 1, 256, "Workers that answer requests."},
	{"slow_threads", CONF_INT, AT(slow_threads), "8", 1, 256,
	 "Workers for requests that wait on mail servers or on a long body."},
	{"connections", CONF_INT, AT(connections), "4096", 16, 100000, "Open connections at most."},
	{"body_max", CONF_BYTES, AT(body_max), "27262976", 1 << 16, 64 << 20,
	 "Octets of a request's body at most."},
	{"request_ms", CONF_MS, AT(request_ms), "30s", 1000, 600000,
	 "A request is answered within this time once its body is here."},
	{"verify_ms", CONF_MS, AT(verify_ms), "8s", 500, 60000,
	 "How long the mail servers of a new account have to answer."},
	{"allow_private_hosts", CONF_BOOL, AT(allow_private_hosts), "no", 0, 0,
	 "Take mail servers in private and loopback ranges, and on any port; "
	 "webhooks there too, also without TLS."},
	{"allow_plaintext", CONF_BOOL, AT(allow_plaintext), "no", 0, 0,
	 "Take mail servers without encryption on loopback: for benchmarks alone."},
	{"ca_file", CONF_PATH, AT(ca_file), "", 0, 0,
	 "Trusted roots for mail servers, for webhooks besides the system's; empty: those of the "
	 "system."},
	{"dns_server", CONF_STRING, AT(dns_server), "", 0, 0,
	 "IPv4 address:port of the name server that autoconfig asks; empty: the system's."},
	{"tracking_url", CONF_STRING, AT(tracking_url), "", 0, 0,
	 "https address under which recipients reach /t/ of this API, without a slash at the end; "
	 "empty: only companies with a trackingDomain can track."},
	{"tracking_forwarded", CONF_BOOL, AT(tracking_forwarded), "no", 0, 0,
	 "Trust the last X-Forwarded-For for who opened a message: only behind a proxy that sets "
	 "it."},
	{"egress_addresses", CONF_STRING, AT(egress_addresses), "", 0, 0,
	 "Addresses, with commas between, that connections to mail servers come from."},
	{.name = NULL},
};

static const char *const CLASSES[] = {"2xx", "3xx", "4xx", "5xx", NULL};
static const char *const RESULTS[] = {"delivered", "failed", NULL};
static const char *const CONDITIONS[] = {"working", "failing", "off", NULL};

const struct metric_def gateway_metrics[GATEWAY_METRIC_COUNT] = {
	{"gateway_requests_total", METRIC_COUNTER, "Answered requests.", "class", CLASSES},
	{"gateway_request_seconds", METRIC_SECONDS, "From worker to answer.", NULL, NULL},
	{"gateway_requests_in_hand", METRIC_GAUGE, "Requests on workers or waiting for one.", NULL,
	 NULL},
	{"gateway_streams", METRIC_GAUGE, "Open event streams and long polls.", NULL, NULL},
	{"gateway_webhook_requests_total", METRIC_COUNTER, "Requests to webhooks.", "result",
	 RESULTS},
	{"gateway_webhook_events_total", METRIC_COUNTER, "Events that webhooks took.", NULL, NULL},
	{"gateway_webhook_seconds", METRIC_SECONDS, "From a request to a webhook to its end.", NULL,
	 NULL},
	{"gateway_webhooks", METRIC_GAUGE, "Webhooks that this process serves.", "condition",
	 CONDITIONS},
	{"gateway_webhook_lag_seconds", METRIC_GAUGE,
	 "Age of the oldest event that one of them has not taken.", NULL, NULL},
};
