#include <jansson.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "gateway/app.h"
#include "gateway/bus_client.h"
#include "gateway/command.h"
#include "gateway/erasure_loop.h"
#include "gateway/make_keys.h"
#include "gateway/outbox_blobs.h"
#include "gateway/port_file.h"
#include "gateway/server.h"
#include "gateway/settings.h"
#include "gateway/webhook_loop.h"

#include "gateway_lua.h"

#define TURN_MS 50

struct gateway {
	struct app app;
	struct server *server;
};

static enum err_code keys_load(struct app *app, struct err *e)
{
	const char *dir = app->conf->common.keys_dir;
	enum err_code code = secret_load(dir, "mail", &app->mail_key, e);

	if (code == ERR_OK)
		code = secret_load(dir, "token", &app->token_key, e);
	if (code == ERR_OK)
		code = secret_load(dir, "credentials.pub", &app->credentials_pub, e);
	return code;
}

static void stop(void *ctx)
{
	struct gateway *g = ctx;

	if (g->server)
		port_file_remove(g->app.conf->common.dir, g->app.instance);
	webhook_loop_stop(g->app.webhooks);
	erasure_loop_stop(g->app.erasures);
	server_stop(&g->server);
	bus_client_free(&g->app.bus);
	webhook_loop_free(&g->app.webhooks);
	erasure_loop_free(&g->app.erasures);
	outbox_blobs_close(&g->app.blobs);
	secret_wipe(&g->app.mail_key, sizeof(g->app.mail_key));
	secret_wipe(&g->app.token_key, sizeof(g->app.token_key));
	free(g);
}

static enum err_code start_parts(struct gateway *g, struct err *e)
{
	struct app *app = &g->app;
	enum err_code code = keys_load(app, e);
	uint16_t port = 0;

	if (code == ERR_OK)
		code = outbox_blobs_open(app->conf->common.blob_dir, app->instance, &app->blobs, e);
	if (code != ERR_OK)
		return code;
	app->bus = bus_client_new(stage_bus(app->stage));
	app->webhooks = webhook_loop_new(app);
	app->erasures = erasure_loop_new(app);
	bus_client_webhooks(app->bus, app->webhooks);
	code = server_start(app, &g->server, &port, e);
	if (code == ERR_OK)
		code = port_file_write(app->conf->common.dir, app->instance, port, e);
	if (code != ERR_OK)
		return code;
	webhook_loop_start(app->webhooks);
	erasure_loop_start(app->erasures);
	log_event(LOG_LEVEL_INFO, "api_listening", "port", "u", (uint64_t)port, NULL);
	return ERR_OK;
}

static enum err_code start(struct stage *stage, void **ctx_out, struct err *e)
{
	struct gateway *g = calloc(1, sizeof(*g));
	enum err_code code;

	if (!g)
		abort();
	json_object_seed(0);
	g->app.stage = stage;
	g->app.conf = stage_conf(stage);
	g->app.instance = stage_instance(stage);
	g->app.metrics = stage_metrics(stage);
	code = start_parts(g, e);
	if (code != ERR_OK)
		stop(g);
	else
		*ctx_out = g;
	return code;
}

static void tick(void *ctx, int64_t now_mono_ms)
{
	struct gateway *g = ctx;

	bus_client_turn(g->app.bus);
	server_tick(g->server, now_mono_ms);
}

static void drain(void *ctx)
{
	struct gateway *g = ctx;

	server_drain(g->server);
	webhook_loop_drain(g->app.webhooks);
}

static bool drained(void *ctx)
{
	struct gateway *g = ctx;

	return server_idle(g->server) && webhook_loop_idle(g->app.webhooks);
}

static void bell(void *ctx, struct span from, struct bus_item item)
{
	bus_client_bell(((struct gateway *)ctx)->app.bus, from, item);
}

static int run(void *ctx)
{
	struct gateway *g = ctx;

	while (!stage_stopping(g->app.stage)) {
		bus_wait(stage_bus(g->app.stage), TURN_MS, bus_client_fd(g->app.bus));
		stage_turn(g->app.stage);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct stage_def def = {
		.name = "gateway",
		.purpose = "The door for people and the CRM: REST, events and sending.",
		.settings = gateway_settings,
		.conf_bytes = sizeof(struct gateway_conf),
		.metrics = gateway_metrics,
		.metric_count = GATEWAY_METRIC_COUNT,
		.functions = gateway_lua,
		.bus = {.bell = bell},
		.start = start,
		.tick = tick,
		.drain = drain,
		.drained = drained,
		.stop = stop,
		.run = run,
		.command = command_run,
	};

	return stage_main(&def, argc, argv);
}
