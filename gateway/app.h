/* app: what all requests of one gateway process share. Made by main.c's start, never changed while requests run. */
#ifndef MW_GATEWAY_APP_H
#define MW_GATEWAY_APP_H

#include "common/conf/conf.h"
#include "common/metrics/metrics.h"
#include "common/secret/secret.h"
#include "common/stage/stage.h"

struct gateway_conf {
	struct conf_common common;
	char *listen; /* address:port of the API */
	int64_t threads; /* workers that answer requests */
	int64_t slow_threads; /* workers for what waits on others (account verification) */
	int64_t connections; /* open at most */
	int64_t body_max; /* octets of a request body */
	int64_t request_ms; /* deadline of a request */
	int64_t verify_ms; /* deadline of an account's verification */
	bool allow_private_hosts; /* mail servers (on any port) and webhooks in private ranges */
	bool allow_plaintext; /* security `none`, to loopback alone: for benchmarks */
	char *ca_file; /* trusted roots for mail servers, also for webhooks; "" the system's */
	char *dns_server; /* address:port that autoconfig asks; "" the system's */
	char *tracking_url; /* the deployment's own, where a company has no domain; "" none */
	bool tracking_forwarded; /* X-Forwarded-For tells who asks for pixels and links */
	char *egress_addresses; /* comma list shown by /v1/egress-addresses */
};

struct bus_client;
struct outbox_blobs;
struct http_streams;
struct webhook_loop;
struct erasure_loop;

struct app {
	const struct gateway_conf *conf;
	struct stage *stage;
	const char *instance;
	struct metrics *metrics;
	struct bus_client *bus; /* bus_client.h */
	struct outbox_blobs *blobs; /* outbox_blobs.h: the gateway's own blob writer */
	struct http_streams *streams; /* stream.h */
	struct webhook_loop *webhooks; /* webhook_loop.h */
	struct erasure_loop *erasures; /* erasure_loop.h */
	struct secret_key mail_key, token_key, credentials_pub;
};

/* The gateway's own metrics, after the common ones (METRIC_STAGE_COUNT + these). */
enum gateway_metric {
	GATEWAY_REQUESTS =
		METRIC_STAGE_COUNT, /* requests_total{class} 2xx 3xx 4xx 5xx: value status / 100 - 2 */
	GATEWAY_REQUEST_SECONDS,
	GATEWAY_IN_HAND,
	GATEWAY_STREAMS,
	GATEWAY_WEBHOOK_REQUESTS, /* value 0 delivered, 1 failed */
	GATEWAY_WEBHOOK_EVENTS,
	GATEWAY_WEBHOOK_SECONDS,
	GATEWAY_WEBHOOKS, /* value enum webhook_condition */
	GATEWAY_WEBHOOK_LAG,
};

#endif
