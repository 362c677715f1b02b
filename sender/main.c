/* sender: delivers what is in accounts' outboxes, at most once. Wiring only: settings, metrics, handlers. */
#include "sender/compose_out.h"
#include "sender/hop.h"
#include "sender_lua.h"

#define SETTING(name, type, field, fallback, min, max, help)                              \
	{                                                                                 \
		name, type, offsetof(struct sender_conf, field), fallback, min, max, help \
	}

static const struct conf_setting settings[] = {
	SETTING("sweep_ms", CONF_MS, sweep_ms, "1s", 100, 60000,
		"How often the outboxes of this process's share of accounts are looked at."),
	SETTING("lease_ms", CONF_MS, lease_ms, "60s", 1000, 600000,
		"How long an entry stays with a sender that no longer answers."),
	SETTING("connections", CONF_INT, connections, "64", 1, 256,
		"Messages that may be on their way at once."),
	SETTING("account_connections", CONF_INT, account_connections, "2", 1, 16,
		"The same for one account."),
	SETTING("connect_ms", CONF_MS, connect_ms, "60s", 1000, 600000,
		"How long a connection to a mail server may take, login included."),
	SETTING("login_retry_ms", CONF_MS, login_retry_ms, "20m", 100, 3600000,
		"How long after a refused login the next is tried; after the second within an hour "
		"none is, until the credentials change."),
	SETTING("reply_ms", CONF_MS, reply_ms, "5m", 1000, 3600000,
		"How long a mail server may take to answer, or to take a piece of the message."),
	SETTING("final_ms", CONF_MS, final_ms, "10m", 1000, 3600000,
		"How long it may take to answer when it has the whole message."),
	SETTING("idle_ms", CONF_MS, idle_ms, "30s", 0, 600000,
		"How long a connection is kept for the account's next message."),
	SETTING("clock.scale", CONF_INT, clock_scale, "1", 1, 1000000,
		"Divides the times between attempts and between looks for a lost message; for "
		"tests "
		"alone."),
	SETTING("ehlo", CONF_STRING, ehlo, "", 0, 0,
		"The name we give to mail servers; empty: that of the host."),
	SETTING("ca_file", CONF_PATH, ca_file, "", 0, 0,
		"Certificates (PEM) to trust for mail servers; empty: those of the system."),
	SETTING("allow_plaintext", CONF_BOOL, allow_plaintext, "no", 0, 0,
		"Allows accounts with security none on loopback, for benchmarks alone."),
	{NULL, CONF_STRING, 0, NULL, 0, 0, NULL},
};

/* In the order of enum sender_outcome. */
static const char *const outcomes[] = {"sent", "delayed", "failed", "unknown", "stale", NULL};

/* In the order of enum sender_metric. */
static const struct metric_def metrics[] = {
	{"sender_outcomes_total", METRIC_COUNTER, "Attempts by what came of them.", "outcome",
	 outcomes},
	{"sender_connections", METRIC_GAUGE, "Connections to mail servers.", NULL, NULL},
	{"sender_octets_total", METRIC_COUNTER, "Octets of messages that mail servers took.", NULL,
	 NULL},
	{"sender_logins_refused_total", METRIC_COUNTER,
	 "Logins that a mail server refused for good.", NULL, NULL},
};

static int command(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--compose") == 0)
		return compose_out_file(argv[2]);
	return -1;
}

int main(int argc, char **argv)
{
	static const struct stage_def def = {
		.name = "sender",
		.purpose = "Delivers what is in accounts' outboxes, each message at most once.",
		.settings = settings,
		.conf_bytes = sizeof(struct sender_conf),
		.metrics = metrics,
		.metric_count = sizeof(metrics) / sizeof(metrics[0]),
		.functions = sender_lua,
		.bus = {.bell = hop_bell},
		.start = sender_start,
		.tick = sender_tick,
		.drain = sender_drain,
		.drained = sender_drained,
		.stop = sender_stop,
		.run = sender_run,
		.command = command,
	};

	return stage_main(&def, argc, argv);
}
