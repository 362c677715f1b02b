#include "common/stage/stage.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/stage/life.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define HEART_CALL_MS 1000
#define AWAY_LOG_MS 5000
#define AWAY_PAUSE_MS 100

static struct store *store_make(const struct stage *stage, int64_t call_ms)
{
	struct store_options options = {
		.address = stage_common(stage)->redis,
		.password_file = stage_common(stage)->redis_password_file,
		.client_name = stage->instance,
		.call_ms = call_ms,
		.metrics = stage->metrics,
	};

	return store_new(&options);
}

static enum log_level level_of(const char *word)
{
	static const char *const words[] = {"debug", "info", "warn", "error"};
	unsigned level = 0;

	while (level < LOG_LEVEL_ERROR && strcmp(word, words[level]) != 0)
		level++;
	return (enum log_level)level;
}

/* No core and no ptrace by others of the same user: memory holds secrets. As many descriptors as the host allows. */
static void process_limits(void)
{
	struct rlimit files, core = {0, 0};

	umask(0027);
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &core);
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static void name_instance(struct stage *stage)
{
	const char *name = stage_common(stage)->name;

	if (name[0])
		snprintf(stage->instance, sizeof(stage->instance), "%s", name);
	else
		snprintf(stage->instance, sizeof(stage->instance), "%.48s-%ld", stage->def->name,
			 (long)getpid());
}

/* Log, limits, signals, metrics, stores: all that needs neither Redis nor other programs. */
static enum err_code prepare(struct stage *stage, struct err *e)
{
	const struct conf_common *common = stage_common(stage);
	enum err_code code;

	stage->started_ms = clock_mono_ms();
	name_instance(stage);
	log_open(stage->instance, level_of(common->log_level));
	process_limits();
	if (common->ready_fd >= 0)
		fcntl((int)common->ready_fd, F_SETFD, FD_CLOEXEC);
	if (mkdir(common->dir, 0750) != 0 && access(common->dir, W_OK | X_OK) != 0)
		return err_set(e, ERR_PERM, ERR_PROCESS, "dir_unusable", "cannot write in %s",
			       common->dir);
	code = wake_open(&stage->wake, e);
	if (code != ERR_OK)
		return code;
	stage->metrics = metrics_new(stage->def->name, stage->instance, stage->def->metrics,
				     stage->def->metric_count);
	code = metrics_serve(stage->metrics, (uint16_t)common->metrics_port, &stage->metrics_port,
			     e);
	if (code != ERR_OK)
		return code;
	stage->store = store_make(stage, 0);
	stage->heart_store = store_make(stage, HEART_CALL_MS);
	log_event(LOG_LEVEL_INFO, "stage_started", "pid", "d", (int64_t)getpid(), "wire", "d",
		  (int64_t)WIRE_VERSION, "metrics_port", "d", (int64_t)stage->metrics_port, NULL);
	return ERR_OK;
}

static enum err_code ping(struct stage *stage, struct err *e)
{
	struct arena *arena = arena_new(0);
	struct store_reply reply;
	enum err_code code = store_do(stage->heart_store, arena, &reply, e, "PING");

	arena_free(&arena);
	return code;
}

static bool has(struct span text, const char *part)
{
	return text.n > 0 && memmem(text.p, text.n, part, strlen(part)) != NULL;
}

/* A Redis that throws away what it has no room for would lose mail, sends and what people decided (FAULTS F112). */
static enum err_code policy_check(struct stage *stage, struct err *e)
{
	struct arena *arena = arena_new(0);
	struct store_reply reply;
	enum err_code code = store_do(stage->heart_store, arena, &reply, e, "INFO memory");

	if (code == ERR_OK && has(reply.string, "maxmemory_policy:") &&
	    !has(reply.string, "maxmemory_policy:noeviction"))
		code = err_set(e, ERR_PERM, ERR_PROCESS, "redis_evicts",
			       "Redis may throw data away: set its maxmemory-policy to noeviction");
	arena_free(&arena);
	return code == ERR_PERM && strcmp(e->name, "redis_evicts") != 0 ? ERR_OK : code;
}

static enum err_code functions_load(struct stage *stage, struct store *store, struct err *e)
{
	if (!stage->def->functions)
		return ERR_OK;
	return store_load_library(store, span_cstr(stage->def->functions), e);
}

/* Waits for Redis, for ever if need be. ERR_STALE: told to stop meanwhile. */
static enum err_code redis_await(struct stage *stage, struct err *e)
{
	int64_t logged_ms = 0;
	enum err_code code;
	int signal;

	while ((code = ping(stage, e)) != ERR_OK || (code = policy_check(stage, e)) != ERR_OK ||
	       (code = functions_load(stage, stage->store, e)) != ERR_OK) {
		int64_t now_ms = clock_mono_ms();

		if (code != ERR_TEMP && code != ERR_AGAIN)
			return code;
		if (!logged_ms || now_ms - logged_ms >= AWAY_LOG_MS) {
			log_event(LOG_LEVEL_WARN, "redis_away", "for_ms", "d",
				  now_ms - stage->started_ms, "error", "e", e, NULL);
			logged_ms = now_ms;
		}
		wake_wait(&stage->wake, AWAY_PAUSE_MS);
		if (wake_take(&stage->wake, &signal))
			return err_set(e, ERR_STALE, ERR_PROCESS, "stopped", "told to stop");
	}
	return ERR_OK;
}

static void publish(struct stage *stage)
{
	struct bus_entry self;

	bus_self(stage->bus, &self);
	self.metrics_port = stage->metrics_port;
	stage->heart = heart_start(stage->heart_store, &self, stage->wake.event_fd);
}

/* The program's life from Redis's first answer to `stop`. */
static enum err_code live(struct stage *stage, int *status_out, struct err *e)
{
	enum err_code code = redis_await(stage, e);

	*status_out = 0;
	if (code == ERR_STALE)
		return ERR_OK;
	if (code == ERR_OK)
		code = life_bus_open(stage, e);
	if (code == ERR_OK && stage->def->start)
		code = stage->def->start(stage, &stage->ctx, e);
	if (code != ERR_OK)
		return code;
	publish(stage);
	if (stage->def->run)
		*status_out = stage->def->run(stage->ctx);
	else
		life_run(stage);
	heart_stop(&stage->heart);
	if (stage->def->stop)
		stage->def->stop(stage->ctx);
	return ERR_OK;
}

static int run(struct stage *stage)
{
	struct err e = {.code = ERR_OK};
	enum err_code code;
	int status = 1;

	code = prepare(stage, &e);
	if (code == ERR_OK)
		code = live(stage, &status, &e);
	if (code != ERR_OK) {
		status = 1;
		log_event(LOG_LEVEL_ERROR, "stage_failed", "error", "e", &e, NULL);
	}
	log_event(LOG_LEVEL_INFO, "stage_stopped", "drained", "s", stage->drained ? "yes" : "no",
		  "after_ms", "d", clock_mono_ms() - stage->started_ms, NULL);
	bus_close(&stage->bus);
	store_free(&stage->heart_store);
	store_free(&stage->store);
	metrics_free(&stage->metrics);
	wake_close(&stage->wake);
	prctl(PR_SET_DUMPABLE, 1); /* secrets are gone; the leak checker of test builds wants it */
	return status;
}

/* Is --load-functions given? Then it is taken out of the arguments. */
static bool load_asked(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--load-functions") != 0)
			continue;
		for (; i < *argc; i++)
			argv[i] = argv[i + 1]; /* with the NULL at the end */
		--*argc;
		return true;
	}
	return false;
}

static int load(struct stage *stage)
{
	struct err e = {.code = ERR_OK};
	enum err_code code;

	name_instance(stage);
	log_open(stage->instance, level_of(stage_common(stage)->log_level));
	stage->store = store_make(stage, 0);
	code = functions_load(stage, stage->store, &e);
	if (code != ERR_OK)
		log_event(LOG_LEVEL_ERROR, "functions_not_loaded", "error", "e", &e, NULL);
	store_free(&stage->store);
	return code == ERR_OK ? 0 : 1;
}

int stage_main(const struct stage_def *def, int argc, char **argv)
{
	size_t conf_bytes = def->conf_bytes ? def->conf_bytes : sizeof(struct conf_common);
	struct stage stage = {.def = def, .wake = {-1, -1, -1}};
	struct err e = {.code = ERR_OK};
	int status = def->command ? def->command(argc, argv) : -1, rest_count;
	bool load_only;
	char **rest;

	if (status >= 0)
		return status;
	stage.conf = calloc(1, conf_bytes);
	if (!stage.conf)
		abort();
	load_only = load_asked(&argc, argv);
	if (conf_load(stage.conf, def->name, def->purpose, def->settings, argc, argv, &rest,
		      &rest_count, &status, &e) != ERR_OK) {
		fprintf(stderr, "%s: %s\n", def->name, e.text);
		status = EXIT_USAGE;
	} else if (status < 0 && rest_count) {
		fprintf(stderr, "%s: takes no argument %.63s; see --help\n", def->name, rest[0]);
		status = EXIT_USAGE;
	} else if (status < 0) {
		status = load_only ? load(&stage) : run(&stage);
	}
	conf_fini(stage.conf, def->settings);
	free(stage.conf);
	return status;
}

const void *stage_conf(const struct stage *stage)
{
	return stage->conf;
}

const char *stage_instance(const struct stage *stage)
{
	return stage->instance;
}

struct store *stage_store(struct stage *stage)
{
	return stage->store;
}

struct bus *stage_bus(struct stage *stage)
{
	return stage->bus;
}

struct metrics *stage_metrics(struct stage *stage)
{
	return stage->metrics;
}

struct store *stage_store_new(struct stage *stage)
{
	struct store *store = store_make(stage, 0);
	struct err e;

	if (functions_load(stage, store, &e) != ERR_OK)
		log_event(LOG_LEVEL_WARN, "functions_not_loaded", "error", "e", &e, NULL);
	return store;
}
