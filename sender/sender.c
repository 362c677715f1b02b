#include "sender/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "sender/delivery.h"

#define TURN_MS 50
#define SWEEP_ACCOUNTS 64
#define DUE_MAX 16

struct sender_look {
	struct sender_look *next;
	char company[65], account[65];
};

void sender_look(struct sender *sender, struct span company, struct span account)
{
	struct sender_look **at = &sender->looks, *look;

	for (; *at; at = &(*at)->next)
		if (span_eq(span_cstr((*at)->company), company) &&
		    span_eq(span_cstr((*at)->account), account))
			return;
	look = calloc(1, sizeof(*look));
	if (!look)
		abort();
	snprintf(look->company, sizeof(look->company), "%.*s", (int)company.n,
		 (const char *)company.p);
	snprintf(look->account, sizeof(look->account), "%.*s", (int)account.n,
		 (const char *)account.p);
	*at = look;
}

/* Mail to many leaves a part of everything to people's, where there is more than one (SND-10). */
static bool has_room(const struct sender *sender, struct span company, struct span account,
		     bool bulk)
{
	struct delivery_load load = delivery_load(sender, company, account);
	size_t all = (size_t)sender->conf->connections;
	size_t one = (size_t)sender->conf->account_connections;

	if (load.all >= all || load.account >= one)
		return false;
	return !bulk || (load.bulk < (all > 3 ? all - all / 4 : 1) &&
			 load.account_bulk < (one > 1 ? one - 1 : 1));
}

/* Starts what is due, as far as there is room. False: Redis does not answer. */
static bool look_at(struct sender *sender, struct span company, struct span account)
{
	struct arena *arena = arena_new(0);
	bool room = has_room(sender, company, account, false);
	bool room_bulk = has_room(sender, company, account, true);
	struct outbox_due due[2 * DUE_MAX];
	bool answers = true;
	size_t n = 0;

	if (room)
		n = outbox_due(&sender->outbox, arena, company, account, DUE_MAX,
			       room_bulk ? DUE_MAX : 0, due);
	for (size_t i = 0; i < n && answers; i++)
		if (has_room(sender, company, account, due[i].bulk) &&
		    !delivery_is_running(sender, company, account, due[i].submission))
			answers = delivery_start(sender, company, account, &due[i]);
	arena_free(&arena);
	return answers;
}

/* Those asked for so far; what they ask for in turn is for the next time. */
static void take_looks(struct sender *sender)
{
	struct sender_look *look = sender->looks, *next;
	bool answers = true;

	sender->looks = NULL;
	for (; look; look = next) {
		next = look->next;
		if (answers)
			answers =
				look_at(sender, span_cstr(look->company), span_cstr(look->account));
		free(look);
	}
}

static void sweep(struct sender *sender, int64_t now_mono_ms)
{
	struct sweep_account accounts[SWEEP_ACCOUNTS];
	size_t n = sweep_next(sender->sweep, now_mono_ms, accounts, SWEEP_ACCOUNTS);

	for (size_t i = 0; i < n; i++)
		sender_look(sender, accounts[i].company, accounts[i].account);
}

void sender_tick(void *ctx, int64_t now_mono_ms)
{
	struct sender *sender = ctx;
	struct delivery_load load;

	lines_tick(&sender->lines, now_mono_ms, sender->conf->idle_ms);
	delivery_tick(sender, now_mono_ms);
	if (!sender->draining) {
		sweep(sender, now_mono_ms);
		take_looks(sender);
	}
	load = delivery_load(sender, SPAN_LIT(""), SPAN_LIT(""));
	metrics_set(sender->metrics, METRIC_IN_FLIGHT, WIRE_LANE_LIVE,
		    (int64_t)(load.all - load.bulk));
	metrics_set(sender->metrics, METRIC_IN_FLIGHT, WIRE_LANE_BULK, (int64_t)load.bulk);
	metrics_set(sender->metrics, SENDER_CONNECTIONS, 0,
		    (int64_t)(load.all + lines_count(&sender->lines)));
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
	sender->outbox = (struct outbox){sender->store, sender->lease_ms, sender->scale};
	sender->account_options = (struct account_options){
		.ca_file = conf->ca_file,
		.ehlo = sender->ehlo,
		.connect_ms = conf->connect_ms,
		.login_retry_ms = conf->login_retry_ms,
		.allow_plaintext = conf->allow_plaintext,
	};
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
	code = open_parts(sender, e);
	if (code != ERR_OK)
		return code; /* the process ends */
	sender->sweep = sweep_new(stage, sender->conf->sweep_ms);
	uv_poll_init(&sender->loop, &sender->bus_poll, bus_fd(sender->bus));
	uv_timer_init(&sender->loop, &sender->timer);
	sender->bus_poll.data = sender->timer.data = sender;
	*ctx_out = sender;
	return ERR_OK;
}

int sender_run(void *ctx)
{
	struct sender *sender = ctx;

	uv_poll_start(&sender->bus_poll, UV_READABLE, bus_ready);
	uv_timer_start(&sender->timer, timer_fired, 0, TURN_MS);
	while (!stage_stopping(sender->stage))
		uv_run(&sender->loop, UV_RUN_DEFAULT);
	return 0;
}

void sender_drain(void *ctx)
{
	struct sender *sender = ctx;

	sender->draining = true;
}

bool sender_drained(void *ctx)
{
	const struct sender *sender = ctx;

	return sender->deliveries == NULL;
}

void sender_stop(void *ctx)
{
	struct sender *sender = ctx;

	delivery_stop_all(sender);
	lines_free(&sender->lines);
	while (sender->looks) {
		struct sender_look *look = sender->looks;

		sender->looks = look->next;
		free(look);
	}
	mailconn_loop_fini(&sender->net);
	uv_close((uv_handle_t *)&sender->bus_poll, NULL);
	uv_close((uv_handle_t *)&sender->timer, NULL);
	uv_run(&sender->loop, UV_RUN_DEFAULT);
	uv_loop_close(&sender->loop);
	sweep_free(&sender->sweep);
	blob_writer_close(&sender->writer);
	secret_wipe(&sender->keys, sizeof(sender->keys));
	free(sender);
}
