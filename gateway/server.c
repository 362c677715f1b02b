#include "gateway/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "gateway/bus_client.h"
#include "gateway/exchange.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/upload.h"

#define SERVER_THREADS 2u
#define HEADERS_MAX (32u << 10) /* one request's head, and libmicrohttpd's buffer of a connection */
#define BODY_DRAIN_MAX \
	(96u << 20) /* read and dropped so that the sender sees our 413; more closes at once */
#define BODY_ARRIVES_MS 120000
#define IDLE_S 75u
#define QUEUE_MAX 4096
#define STREAM_BLOCK 8192

struct server {
	struct app *app;
	struct MHD_Daemon *daemon;
	struct worker_pool *pool, *slow;
	bool quiet;
};

static void *uri_begin(void *ctx, const char *uri, struct MHD_Connection *connection)
{
	struct server *server = ctx;
	struct exchange *x = exchange_new(server->app, uri);

	x->connection = connection;
	return x;
}

static void request_completed(void *ctx, struct MHD_Connection *connection, void **con_cls,
			      enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *con_cls;

	(void)ctx;
	(void)connection;
	(void)code;
	*con_cls = NULL;
	if (!x)
		return;
	if (x->request && x->request->upload)
		upload_end(x->request->upload, false);
	http_streams_remove(x->app->streams, x);
	pthread_mutex_lock(&x->lock);
	x->closed = true;
	pthread_mutex_unlock(&x->lock);
	exchange_release(x);
}

static enum http_method method_parse(const char *text)
{
	static const char *const NAMES[HTTP_METHODS] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

	if (strcmp(text, "HEAD") == 0)
		return HTTP_GET;
	for (enum http_method m = HTTP_GET; m < HTTP_METHODS; m++)
		if (strcmp(text, NAMES[m]) == 0)
			return m;
	return HTTP_METHODS;
}

static enum MHD_Result header_take(void *ctx, enum MHD_ValueKind kind, const char *name,
				   const char *value)
{
	struct http_request *r = ctx;
	struct http_pair *pair = &r->headers.items[r->headers.count++];

	(void)kind;
	pair->name = arena_cstr(r->arena, span_cstr(name));
	pair->value = arena_cstr(r->arena, span_cstr(value));
	return MHD_YES;
}

static void headers_take(struct http_request *r, struct MHD_Connection *connection)
{
	int count = MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL, NULL);

	r->headers.items = arena_array(r->arena, (size_t)count + 1, sizeof(*r->headers.items));
	MHD_get_connection_values(connection, MHD_HEADER_KIND, header_take, r);
}

static void peer_take(struct http_request *r, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	char *text = arena_alloc(r->arena, INET6_ADDRSTRLEN);

	if (address && address->sa_family == AF_INET)
		r->peer = inet_ntop(AF_INET,
				    &((const struct sockaddr_in *)(const void *)address)->sin_addr,
				    text, INET6_ADDRSTRLEN);
	else if (address && address->sa_family == AF_INET6)
		r->peer = inet_ntop(
			AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
			text, INET6_ADDRSTRLEN);
}

static struct MHD_Response *response_make(struct exchange *x)
{
	struct http_answer *a = &x->request->answer;

	if (a->stream)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
							 http_streams_read, x, NULL);
	return MHD_create_response_from_buffer(a->body.n, a->body.p, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result response_send(struct exchange *x)
{
	struct http_answer *a = &x->request->answer;
	struct MHD_Response *response = response_make(x);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	metrics_add(x->app->metrics, GATEWAY_REQUESTS, a->status / 100 - 2, 1);
	if (a->type)
		MHD_add_response_header(response, "Content-Type", a->type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	for (size_t i = 0; i < a->header_count; i++)
		MHD_add_response_header(response, a->headers[i].name, a->headers[i].value);
	result = MHD_queue_response(x->connection, a->status, response);
	MHD_destroy_response(response);
	return result;
}

/* From a reader of an upload, when there is room again; and from its writer, when there is none. */
static void upload_room(void *ctx)
{
	struct exchange *x = ctx;

	pthread_mutex_lock(&x->lock);
	if (!x->closed)
		exchange_unpark(x);
	pthread_mutex_unlock(&x->lock);
}

static void upload_full(void *ctx)
{
	struct exchange *x = ctx;

	pthread_mutex_lock(&x->lock);
	exchange_park(x);
	pthread_mutex_unlock(&x->lock);
}

static bool content_length_over(struct http_request *r, uint64_t max)
{
	const char *text = http_header(r, "Content-Length");
	uint64_t n;

	return text && (!span_to_u64(span_cstr(text), UINT64_MAX, &n) || n > max);
}

static void refuse_busy(struct exchange *x)
{
	problem_answer(x->request, PROBLEM_OVERLOADED, "Too many requests wait already.");
	problem_retry_after(x->request, 1);
	x->refused = true;
}

/* A streamed body: its handler begins with the first byte. */
static void upload_begin(struct exchange *x)
{
	x->request->upload = upload_new(upload_room, upload_full, x);
	x->request->deadline_mono_ms = x->body_deadline_mono_ms + x->app->conf->request_ms;
	pthread_mutex_lock(&x->lock);
	if (!exchange_put(x, exchange_run))
		refuse_busy(x);
	pthread_mutex_unlock(&x->lock);
}

/* The head is here. */
static enum MHD_Result exchange_begin(struct server *server, struct exchange *x, const char *method)
{
	struct http_request *r = http_request_new(x->app, method_parse(method), x->uri);

	x->begun = true;
	x->request = r;
	x->body_deadline_mono_ms = clock_mono_ms() + BODY_ARRIVES_MS;
	headers_take(r, x->connection);
	peer_take(r, x->connection);
	r->head = strcmp(method, "HEAD") == 0;
	x->refused = !route_find(r);
	if (content_length_over(r, BODY_DRAIN_MAX) &&
	    (x->refused || !(r->route->flags & ROUTE_STREAMED))) {
		problem_answer(r, PROBLEM_BODY_TOO_LARGE, "A body has at most %lld octets.",
			       (long long)x->app->conf->body_max);
		x->refused = true;
		return response_send(x);
	}
	if (x->refused)
		return MHD_YES;
	x->pool = r->route->flags & ROUTE_SLOW ? server->slow : server->pool;
	if (r->route->flags & ROUTE_STREAMED)
		upload_begin(x);
	return MHD_YES;
}

static enum MHD_Result body_take(struct exchange *x, const char *p, size_t *n)
{
	x->received += *n;
	if (x->received > BODY_DRAIN_MAX && !x->request->upload)
		return MHD_NO;
	if (clock_mono_ms() > x->body_deadline_mono_ms)
		return MHD_NO;
	if (x->request->upload && !x->refused) {
		size_t taken = upload_put(x->request->upload, p, *n);

		x->received -= *n - taken;
		*n -= taken;
		return MHD_YES;
	}
	if (!x->refused)
		buf_put(&x->body, p, *n);
	*n = 0;
	return MHD_YES;
}

/* All of the body is here: to a worker, unless it is there already. */
static void exchange_work(struct exchange *x)
{
	struct http_request *r = x->request;

	if (r->upload) {
		upload_end(r->upload, true);
	} else if (!buf_ok(&x->body)) {
		problem_answer(r, PROBLEM_BODY_TOO_LARGE, "A body has at most %lld octets.",
			       (long long)x->app->conf->body_max);
		x->refused = true;
		return;
	}
	pthread_mutex_lock(&x->lock);
	if (!r->upload) {
		r->body = buf_span(&x->body);
		r->deadline_mono_ms = clock_mono_ms() + x->app->conf->request_ms;
		if (!exchange_put(x, exchange_run))
			refuse_busy(x);
	}
	if (!x->refused && !x->ready)
		exchange_park(x);
	pthread_mutex_unlock(&x->lock);
}

static enum MHD_Result access_handle(void *ctx, struct MHD_Connection *connection, const char *url,
				     const char *method, const char *version, const char *upload,
				     size_t *upload_n, void **con_cls)
{
	struct exchange *x = *con_cls;
	bool ready;

	(void)url;
	(void)version;
	x->connection = connection;
	if (!x->begun)
		return exchange_begin(ctx, x, method);
	if (*upload_n)
		return body_take(x, upload, upload_n);
	pthread_mutex_lock(&x->lock);
	ready = x->ready || x->refused;
	pthread_mutex_unlock(&x->lock);
	if (!ready)
		exchange_work(x);
	pthread_mutex_lock(&x->lock);
	ready = !x->parked && (x->ready || x->refused);
	pthread_mutex_unlock(&x->lock);
	return ready ? response_send(x) : MHD_YES;
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool address_parse(const char *text, union address *out)
{
	const char *colon = strrchr(text, ':');
	char host[64];
	uint64_t port;
	size_t n = colon ? (size_t)(colon - text) : 0;

	memset(out, 0, sizeof(*out));
	if (!colon || !span_to_u64(span_cstr(colon + 1), 65535, &port))
		return false;
	if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = 0;
	out->v4.sin_family = AF_INET;
	out->v4.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1)
		return true;
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons((uint16_t)port);
	return inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1;
}

static struct MHD_Daemon *daemon_start(struct server *server, const union address *address)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;

	if (address->any.sa_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	return MHD_start_daemon(
		flags, 0, NULL, NULL, access_handle, server, MHD_OPTION_SOCK_ADDR, &address->any,
		MHD_OPTION_THREAD_POOL_SIZE, SERVER_THREADS, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)server->app->conf->connections, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX,
		MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_URI_LOG_CALLBACK, uri_begin,
		server, MHD_OPTION_NOTIFY_COMPLETED, request_completed, server, MHD_OPTION_END);
}

static void server_free(struct server *server)
{
	worker_pool_free(&server->pool);
	worker_pool_free(&server->slow);
	http_streams_free(&server->app->streams);
	free(server);
}

enum err_code server_start(struct app *app, struct server **server_out, uint16_t *port_out,
			   struct err *e)
{
	const struct gateway_conf *conf = app->conf;
	struct server *server;
	union address address;
	const union MHD_DaemonInfo *info;

	if (!address_parse(conf->listen, &address))
		return err_set(e, ERR_PERM, ERR_PROCESS, "listen_invalid",
			       "listen is not address:port: %.80s", conf->listen);
	server = calloc(1, sizeof(*server));
	if (!server)
		abort();
	server->app = app;
	app->streams = http_streams_new();
	bus_client_streams(app->bus, app->streams);
	server->pool = worker_pool_new(app->stage, (size_t)conf->threads, QUEUE_MAX);
	server->slow = worker_pool_new(app->stage, (size_t)conf->slow_threads, 64);
	server->daemon = daemon_start(server, &address);
	info = server->daemon ? MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)
			      : NULL;
	if (!info) {
		server_free(server);
		return err_set(e, ERR_TEMP, ERR_PROCESS, "listen_failed", "cannot listen on %.80s",
			       conf->listen);
	}
	*port_out = info->port;
	*server_out = server;
	return ERR_OK;
}

void server_drain(struct server *server)
{
	if (server->quiet)
		return;
	server->quiet = true;
	close(MHD_quiesce_daemon(server->daemon));
	http_streams_end(server->app->streams);
}

bool server_idle(struct server *server)
{
	return !worker_pool_busy(server->pool) && !worker_pool_busy(server->slow);
}

void server_tick(struct server *server, int64_t now_mono_ms)
{
	http_streams_tick(server->app->streams, now_mono_ms);
	metrics_set(server->app->metrics, GATEWAY_IN_HAND, 0,
		    (int64_t)(worker_pool_busy(server->pool) + worker_pool_busy(server->slow)));
}

void server_stop(struct server **server_ref)
{
	struct server *server = *server_ref;

	*server_ref = NULL;
	if (!server)
		return;
	server_drain(server);
	worker_pool_stop(server->pool);
	worker_pool_stop(server->slow);
	/* Workers are gone, so no connection is parked: each was resumed when its job ended. */
	MHD_stop_daemon(server->daemon);
	server->daemon = NULL;
	server_free(server);
}
