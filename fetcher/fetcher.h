/* fetcher: the process: its loop, its settings, its accounts, and what all of them share. */
#ifndef MW_FETCHER_FETCHER_H
#define MW_FETCHER_FETCHER_H

#include "common/secret/secret.h"
#include "common/stage/stage.h"
#include "fetcher/committer.h"
#include "common/mailconn/loop.h"
#include "fetcher/account_index.h"
#include "fetcher/lease.h"
#include "fetcher/limits.h"
#include "fetcher/window.h"

struct account;
struct budget_host;
struct link;

struct fetcher_conf {
	struct conf_common common;
	int64_t poll_ms;
	int64_t window_messages, window_bytes;
	int64_t connect_ms, lease_ms, idle_ms, login_retry_ms;
	int64_t max_message_bytes, silence_ms;
	int64_t coverage_ms, renumber_ms, park_ms;
	int64_t connections[LIMITS_PROVIDERS], host_connections, crowded_ms; /* 0: any number */
	int64_t day_bytes[LIMITS_PROVIDERS], day_percent; /* 0: no limit */
	char *ca_file;
	int64_t compress_round_trip_ms;
	bool allow_plaintext, compress;
};

enum fetcher_metric {
	FETCHER_BYTES = METRIC_STAGE_COUNT,
	FETCHER_CONNECTIONS,
	FETCHER_LOGIN_FAILURES,
	FETCHER_ACCOUNTS, /* by state */
	FETCHER_COMMIT_SECONDS,
	FETCHER_KNOWN,
	FETCHER_ASIDE,
	FETCHER_WINDOW_BYTES,
	FETCHER_COVERAGE_MISSING,
	FETCHER_WAITING, /* by enum account_wait, less one */
	FETCHER_LIMITS_MET, /* by enum limits_kind, less one */
	FETCHER_TURNS,
};

/* Each call of Redis waits for its disk, but all that wait at the same time wait together. So the states, logins and
 * openings of many accounts go side by side, and mail does not wait for them. */
#define FETCHER_CLERKS 6u

struct fetcher {
	struct stage *stage;
	const struct fetcher_conf *conf;
	const char *instance;
	struct metrics *metrics;
	struct bus *bus;
	uv_loop_t loop;
	uv_poll_t bus_poll;
	uv_timer_t timer;
	uv_prepare_t prepare; /* after each turn: room in the window, batches of the bus */
	struct mailconn_loop net;
	struct spool *spool;
	struct window window;
	struct blob_writer *writer;
	struct committer *committer; /* for mail: durable, then entered, in order */
	struct committer
		*clerks[FETCHER_CLERKS]; /* for what is known of accounts; each account has one */
	unsigned next_clerk;
	struct lease_queue leases;
	struct secret_key mail_key, credentials_key;
	struct account *accounts;
	struct account_index by_name;
	struct {
		struct link *first, *last;
	} no_room[WIRE_LANES]; /* who waits for room in the window, oldest first */
	size_t proofs; /* connections for proofs that nobody asked for */
	uint64_t peers; /* raised when a fetcher comes or goes, so when accounts may change hands */
	uint64_t peers_told; /* so many of them the accounts have been told of */
	struct budget_host *hosts;
	int64_t hosts_told_ms;
	struct arena *arena; /* for a frame or two; reset at each use */
	struct buf frame;
	int64_t pipeline_ms; /* a clock that stands while a stage downstream has no instance */
	int64_t turned_ms;
	int64_t left_ms; /* when an instance downstream left, 0 never */
	int64_t listed_ms; /* when the list of accounts was asked for last */
	bool listing, list_again, draining, given;
};

enum err_code fetcher_start(struct stage *stage, void **ctx_out, struct err *e);
int fetcher_run(void *ctx);
void fetcher_tick(void *ctx, int64_t now_mono_ms);
void fetcher_drain(void *ctx);
bool fetcher_drained(void *ctx);
void fetcher_stop(void *ctx);

/* A job with an arena of its own, zeroed, `bytes` large (struct committer_job first). */
void *fetcher_job_new(size_t bytes,
		      enum err_code (*run)(struct committer_job *, const struct committer_env *),
		      void (*done)(struct committer_job *));
void fetcher_job_free(void *job);

#endif
