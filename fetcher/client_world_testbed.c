/* A disk, a bus and a clock for the fuzzed client: stands in the place of common/blob, bus and metrics, and of the
 * committer's thread. */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fetcher/client_testbed.h"
#include "fetcher/hop.h"

#define COMMITTERS_MAX (2 + FETCHER_CLERKS) /* jobs, leases, clerks */

#define TIMERS_MAX 8

struct committer {
	struct committer_job *first, **last;
	size_t count;
};

static struct {
	int64_t now_ms;
	int bus_fd;
	struct committer *committers[COMMITTERS_MAX];
	struct {
		uv_timer_t *timer; /* NULL: none */
		uv_timer_cb fired;
		int64_t due_ms;
	} timers[TIMERS_MAX];
} world;

void world_begin(unsigned how)
{
	world.now_ms = 1700000000000;
	world.bus_fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	stored_begin(how);
}

void world_end(void)
{
	close(world.bus_fd);
	stored_end();
}

/* ---- clock: linked with --wrap ---- */

int64_t __wrap_clock_mono_ms(void);
int64_t __wrap_clock_mono_us(void);
int64_t __wrap_clock_wall_ms(void);

void world_pass(int64_t ms)
{
	world.now_ms += ms;
}

int64_t __wrap_clock_mono_ms(void)
{
	return world.now_ms;
}

int64_t __wrap_clock_mono_us(void)
{
	return world.now_ms * 1000;
}

int64_t __wrap_clock_wall_ms(void)
{
	return world.now_ms;
}

/* ---- timers: linked with --wrap; they go by the world's clock ---- */

int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb fired, uint64_t wait_ms,
			  uint64_t again_ms);
int __wrap_uv_timer_stop(uv_timer_t *timer);
void __wrap_uv_close(uv_handle_t *handle, uv_close_cb closed);
void __real_uv_close(uv_handle_t *handle, uv_close_cb closed);

static void timer_forget(const void *timer)
{
	for (size_t i = 0; i < TIMERS_MAX; i++)
		if (world.timers[i].timer == timer)
			world.timers[i].timer = NULL;
}

/* One that repeats is the process's own: it is turned by the bus's descriptor. */
int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb fired, uint64_t wait_ms, uint64_t again_ms)
{
	size_t i = 0;

	timer_forget(timer);
	if (again_ms)
		return 0;
	while (i < TIMERS_MAX && world.timers[i].timer)
		i++;
	if (i == TIMERS_MAX)
		abort();
	world.timers[i].timer = timer;
	world.timers[i].fired = fired;
	world.timers[i].due_ms = wait_ms < INT32_MAX ? world.now_ms + (int64_t)wait_ms : INT64_MAX;
	return 0;
}

int __wrap_uv_timer_stop(uv_timer_t *timer)
{
	timer_forget(timer);
	return 0;
}

void __wrap_uv_close(uv_handle_t *handle, uv_close_cb closed)
{
	timer_forget(handle);
	__real_uv_close(handle, closed);
}

static void fire_timers(void)
{
	for (size_t i = 0; i < TIMERS_MAX; i++) {
		uv_timer_t *timer = world.timers[i].timer;

		if (!timer || world.timers[i].due_ms > world.now_ms)
			continue;
		world.timers[i].timer = NULL;
		world.timers[i].fired(timer);
	}
}

/* ---- committer: jobs run between two turns of the loop ---- */

enum err_code committer_open(uv_loop_t *loop, struct store *store, struct blob_writer *writer,
			     const char *blob_dir, struct metrics *metrics, unsigned commit_metric,
			     struct committer **committer_out, struct err *e)
{
	struct committer *c = calloc(1, sizeof(*c));

	(void)loop;
	(void)store;
	(void)writer;
	(void)blob_dir;
	(void)metrics;
	(void)commit_metric;
	(void)e;
	if (!c)
		abort();
	c->last = &c->first;
	*committer_out = c;
	for (size_t i = 0; i < COMMITTERS_MAX; i++)
		if (!world.committers[i]) {
			world.committers[i] = c;
			return ERR_OK;
		}
	abort();
}

void committer_give(struct committer *c, struct committer_job *job)
{
	job->next = NULL;
	*c->last = job;
	c->last = &job->next;
	c->count++;
}

size_t committer_waiting(const struct committer *c)
{
	return c->count;
}

static void run_some(struct committer *c)
{
	const struct committer_env env = {NULL, ""};
	struct committer_job *job = c->first;

	c->first = NULL;
	c->last = &c->first;
	while (job) {
		struct committer_job *next = job->next;

		job->code = job->run(job, &env);
		c->count--;
		job->done(job);
		job = next;
	}
}

void world_turn(void)
{
	fire_timers();
	for (size_t i = 0; i < COMMITTERS_MAX; i++)
		if (world.committers[i])
			run_some(world.committers[i]);
}

void committer_close(struct committer **at)
{
	struct committer *c = *at;

	*at = NULL;
	if (!c)
		return;
	while (c->first)
		run_some(c);
	for (size_t i = 0; i < COMMITTERS_MAX; i++)
		if (world.committers[i] == c)
			world.committers[i] = NULL;
	free(c);
}

/* ---- disk ---- */

enum err_code blob_writer_open(const char *blob_dir, const char *instance,
			       struct blob_writer **writer_out, struct err *e)
{
	(void)blob_dir;
	(void)instance;
	(void)e;
	*writer_out = NULL;
	return ERR_OK;
}

void blob_writer_close(struct blob_writer **writer)
{
	*writer = NULL;
}

/* Every octet of it is there. */
enum err_code blob_append(struct blob_writer *writer, const struct blob_identity *identity,
			  const struct secret_key *data_key, struct span raw,
			  struct blob_ref *ref_out, struct err *e)
{
	uint8_t digest[32];

	(void)writer;
	(void)identity;
	(void)data_key;
	(void)e;
	secret_sha256(raw, digest);
	*ref_out = (struct blob_ref){.writer = "w", .segment = digest[0] + 1u, .length = raw.n + 1};
	return ERR_OK;
}

enum err_code blob_read(const char *blob_dir, const struct blob_ref *ref,
			const struct blob_identity *identity, const struct secret_key *data_key,
			struct buf *raw_out, struct err *e)
{
	(void)blob_dir;
	(void)ref;
	(void)identity;
	(void)data_key;
	(void)e;
	buf_put_cstr(raw_out, "Subject: x\r\n\r\n");
	return ERR_OK;
}

enum err_code blob_data_key_open(const struct secret_key *mail_key, struct span company,
				 struct span account, struct span wrapped,
				 struct secret_key *key_out, struct err *e)
{
	(void)mail_key;
	(void)company;
	(void)account;
	(void)wrapped;
	(void)e;
	memset(key_out, 1, sizeof(*key_out));
	return ERR_OK;
}

enum err_code secret_load(const char *keys_dir, const char *which, struct secret_key *key_out,
			  struct err *e)
{
	(void)keys_dir;
	(void)which;
	(void)e;
	memset(key_out, 1, sizeof(*key_out));
	return ERR_OK;
}

enum err_code secret_open_with(const struct secret_key *private_key, struct span context,
			       struct span sealed, struct buf *out, struct err *e)
{
	(void)private_key;
	(void)context;
	(void)sealed;
	(void)e;
	buf_put_cstr(out, "{\"imapPassword\":\"x\"}");
	return ERR_OK;
}

/* ---- bus and metrics ---- */

int bus_fd(const struct bus *bus)
{
	(void)bus;
	return world.bus_fd;
}

bool bus_process(struct bus *bus)
{
	(void)bus;
	return false;
}

void bus_flush(struct bus *bus)
{
	(void)bus;
}

void bus_give(struct bus *bus, unsigned lane, struct bus_item item)
{
	(void)bus;
	(void)lane;
	(void)item;
}

size_t bus_queued(const struct bus *bus, unsigned lane)
{
	(void)bus;
	(void)lane;
	return 0;
}

bool bus_tell_one(struct bus *bus, const char *stage, struct bus_item item)
{
	(void)bus;
	(void)stage;
	(void)item;
	return true;
}

size_t bus_peers(const struct bus *bus, const char *stage, struct bus_entry *entries_out,
		 size_t max)
{
	(void)bus;
	(void)entries_out;
	(void)max;
	return strcmp(stage, "fetcher") != 0;
}

void metrics_add(struct metrics *m, unsigned metric, unsigned value, int64_t delta)
{
	(void)m;
	(void)metric;
	(void)value;
	(void)delta;
}

void metrics_set(struct metrics *m, unsigned metric, unsigned value, int64_t level)
{
	(void)m;
	(void)metric;
	(void)value;
	(void)level;
}

void metrics_observe_us(struct metrics *m, unsigned metric, unsigned value, int64_t microseconds,
			int64_t times)
{
	(void)m;
	(void)metric;
	(void)value;
	(void)microseconds;
	(void)times;
}
