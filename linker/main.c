#include "linker/hop.h"
#include "linker/tools.h"
#include "linker_lua.h"

static const struct conf_setting settings[] = {
	{"sweep_ms", CONF_MS, offsetof(struct hop_conf, sweep_ms), "30s", 1000, 3600000,
	 "How often this process looks through its share of accounts for journal entries not "
	 "applied."},
	{0},
};

static const char *const outcomes[] = {"committed", "known", "dead",   "screened", "reparsed",
				       "absent",    "gone",  "failed", NULL};

static const struct metric_def metrics[] = {
	{"linker_messages_total", METRIC_COUNTER, "Messages by what came of them.", "outcome",
	 outcomes},
	{"linker_merges_total", METRIC_COUNTER, "Threads absorbed by another one.", NULL, NULL},
	{"linker_entries_applied_total", METRIC_COUNTER,
	 "Journal entries applied to company slots.", NULL, NULL},
	{"linker_accounts_waiting", METRIC_GAUGE,
	 "Accounts known to have journal entries not applied.", NULL, NULL},
};

static int command(int argc, char **argv)
{
	return tools_command(argc, argv, settings, sizeof(struct hop_conf), linker_lua);
}

int main(int argc, char **argv)
{
	static const struct stage_def def = {
		.name = "linker",
		.purpose = "Says whose business a message is, commits it, and applies accounts' "
			   "journals to companies.",
		.settings = settings,
		.conf_bytes = sizeof(struct hop_conf),
		.metrics = metrics,
		.metric_count = sizeof(metrics) / sizeof(metrics[0]),
		.taker_of = "proposal",
		.functions = linker_lua,
		.bus = {.batch = hop_batch, .bell = hop_bell},
		.start = hop_start,
		.tick = hop_tick,
		.drain = hop_drain,
		.drained = hop_drained,
		.stop = hop_stop,
		.command = command,
	};

	return stage_main(&def, argc, argv);
}
