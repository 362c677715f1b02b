#include "sender/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "sender/settlement.h"

#define TURN_MS 50
#define SWEEP_ACCOUNTS 64

static void sweep(struct sender *sender, int64_t now_mono_ms)
{
	struct sweep_account accounts[SWEEP_ACCOUNTS];
	size_t n = sweep_next(sender->sweep, now_mono_ms, accounts, SWEEP_ACCOUNTS);

	for (size_t i = 0; i < n; i++)
		outgoing_look(sender, accounts[i].company, accounts[i].account);
}

void sender_tick(void *ctx, int64_t now_mono_ms)
{
	struct sender *sender = ctx;
	const struct outgoing_load *load = &sender->load;

	lines_tick(&sender->lines, now_mono_ms, sender->conf->idle_ms);
	delivery_tick(sender, now_mono_ms);
	if (!sender->draining)
		sweep(sender, now_mono_ms);
	metrics_set(
		sender->metrics, METRIC_IN_FLIGHT, WIRE_LANE_LIVE,
		(int64_t)(load->sending + load->waiting - load->sending_bulk - load->waiting_bulk));
	metrics_set(sender->metrics, METRIC_IN_FLIGHT, WIRE_LANE_BULK,
		    (int64_t)(load->sending_bulk + load->waiting_bulk));
	metrics_set(sender->metrics, SENDER_CONNECTIONS, 0,
		    (int64_t)(load->sending + lines_count(&sender->lines)));
}

/* ---- the loop ---- */

/* What the turn asked for goes on its way, all of it at once. What we rang may have taken the notice of what rang us, so the
 * bus is asked as well. */
static void before_wait(uv_prepare_t *prepare)
{
	struct sender *sender = prepare->data;

	while (bus_process(sender->bus))
		continue;
	outgoing_turn(sender);
	delivery_begin_all(sender);
	durable_go(&sender->storing);
	durable_go(&sender->recording);
}

static void record(void *ctx, void *const *items, size_t count)
{
	struct sender *sender = ctx;

	arena_reset(sender->answers);
	outbox_run(&sender->outbox, (struct outbox_call *const *)items, count, sender->answers);
}

static void recorded(void *ctx, void *item)
{
	struct outbox_call *call = item;

	if (call->verb == OUTBOX_TAKE)
		outgoing_taken(call->owner, ctx);
	else
		delivery_told(call->owner, call);
}

static void timer_fired(uv_timer_t *timer)
{
	struct sender *sender = timer->data;

	stage_turn(sender->stage);
	if (stage_stopping(sender->stage))
		uv_stop(&sender->loop);
}

static void bus_ready(uv_poll_t *poll, int status, int events)
{
	const struct sender *sender = poll->data;

	(void)status;
	(void)events;
	stage_turn(sender->stage);
}

/* Our name for EHLO: as set, else the host's if it looks like one. */
static void choose_ehlo(struct sender *sender)
{
	const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	char *ehlo = sender->ehlo;

	snprintf(ehlo, sizeof(sender->ehlo), "%s", sender->conf->ehlo);
	if (!*ehlo && gethostname(ehlo, sizeof(sender->ehlo) - 1) != 0)
		*ehlo = '\0';
	if (!*ehlo || ehlo[strspn(ehlo, allowed)])
		snprintf(ehlo, sizeof(sender->ehlo), "localhost");
}

static enum err_code open_parts(struct sender *sender, struct err *e)
{
	const struct conf_common *common = &sender->conf->common;
	enum err_code code = secret_load(common->keys_dir, "mail", &sender->keys.mail, e);

	if (code == ERR_OK)
		code = secret_load(common->keys_dir, "credentials.key", &sender->keys.credentials,
				   e);
	if (code == ERR_OK)
		code = blob_writer_open(common->blob_dir, stage_instance(sender->stage),
					&sender->writer, e);
	if (code == ERR_OK)
		code = mailconn_loop_init(&sender->net, &sender->loop, e);
	return code;
}

static void set_options(struct sender *sender)
{
	const struct sender_conf *conf = sender->conf;

	choose_ehlo(sender);
	snprintf(sender->lease_ms, sizeof(sender->lease_ms), "%lld", (long long)conf->lease_ms);
	snprintf(sender->scale, sizeof(sender->scale), "%lld", (long long)conf->clock_scale);
	sender->outbox =
		(struct outbox){stage_store_new(sender->stage), sender->lease_ms, sender->scale};
	sender->account_options = (struct account_options){
		.ca_file = conf->ca_file,
		.ehlo = sender->ehlo,
		.connect_ms = conf->connect_ms,
		.login_retry_ms = conf->login_retry_ms,
		.allow_plaintext = conf->allow_plaintext,
	};
}

static void open_lanes(struct sender *sender)
{
	sender->answers = arena_new(0);
	durable_init(&sender->storing, &sender->loop);
	sender->storing.ctx = sender;
	sender->storing.run = settlement_store;
	sender->storing.done = settlement_stored;
	durable_init(&sender->recording, &sender->loop);
	sender->recording.ctx = sender;
	sender->recording.run = record;
	sender->recording.done = recorded;
}

enum err_code sender_start(struct stage *stage, void **ctx_out, struct err *e)
{
	struct sender *sender = calloc(1, sizeof(*sender));
	enum err_code code;

	if (!sender)
		abort();
	sender->stage = stage;
	sender->conf = stage_conf(stage);
	sender->metrics = stage_metrics(stage);
	sender->bus = stage_bus(stage);
	sender->store = stage_store(stage);
	set_options(sender);
	uv_loop_init(&sender->loop);
	open_lanes(sender);
	code = open_parts(sender, e);
	if (code != ERR_OK)
		return code; /* the process ends */
	sender->sweep = sweep_new(stage, sender->conf->sweep_ms);
	uv_poll_init(&sender->loop, &sender->bus_poll, bus_fd(sender->bus));
	uv_timer_init(&sender->loop, &sender->timer);
	uv_prepare_init(&sender->loop, &sender->prepare);
	sender->bus_poll.data = sender->timer.data = sender->prepare.data = sender;
	*ctx_out = sender;
	return ERR_OK;
}

int sender_run(void *ctx)
{
	struct sender *sender = ctx;

	uv_poll_start(&sender->bus_poll, UV_READABLE, bus_ready);
	uv_timer_start(&sender->timer, timer_fired, 0, TURN_MS);
	uv_prepare_start(&sender->prepare, before_wait);
	while (!stage_stopping(sender->stage))
		uv_run(&sender->loop, UV_RUN_DEFAULT);
	return 0;
}

void sender_drain(void *ctx)
{
	struct sender *sender = ctx;

	sender->draining = true;
	delivery_drain(sender);
}

bool sender_drained(void *ctx)
{
	const struct sender *sender = ctx;

	return sender->deliveries == NULL;
}

/* What the lanes have is finished: it is in Redis's and the disk's time, and each has its deadline. */
static void finish_lanes(struct sender *sender)
{
	while (!durable_is_idle(&sender->storing) || !durable_is_idle(&sender->recording)) {
		durable_go(&sender->storing);
		durable_go(&sender->recording);
		uv_run(&sender->loop, UV_RUN_ONCE);
	}
	durable_fini(&sender->storing);
	durable_fini(&sender->recording);
}

static void close_parts(struct sender *sender)
{
	outgoing_free_all(sender);
	sweep_free(&sender->sweep);
	blob_writer_close(&sender->writer);
	store_free(&sender->outbox.store);
	arena_free(&sender->answers);
	secret_wipe(&sender->keys, sizeof(sender->keys));
	free(sender);
}

void sender_stop(void *ctx)
{
	struct sender *sender = ctx;

	sender->draining = true;
	uv_close((uv_handle_t *)&sender->bus_poll, NULL);
	uv_close((uv_handle_t *)&sender->timer, NULL);
	uv_close((uv_handle_t *)&sender->prepare, NULL);
	delivery_stop_all(sender);
	lines_free(&sender->lines);
	finish_lanes(sender);
	delivery_free_all(sender);
	mailconn_loop_fini(&sender->net);
	uv_run(&sender->loop, UV_RUN_DEFAULT);
	uv_loop_close(&sender->loop);
	close_parts(sender);
}
