#include "common/store/pipeline.h"

#include <time.h>

#include "common/base/clock.h"

#define LOADS_MAX 3u /* times the libraries are loaded again during one chunk */
#define ATTEMPT_LEAST_MS 1000 /* a round waits for half the time left, but not less than this */

/* What the chunk must do about a reply. */
enum verdict { VERDICT_DONE, VERDICT_NOW, VERDICT_LATER, VERDICT_LOAD, VERDICT_FULL };

struct run {
	const struct pipeline *p;
	struct err why; /* the last trouble */
	size_t left; /* commands without a reply */
	bool later; /* this round's trouble mends itself by waiting only */
	bool full; /* the server takes no writes for now: the caller must slow down */
	unsigned loads;
	bool load[NODES_MAX]; /* servers that miss a function */
	bool used[NODES_MAX]; /* servers this round sends to */
	bool done[PIPELINE_COMMANDS_MAX];
	uint8_t ask[PIPELINE_COMMANDS_MAX]; /* one-time destination, NODES_NONE: by slot */
	uint8_t node[PIPELINE_COMMANDS_MAX]; /* where it was sent this round */
};

static void count(const struct run *run, enum metric_stage metric)
{
	if (run->p->metrics)
		metrics_add(run->p->metrics, metric, 0, 1);
}

static void queue_commands(struct run *run, int64_t attempt_ms)
{
	static const struct span asking[] = {SPAN_LIT("ASKING")};
	const struct pipeline *p = run->p;

	for (size_t i = 0; i < p->count; i++) {
		run->node[i] = NODES_NONE;
		if (run->done[i])
			continue;
		bool ask = run->ask[i] != NODES_NONE;
		uint8_t node = ask ? run->ask[i] : nodes_for(p->nodes, &p->commands[i]);

		run->ask[i] = NODES_NONE;
		if (nodes_ready(p->nodes, node, attempt_ms, &run->why) != ERR_OK) {
			run->later = true;
			continue;
		}
		if (ask)
			conn_append(p->nodes->items[node].conn, &(struct store_command){asking, 1});
		conn_append(p->nodes->items[node].conn, &p->commands[i]);
		run->node[i] = node;
		run->ask[i] = ask ? node : NODES_NONE; /* tells the receiver of the extra reply */
		run->used[node] = true;
	}
}

static bool is_word(struct span text, struct span word)
{
	return span_eq(span_sub(text, 0, span_find_byte(text, ' ')), word);
}

static bool is_one_of(struct span text, const struct span *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_word(text, words[i]))
			return true;
	return false;
}

static bool misses_function(struct span text)
{
	const struct span words = SPAN_LIT("Function not found");

	for (size_t i = 0; i + words.n <= text.n; i++)
		if (memcmp(text.p + i, words.p, words.n) == 0)
			return true;
	return false;
}

/* Words of a server that will answer properly later, or that is not the one to ask any more. */
static enum verdict judge_error(struct run *run, size_t i, uint8_t node, struct span text)
{
	static const struct span later[] = {SPAN_LIT("LOADING"),    SPAN_LIT("BUSY"),
					    SPAN_LIT("TRYAGAIN"),   SPAN_LIT("CLUSTERDOWN"),
					    SPAN_LIT("MASTERDOWN"), SPAN_LIT("NOAUTH")};
	static const struct span full[] = {SPAN_LIT("OOM"), SPAN_LIT("MISCONF"),
					   SPAN_LIT("NOREPLICAS")};
	struct route_redirect redirect;

	if (route_parse_redirect(text, &redirect)) {
		uint8_t to = nodes_redirect(run->p->nodes, node, &redirect);

		run->ask[i] = redirect.ask ? to : NODES_NONE;
		return VERDICT_NOW;
	}
	if (is_word(text, SPAN_LIT("READONLY"))) {
		nodes_distrust(run->p->nodes, node);
		return VERDICT_LATER;
	}
	if (is_one_of(text, later, sizeof(later) / sizeof(later[0])))
		return VERDICT_LATER;
	if (is_one_of(text, full, sizeof(full) / sizeof(full[0])))
		return VERDICT_FULL;
	if (misses_function(text) && run->p->libraries->count > 0 && run->loads < LOADS_MAX)
		return VERDICT_LOAD;
	return VERDICT_DONE;
}

static void settle(struct run *run, size_t i, uint8_t node, const struct store_reply *reply)
{
	enum verdict verdict = VERDICT_DONE;

	if (reply->type == STORE_ERROR)
		verdict = judge_error(run, i, node, reply->string);
	if (verdict == VERDICT_DONE) {
		run->p->replies[i] = *reply;
		run->done[i] = true;
		run->left--;
		return;
	}
	count(run, METRIC_REDIS_ERRORS);
	err_set(&run->why, ERR_TEMP, ERR_PROCESS, "redis_busy", "Redis at %s: %.*s",
		conn_address(run->p->nodes->items[node].conn), (int)reply->string.n,
		(const char *)reply->string.p);
	run->later |= verdict == VERDICT_LATER;
	run->full |= verdict == VERDICT_FULL;
	run->load[node] |= verdict == VERDICT_LOAD;
}

/* All replies of one server. Stops at a broken connection: what it did not answer stays undone. */
static void receive_from(struct run *run, uint8_t node, int64_t attempt_ms)
{
	const struct pipeline *p = run->p;
	struct conn *conn = p->nodes->items[node].conn;
	struct store_reply reply;

	for (size_t i = 0; i < p->count; i++) {
		if (run->node[i] != node)
			continue;
		bool asking = run->ask[i] != NODES_NONE;

		run->ask[i] = NODES_NONE;
		for (int n = asking ? 2 : 1; n > 0; n--) {
			if (conn_receive(conn, p->arena, attempt_ms, &reply, &run->why) != ERR_OK) {
				count(run, METRIC_REDIS_ERRORS);
				return;
			}
		}
		settle(run, i, node, &reply);
	}
}

static enum err_code load_libraries(struct run *run, uint8_t node, int64_t attempt_ms,
				    struct err *e)
{
	const struct pipeline *p = run->p;
	struct conn *conn = p->nodes->items[node].conn;
	struct store_reply reply;

	if (!conn_is_open(conn))
		return ERR_OK; /* the next round connects and hears again what is missing */
	for (size_t i = 0; i < p->libraries->count; i++) {
		const struct span args[] = {SPAN_LIT("FUNCTION"), SPAN_LIT("LOAD"),
					    SPAN_LIT("REPLACE"), p->libraries->sources[i]};

		conn_append(conn, &(struct store_command){args, 4});
	}
	if (conn_send(conn, attempt_ms, &run->why) != ERR_OK)
		return ERR_OK;
	for (size_t i = 0; i < p->libraries->count; i++) {
		if (conn_receive(conn, p->arena, attempt_ms, &reply, &run->why) != ERR_OK)
			return ERR_OK;
		if (reply.type == STORE_ERROR && is_word(reply.string, SPAN_LIT("ERR")))
			return err_set(e, ERR_PERM, ERR_PROCESS, "redis_library", "%.*s",
				       (int)reply.string.n, (const char *)reply.string.p);
		run->later |= reply.type == STORE_ERROR;
	}
	return ERR_OK;
}

static enum err_code round_once(struct run *run, struct err *e)
{
	const struct pipeline *p = run->p;
	int64_t now = clock_mono_ms(), wait = (p->deadline_ms - now) / 2;
	int64_t attempt = now + (wait < ATTEMPT_LEAST_MS ? ATTEMPT_LEAST_MS : wait);
	bool loaded = false;

	if (attempt > p->deadline_ms)
		attempt = p->deadline_ms;
	run->later = false;
	memset(run->used, 0, sizeof(run->used));
	memset(run->load, 0, sizeof(run->load));
	queue_commands(run, attempt);
	for (uint8_t n = 0; n < p->nodes->count; n++) {
		/* A failure leaves the connection closed, which the receiver then sees. */
		if (run->used[n] &&
		    conn_send(p->nodes->items[n].conn, attempt, &run->why) == ERR_OK)
			count(run, METRIC_REDIS_CALLS);
	}
	for (uint8_t n = 0; n < NODES_MAX; n++)
		if (run->used[n])
			receive_from(run, n, attempt);
	for (uint8_t n = 0; n < NODES_MAX; n++) {
		if (!run->load[n])
			continue;
		enum err_code code = load_libraries(run, n, attempt, e);

		if (code != ERR_OK)
			return code;
		loaded = true;
	}
	run->loads += loaded;
	return ERR_OK;
}

static void pause_for(const struct run *run, unsigned fruitless)
{
	int64_t ms = nodes_backoff_ms(fruitless), left = run->p->deadline_ms - clock_mono_ms();

	if (ms > left)
		ms = left;
	if (ms > 0)
		nanosleep(&(struct timespec){ms / 1000, (ms % 1000) * 1000000}, NULL);
}

enum err_code pipeline_run(const struct pipeline *pipeline, struct err *e)
{
	struct run run = {.p = pipeline, .left = pipeline->count};
	unsigned fruitless = 0; /* rounds in a row that brought nothing */

	memset(run.ask, NODES_NONE, sizeof(run.ask));
	for (;;) {
		size_t left = run.left;
		enum err_code code = round_once(&run, e);

		if (code != ERR_OK)
			return code;
		if (run.left == 0)
			return ERR_OK;
		if (run.full)
			break;
		fruitless = run.left < left ? 0 : fruitless + 1;
		if (run.later || fruitless > 1)
			pause_for(&run, fruitless > 0 ? fruitless : 1);
		/* No hopeless last round, whose time-out would hide the reason. */
		if (clock_mono_ms() >= pipeline->deadline_ms)
			break;
	}
	return err_set(e, ERR_TEMP, ERR_PROCESS, run.why.name, "%s", run.why.text);
}
