#include <stdio.h>

#include "common/stage/registry.h"
#include "gateway/openapi.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"

#define METRICS_MAX (4u << 20)

static void text_answer(struct http_request *r, unsigned status, const char *text)
{
	struct buf body;

	buf_init(&body, 64);
	buf_put_cstr(&body, text);
	http_answer_bytes(r, status, "text/plain; charset=utf-8", &body);
	buf_fini(&body);
}

static void healthz(struct http_request *r)
{
	text_answer(r, 200, "ok\n");
}

static void readyz(struct http_request *r)
{
	struct store_reply reply;
	struct err e;

	if (store_do(r->store, r->arena, &reply, &e, "PING") == ERR_OK)
		text_answer(r, 200, "ready\n");
	else
		text_answer(r, 503, "not ready\n");
}

static void metrics_answer(struct http_request *r)
{
	struct buf body;

	buf_init(&body, METRICS_MAX);
	metrics_text(r->app->metrics, &body);
	http_answer_bytes(r, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
	buf_fini(&body);
}

static void openapi_get(struct http_request *r)
{
	http_answer_json(r, 200, openapi_make());
}

static void egress_get(struct http_request *r)
{
	struct span rest = span_cstr(r->app->conf->egress_addresses);
	json_t *data = json_array();

	while (rest.n) {
		size_t end = span_find_byte(rest, ',');
		struct span one = span_trim(span_sub(rest, 0, end));

		if (one.n)
			json_array_append_new(data, json_from_span(one));
		rest = span_sub(rest, end < rest.n ? end + 1 : end, rest.n);
	}
	http_answer_json(r, 200, json_pack("{s:o s:n}", "data", data, "nextCursor"));
}

static json_t *target_json(const struct bus_entry *entry)
{
	char target[96];

	snprintf(target, sizeof(target), "127.0.0.1:%llu", (unsigned long long)entry->metrics_port);
	return json_pack("{s:[s] s:{s:s s:s s:s}}", "targets", target, "labels", "stage",
			 entry->stage, "instance_name", entry->instance, "host", entry->host);
}

static void targets_get(struct http_request *r)
{
	struct bus_entry *entries;
	json_t *list = json_array();
	size_t count;
	struct err e;

	if (registry_exchange(r->store, NULL, r->arena, &entries, &count, &e) != ERR_OK) {
		json_decref(list);
		problem_from_err(r, &e);
		return;
	}
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, target_json(&entries[i]));
	http_answer_json(r, 200, list);
}

#define PUBLIC_ROUTE(path, handler, text)                                                  \
	{                                                                                  \
		.method = HTTP_GET, .pattern = path, .need = NEED_NONE, .handle = handler, \
		.status = 200, .summary = text                                             \
	}

static const struct route ROUTES[] = {
	PUBLIC_ROUTE("/healthz", healthz, "200 while this process lives."),
	PUBLIC_ROUTE("/readyz", readyz, "200 while this process and Redis answer."),
	PUBLIC_ROUTE("/metrics", metrics_answer, "This process's metrics, Prometheus text."),
	PUBLIC_ROUTE("/v1/openapi.json", openapi_get, "This description."),
	{.method = HTTP_GET,
	 .pattern = "/v1/egress-addresses",
	 .need = NEED_TOKEN,
	 .handle = egress_get,
	 .status = 200,
	 .summary = "Addresses that connections to mail servers come from, for allow-lists."},
	{.method = HTTP_GET,
	 .pattern = "/v1/targets",
	 .need = NEED_ROOT,
	 .scope = SCOPE_OPERATE,
	 .handle = targets_get,
	 .status = 200,
	 .summary = "Every process's metrics address, as Prometheus http_sd."},
};

ROUTE_TABLE(route_operate_table, "operate", ROUTES);
