/* Proves: OPS-02 metrics, health and readiness are served as Prometheus text on the loopback address alone. */
#include "common/base/buf.h"
#include "common/metrics/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const kinds[] = {"a", "b \"q\"", NULL};
static const struct metric_def own[] = {
	{"logins_total", METRIC_COUNTER, "Logins.", NULL, NULL},
	{"wait_seconds", METRIC_SECONDS, "Waits.", "kind", kinds},
};
enum { LOGINS = METRIC_STAGE_COUNT, WAIT };

/* The whole answer to one request. */
static void ask(uint16_t port, const char *method, const char *path, struct buf *out)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char request[256];
	ssize_t got;
	int n;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	n = snprintf(request, sizeof(request),
		     "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, path);
	assert_int_equal(write(fd, request, (size_t)n), n);
	buf_clear(out);
	do {
		assert_non_null(buf_reserve(out, 4096));
		got = read(fd, out->p + out->n, 4096);
		out->n += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	close(fd);
}

static void assert_has(struct buf *page, const char *text)
{
	if (!strstr(buf_cstr(page), text))
		fail_msg("no \"%s\" in:\n%s", text, buf_cstr(page));
}

static void assert_status(struct buf *page, const char *status)
{
	assert_memory_equal(buf_cstr(page), status, strlen(status));
}

static void serves(void **state)
{
	struct metrics *m = metrics_new("probe", "probe-1", own, 2);
	struct buf page;
	struct err e;
	uint16_t port;

	(void)state;
	buf_init(&page, 1 << 20);
	metrics_add(m, METRIC_IN, 1, 5);
	metrics_set(m, METRIC_QUEUE, 0, 42);
	metrics_add(m, LOGINS, 0, 3);
	metrics_observe_us(m, WAIT, 1, 100, 1);
	metrics_observe_us(m, WAIT, 1, 101, 2);
	metrics_observe_us(m, WAIT, 1, 200000000, 1);
	assert_int_equal(metrics_serve(m, 0, &port, &e), ERR_OK);
	ask(port, "GET", "/metrics", &page);
	assert_status(&page, "HTTP/1.1 200");
	assert_has(&page, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
	assert_has(&page, "# TYPE mailweave_messages_in_total counter\n");
	assert_has(&page, "mailweave_messages_in_total{stage=\"probe\",instance=\"probe-1\",lane="
			  "\"bulk\"} 5\n");
	assert_has(&page, "mailweave_messages_in_total{stage=\"probe\",instance=\"probe-1\",lane="
			  "\"live\"} 0\n");
	assert_has(
		&page,
		"mailweave_queue_depth{stage=\"probe\",instance=\"probe-1\",lane=\"live\"} 42\n");
	assert_has(&page, "mailweave_logins_total{stage=\"probe\",instance=\"probe-1\"} 3\n");
	assert_has(&page, "kind=\"b \\\"q\\\"\",le=\"0.0001\"} 1\n");
	assert_has(&page, "kind=\"b \\\"q\\\"\",le=\"0.00025\"} 3\n");
	assert_has(&page, "kind=\"b \\\"q\\\"\",le=\"100\"} 3\n");
	assert_has(&page, "kind=\"b \\\"q\\\"\",le=\"+Inf\"} 4\n");
	assert_has(&page, "mailweave_wait_seconds_sum{stage=\"probe\",instance=\"probe-1\",kind="
			  "\"b \\\"q\\\"\"} 200.000302\n");
	assert_has(&page, "mailweave_wait_seconds_count{stage=\"probe\",instance=\"probe-1\",kind="
			  "\"a\"} 0\n");
	ask(port, "GET", "/healthz", &page);
	assert_status(&page, "HTTP/1.1 200");
	ask(port, "GET", "/readyz", &page);
	assert_status(&page, "HTTP/1.1 503");
	metrics_ready(m, true);
	ask(port, "GET", "/readyz", &page);
	assert_status(&page, "HTTP/1.1 200");
	ask(port, "GET", "/other", &page);
	assert_status(&page, "HTTP/1.1 404");
	ask(port, "DELETE", "/metrics", &page);
	assert_int_equal(page.n, 0);
	buf_fini(&page);
	metrics_free(&m);
	assert_null(m);
	metrics_free(&m);
}

static void says_when_the_port_is_taken(void **state)
{
	struct metrics *a = metrics_new("probe", "a", NULL, 0),
		       *b = metrics_new("probe", "b", NULL, 0);
	uint16_t port, other;
	struct err e;

	(void)state;
	assert_int_equal(metrics_serve(a, 0, &port, &e), ERR_OK);
	assert_int_equal(metrics_serve(b, port, &other, &e), ERR_TEMP);
	assert_string_equal(e.name, "metrics_port_busy");
	metrics_free(&a);
	metrics_free(&b);
}

static void *count_many(void *arg)
{
	for (int i = 0; i < 10000; i++) {
		metrics_add(arg, METRIC_IN, 0, 1);
		metrics_observe_us(arg, METRIC_SECONDS_PER_MESSAGE, 0, i, 1);
	}
	return NULL;
}

static void threads_count_together(void **state)
{
	struct metrics *m = metrics_new("probe", "probe-1", NULL, 0);
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_many, m), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(metrics_get(m, METRIC_IN, 0), 40000);
	assert_int_equal(metrics_get(m, METRIC_SECONDS_PER_MESSAGE, 0), 40000);
	assert_int_equal(metrics_get(m, METRIC_IN, 1), 0);
	metrics_add(NULL, METRIC_IN, 0, 1); /* who has no metrics counts nothing */
	metrics_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serves),
		cmocka_unit_test(says_when_the_port_is_taken),
		cmocka_unit_test(threads_count_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
