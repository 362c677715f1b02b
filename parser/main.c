#include "parser/child.h"
#include "parser/intake.h"
#include "parser/json_out.h"

static const struct conf_setting SETTINGS[] = {
	{"child.messages", CONF_INT, offsetof(struct intake_conf, child_messages), "10000", 1,
	 1000000, "A sandboxed child is replaced after so many messages."},
	{"child.timeout_ms", CONF_MS, offsetof(struct intake_conf, child_timeout_ms), "5000ms", 100,
	 600000, "A child that is at one message for longer is killed and the message reported."},
	{0},
};

static const char *const WANTS[] = {"facts", "body", "part", NULL};
static const char *const ENDS[] = {"crashed", "timed_out", "recycled", NULL};

static const struct metric_def METRICS[] = {
	{"renders_total", METRIC_COUNTER, "Render requests taken.", "want", WANTS},
	{"child_ends_total", METRIC_COUNTER, "Children that ended, by reason.", "reason", ENDS},
	{"spool_lost_total", METRIC_COUNTER, "Messages whose bytes were no longer in the spool.",
	 NULL, NULL},
};

static int command(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--child") == 0)
		return child_main();
	if (argc >= 2 && strcmp(argv[1], "--json") == 0)
		return json_out_files(argv + 2);
	return -1;
}

int main(int argc, char **argv)
{
	static const struct stage_def def = {
		.name = "parser",
		.purpose = "Turns raw messages into facts, in a sandboxed child, and renders them.",
		.settings = SETTINGS,
		.conf_bytes = sizeof(struct intake_conf),
		.metrics = METRICS,
		.metric_count = sizeof(METRICS) / sizeof(METRICS[0]),
		.giver_of = "facts",
		.taker_of = "raw",
		.bus = {.batch = intake_batch, .bell = intake_bell},
		.start = intake_start,
		.tick = intake_tick,
		.drain = intake_drain,
		.drained = intake_drained,
		.stop = intake_stop,
		.run = intake_run,
		.command = command,
	};
	return stage_main(&def, argc, argv);
}
