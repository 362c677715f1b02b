/* fetcher: mirrors mail accounts. Wiring only: settings, metrics, handlers. */
#include "fetcher/fetcher.h"
#include "fetcher/hop.h"
#include "fetcher_lua.h"

#define SETTING(name, type, field, fallback, min, max, help)                               \
	{                                                                                  \
		name, type, offsetof(struct fetcher_conf, field), fallback, min, max, help \
	}

static const struct conf_setting settings[] = {
	SETTING("poll_ms", CONF_MS, poll_ms, "30s", 1000, 3600000,
		"How often folders other than the inbox are looked at."),
	SETTING("window.messages", CONF_INT, window_messages, "256", 1, 4096,
		"Messages of one lane that may be fetched and not yet committed."),
	SETTING("window.bytes", CONF_BYTES, window_bytes, "24M", 1 << 20, 1 << 30,
		"Octets of one lane that may be fetched and not yet committed; the spool has twice "
		"this size."),
	SETTING("connect_ms", CONF_MS, connect_ms, "60s", 1000, 600000,
		"How long a connection to a mail server may take, login included."),
	SETTING("lease_ms", CONF_MS, lease_ms, "10s", 1000, 600000,
		"How long an account stays with a fetcher that no longer answers."),
	SETTING("idle_ms", CONF_MS, idle_ms, "9m", 1000, 1740000,
		"How long one IDLE command lasts."),
	SETTING("login_retry_ms", CONF_MS, login_retry_ms, "20m", 100, 3600000,
		"How long after a refused login the next is tried; after the third within an hour "
		"none is, until the credentials change."),
	SETTING("silence_ms", CONF_MS, silence_ms, "60s", 1000, 600000,
		"How long a mail server may be silent while it owes an answer."),
	SETTING("max_message_bytes", CONF_BYTES, max_message_bytes, "48M", 1 << 16, 255 << 20,
		"A larger message is set aside without its bytes."),
	SETTING("coverage_ms", CONF_MS, coverage_ms, "1d", 1000, 604800000,
		"How often every folder is proved to be complete."),
	SETTING("renumber_ms", CONF_MS, renumber_ms, "1h", 1000, 604800000,
		"How often a folder is read again as a whole, at most, where the server numbers it "
		"anew again and again (UIDVALIDITY)."),
	SETTING("park_ms", CONF_MS, park_ms, "1h", 1000, 604800000,
		"How long a folder is left alone that the server refused to open three times."),
	SETTING("connections.gmail", CONF_INT, connections[LIMITS_GMAIL], "5", 0, 1000,
		"Connections to a Gmail account, of all fetchers together; Gmail allows 15, the "
		"rest "
		"is for the person's own programs. 0: any number."),
	SETTING("connections.microsoft", CONF_INT, connections[LIMITS_MICROSOFT], "5", 0, 1000,
		"The same for an account at Microsoft."),
	SETTING("connections.other", CONF_INT, connections[LIMITS_OTHER], "5", 0, 1000,
		"The same for any other account."),
	SETTING("host_connections", CONF_INT, host_connections, "0", 0, 1000000,
		"Connections to one mail server, of all accounts and fetchers. 0: any number."),
	SETTING("crowded_ms", CONF_MS, crowded_ms, "10m", 100, 86400000,
		"For how long fewer connections are made once a mail server found them too many."),
	SETTING("day_bytes.gmail", CONF_BYTES, day_bytes[LIMITS_GMAIL], "2000M", 0, 1LL << 40,
		"Octets of a Gmail account that may be read within 24 hours; Gmail allows 2,500 MB "
		"to all programs together. 0: no limit."),
	SETTING("day_bytes.microsoft", CONF_BYTES, day_bytes[LIMITS_MICROSOFT], "0", 0, 1LL << 40,
		"The same for an account at Microsoft."),
	SETTING("day_bytes.other", CONF_BYTES, day_bytes[LIMITS_OTHER], "0", 0, 1LL << 40,
		"The same for any other account."),
	SETTING("day_percent", CONF_INT, day_percent, "75", 1, 100,
		"Of these octets so many percent may go to first syncs, backfills and proofs; the "
		"rest is for new mail."),
	SETTING("compress", CONF_BOOL, compress, "yes", 0, 0,
		"Compresses connections that fetch older mail, where the server offers it and is "
		"not "
		"near."),
	SETTING("compress.round_trip_ms", CONF_MS, compress_round_trip_ms, "5ms", 0, 3600000,
		"A server is near if the network answers in less than this: then compression would "
		"cost more time than it saves."),
	SETTING("ca_file", CONF_PATH, ca_file, "", 0, 0,
		"Certificates (PEM) to trust for mail servers; empty: those of the system."),
	SETTING("allow_plaintext", CONF_BOOL, allow_plaintext, "no", 0, 0,
		"Allows accounts with security none on loopback, for benchmarks alone."),
	{NULL, CONF_STRING, 0, NULL, 0, 0, NULL},
};

static const char *const states[] = {
	"connecting",	       "syncing",      "connected", "paused", "disconnected",
	"authenticationError", "connectError", NULL};
static const char *const waits[] = {"connections", "octets", NULL};
static const char *const limits[] = {"connections", "octets", "pace", NULL};
static const char *const lanes[] = {"live", "bulk", NULL};

/* In the order of enum fetcher_metric. */
static const struct metric_def metrics[] = {
	{"fetcher_bytes_total", METRIC_COUNTER, "Octets read from mail servers.", NULL, NULL},
	{"fetcher_connections", METRIC_GAUGE, "Connections to mail servers.", NULL, NULL},
	{"fetcher_logins_refused_total", METRIC_COUNTER,
	 "Logins that a mail server refused for good.", NULL, NULL},
	{"fetcher_accounts", METRIC_GAUGE, "Accounts of this process by state.", "state", states},
	{"fetcher_commit_seconds", METRIC_SECONDS, "Time to make one batch of blobs durable.", NULL,
	 NULL},
	{"fetcher_known_total", METRIC_COUNTER, "Messages fetched that were known already.", NULL,
	 NULL},
	{"fetcher_aside_total", METRIC_COUNTER, "Messages set aside.", NULL, NULL},
	{"fetcher_window_bytes", METRIC_GAUGE, "Octets fetched and not yet committed.", "lane",
	 lanes},
	{"fetcher_coverage_missing", METRIC_GAUGE,
	 "Messages that a folder was found to lack and that could not be fetched: alarm unless 0.",
	 NULL, NULL},
	{"fetcher_waiting", METRIC_GAUGE,
	 "Accounts with a connection that waits for what all fetchers may use.", "for", waits},
	{"fetcher_limits_met_total", METRIC_COUNTER,
	 "Refusals of mail servers because it was too much.", "limit", limits},
	{"fetcher_turns_total", METRIC_COUNTER,
	 "Times that an account had something to do or to look after.", NULL, NULL},
};

int main(int argc, char **argv)
{
	static const struct stage_def def = {
		.name = "fetcher",
		.purpose = "Mirrors mail accounts: makes every message durable and hands it on.",
		.settings = settings,
		.conf_bytes = sizeof(struct fetcher_conf),
		.metrics = metrics,
		.metric_count = sizeof(metrics) / sizeof(metrics[0]),
		.giver_of = "raw",
		.functions = fetcher_lua,
		.bus = {.bell = hop_bell, .peer = hop_peer},
		.start = fetcher_start,
		.tick = fetcher_tick,
		.drain = fetcher_drain,
		.drained = fetcher_drained,
		.stop = fetcher_stop,
		.run = fetcher_run,
	};

	return stage_main(&def, argc, argv);
}
