#include "threader/hop.h"
#include "threader/json.h"
#include "threader_lua.h"

static const struct conf_setting settings[] = {
	{"sweep_ms", CONF_MS, offsetof(struct hop_conf, sweep_ms), "30s", 1000, 3600000,
	 "How often this process looks through its share of accounts for members of absorbed "
	 "threads."},
	{0},
};

static const struct metric_def metrics[] = {
	{"threader_members_moved_total", METRIC_COUNTER, "Members of absorbed threads moved.", NULL,
	 NULL},
	{"threader_ids_derived_total", METRIC_COUNTER, "Messages that came without a Message-ID.",
	 NULL, NULL},
};

static int command(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--json") != 0)
		return -1;
	return json_threads(argc - 2, argv + 2, stdout);
}

int main(int argc, char **argv)
{
	static const struct stage_def def = {
		.name = "threader",
		.purpose = "Says which ids make a conversation, and re-homes the members of "
			   "absorbed threads.",
		.settings = settings,
		.conf_bytes = sizeof(struct hop_conf),
		.metrics = metrics,
		.metric_count = sizeof(metrics) / sizeof(metrics[0]),
		.giver_of = "proposal",
		.taker_of = "facts",
		.functions = threader_lua,
		.bus = {.batch = hop_batch, .bell = hop_bell, .wanted = hop_wanted},
		.start = hop_start,
		.tick = hop_tick,
		.drained = hop_drained,
		.stop = hop_stop,
		.command = command,
	};

	return stage_main(&def, argc, argv);
}
