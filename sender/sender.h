/* sender: the process: its loop, its settings, and what its deliveries share. */
#ifndef MW_SENDER_SENDER_H
#define MW_SENDER_SENDER_H

#include "common/blob/blob.h"
#include "common/stage/stage.h"
#include "common/stage/sweep.h"
#include "sender/account.h"
#include "sender/durable.h"
#include "sender/lines.h"
#include "sender/outgoing.h"

#define SENDER_NAME_BYTES 132 /* "<company>/<account>" */

struct delivery;

struct sender_conf {
	struct conf_common common;
	int64_t sweep_ms, lease_ms;
	int64_t connections, account_connections;
	int64_t connect_ms, reply_ms, final_ms, idle_ms, login_retry_ms;
	int64_t clock_scale;
	char *ca_file, *ehlo;
	bool allow_plaintext;
};

enum sender_metric {
	SENDER_OUTCOMES = METRIC_STAGE_COUNT, /* by enum sender_outcome */
	SENDER_CONNECTIONS,
	SENDER_OCTETS,
	SENDER_LOGINS_REFUSED,
};

enum sender_outcome {
	SENDER_SENT,
	SENDER_DELAYED,
	SENDER_FAILED,
	SENDER_UNKNOWN, /* handed over without an answer: looked for from now on */
	SENDER_STALE, /* another process took the entry over, or the account was erased */
};

struct sender {
	struct stage *stage;
	const struct sender_conf *conf;
	struct metrics *metrics;
	struct bus *bus;
	struct store *store;
	uv_loop_t loop;
	uv_poll_t bus_poll;
	uv_timer_t timer;
	uv_prepare_t prepare;
	struct mailconn_loop net;
	struct lines lines;
	struct blob_writer *writer;
	struct durable storing; /* blobs of what was sent; items: deliveries */
	struct durable recording; /* calls to the outbox; items: struct outbox_call */
	struct account_keys keys;
	struct account_options account_options;
	struct outbox outbox; /* the recording thread's, with a store of its own */
	struct arena *answers; /* of its last batch */
	char lease_ms[24], scale[24], ehlo[256];
	struct sweep *sweep;
	struct outgoing *outgoing;
	struct outgoing_load load; /* of all accounts */
	struct delivery *deliveries;
	bool draining;
};

enum err_code sender_start(struct stage *stage, void **ctx_out, struct err *e);
int sender_run(void *ctx);
void sender_tick(void *ctx, int64_t now_mono_ms);
void sender_drain(void *ctx);
bool sender_drained(void *ctx);
void sender_stop(void *ctx);

#endif
