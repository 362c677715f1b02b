#include "common/metrics/table.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>

static struct MHD_Response *answer_make(const struct metrics *m, const char *url,
					unsigned *status_out)
{
	const char *type = "text/plain; charset=utf-8";
	struct MHD_Response *response;
	struct buf body;

	buf_init(&body, METRICS_TEXT_MAX);
	*status_out = MHD_HTTP_OK;
	if (strcmp(url, "/metrics") == 0) {
		metrics_text(m, &body);
		type = "text/plain; version=0.0.4; charset=utf-8";
	} else if (strcmp(url, "/healthz") == 0) {
		buf_put_cstr(&body, "ok\n");
	} else if (strcmp(url, "/readyz") == 0) {
		bool ready = atomic_load(&m->ready);

		*status_out = ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
		buf_put_cstr(&body, ready ? "ready\n" : "not ready\n");
	} else {
		*status_out = MHD_HTTP_NOT_FOUND;
		buf_put_cstr(&body, "not found\n");
	}
	response = MHD_create_response_from_buffer(body.n, body.p, MHD_RESPMEM_MUST_COPY);
	buf_fini(&body);
	if (response && MHD_add_response_header(response, "Content-Type", type) != MHD_YES) {
		MHD_destroy_response(response);
		return NULL;
	}
	return response;
}

static enum MHD_Result answer(void *ctx, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_n, void **request)
{
	struct MHD_Response *response;
	enum MHD_Result result;
	unsigned status;

	(void)version;
	(void)upload;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return MHD_NO;
	if (*upload_n) {
		*upload_n = 0;
		return MHD_YES;
	}
	(void)request;
	response = answer_make(ctx, url, &status);
	if (!response)
		return MHD_NO;
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

enum err_code metrics_serve(struct metrics *m, uint16_t port, uint16_t *port_out, struct err *e)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	const union MHD_DaemonInfo *info;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	m->http = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, port, NULL, NULL, answer, m,
				   MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)&address,
				   MHD_OPTION_CONNECTION_LIMIT, 32u, MHD_OPTION_CONNECTION_TIMEOUT,
				   10u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)8192,
				   MHD_OPTION_END);
	info = m->http ? MHD_get_daemon_info(m->http, MHD_DAEMON_INFO_BIND_PORT) : NULL;
	if (!info)
		return err_set(e, ERR_TEMP, ERR_PROCESS, "metrics_port_busy",
			       "cannot serve metrics on 127.0.0.1:%u", (unsigned)port);
	*port_out = info->port;
	return ERR_OK;
}

void metrics_http_stop(struct metrics *m)
{
	if (m->http)
		MHD_stop_daemon(m->http);
	m->http = NULL;
}
