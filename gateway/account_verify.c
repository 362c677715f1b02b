#include "gateway/account_verify.h"

#include <poll.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "gateway/egress.h"
#include "gateway/json.h"
#include "gateway/verify_remedy.h"

#define WATCHED_MAX 16
#define POP3_PORT 995
#define POP3_PORT_WARNING \
	"995 is the port of POP3, but this server speaks IMAP there: 993 is the one to give."

static const char *const SECURITIES[] = {
	[MAILCONN_TLS] = "tls", [MAILCONN_STARTTLS] = "starttls", [MAILCONN_NONE] = "none"};

const char *verify_security_name(enum mailconn_security security)
{
	return SECURITIES[security];
}

static void way_add(struct verify_direction *d, const char *host, int64_t port,
		    enum mailconn_security security)
{
	struct verify_way *way = &d->ways[d->count++];

	snprintf(way->host, sizeof(way->host), "%s", host);
	way->port = (uint16_t)port;
	way->security = security;
	err_set(&way->result, ERR_AGAIN, ERR_ACCOUNT, "not_tried", "not tried");
}

static void refuse(struct verify_direction *d, const char *code, const char *text)
{
	err_set(&d->failure, ERR_PERM, ERR_ACCOUNT, code, "%s", text);
}

static void set_imap(struct verify_direction *d, bool any_port, const char *host, int64_t port,
		     const char *security)
{
	way_add(d, host, port ? port : 993, MAILCONN_TLS);
	if (port == 143)
		refuse(d, "plaintext_port_refused", "Port 143 is not accepted: use 993 with TLS.");
	else if (security && strcmp(security, "tls") != 0)
		refuse(d, "security_unfit", "IMAP is read with security `tls` alone.");
	else if (port && port != 993 && port != 995 && !any_port)
		refuse(d, "host_not_allowed", "This host and port cannot be used.");
}

/* 465 is TLS and 587 STARTTLS; where one fails to connect the other is tried. Other ports are as they are given. */
static void set_smtp(struct verify_direction *d, bool any_port, const char *host, int64_t port,
		     const char *security)
{
	bool starttls = security && strcmp(security, "starttls") == 0;

	if (port == 0 || port == 465 || port == 587) {
		bool submission = port == 587 || (port == 0 && starttls);

		way_add(d, host, submission ? 587 : 465,
			submission ? MAILCONN_STARTTLS : MAILCONN_TLS);
		way_add(d, host, submission ? 465 : 587,
			submission ? MAILCONN_TLS : MAILCONN_STARTTLS);
		if (port && security && starttls != (port == 587))
			refuse(d, "security_unfit", "465 goes with `tls`, 587 with `starttls`.");
		return;
	}
	way_add(d, host, port, starttls ? MAILCONN_STARTTLS : MAILCONN_TLS);
	if (port == 25 || !any_port)
		refuse(d, "host_not_allowed", "This host and port cannot be used.");
}

void verify_direction_set(struct verify_direction *d, const struct gateway_conf *conf,
			  enum mailconn_protocol protocol, const char *host, int64_t port,
			  const char *security)
{
	memset(d, 0, sizeof(*d));
	d->protocol = protocol;
	if (security && strcmp(security, "none") == 0) {
		way_add(d, host, port, MAILCONN_NONE);
		if (!conf->allow_plaintext)
			refuse(d, "plaintext_refused",
			       "Connections without encryption are not accepted.");
	} else if (protocol == MAILCONN_IMAP) {
		set_imap(d, conf->allow_private_hosts, host, port, security);
	} else {
		set_smtp(d, conf->allow_private_hosts, host, port, security);
	}
}

/* The loop of one verification: a pool, what it watches, and the two directions. */
struct verify {
	const struct gateway_conf *conf;
	struct mailconn_pool *pool;
	struct pollfd watched[WATCHED_MAX];
	nfds_t watched_count;
	int64_t timer_mono_ms; /* -1: none */
	int64_t deadline_mono_ms;
};

struct attempt {
	struct verify *v;
	struct verify_direction *d;
	struct mailconn *conn;
	bool finished; /* this way has its outcome */
	bool done;
};

static void watch(void *ctx, int fd, int events)
{
	struct verify *v = ctx;
	nfds_t i = 0;

	while (i < v->watched_count && v->watched[i].fd != fd)
		i++;
	if (!events) {
		if (i < v->watched_count)
			v->watched[i] = v->watched[--v->watched_count];
		return;
	}
	if (i == WATCHED_MAX)
		return; /* its timer still turns it */
	if (i == v->watched_count)
		v->watched_count++;
	v->watched[i] = (struct pollfd){
		.fd = fd,
		.events = (short)((events & 1 ? POLLIN : 0) | (events & 2 ? POLLOUT : 0))};
}

static void timer(void *ctx, int64_t ms)
{
	struct verify *v = ctx;

	v->timer_mono_ms = ms < 0 ? -1 : clock_mono_ms() + ms;
}

static void opened(void *ctx, struct mailconn *conn, enum err_code code, const struct err *e)
{
	struct attempt *a = ctx;
	struct verify_way *way = &a->d->ways[a->d->at];

	snprintf(a->d->server_text, sizeof(a->d->server_text), "%s", mailconn_server_text(conn));
	if (code == ERR_OK) {
		err_clear(&way->result);
		snprintf(a->d->tls, sizeof(a->d->tls), "%s", mailconn_tls(conn));
	} else if (strcmp(e->name, "host_not_allowed") == 0) {
		refuse(a->d, e->name, e->text); /* as if nothing had been tried */
	} else {
		way->result = *e;
	}
	a->finished = true;
}

static void attempt_begin(struct attempt *a)
{
	struct verify_direction *d = a->d;
	const struct verify_way *way = &d->ways[d->at];
	struct mailconn_target target = {
		.protocol = d->protocol,
		.security = way->security,
		.host = way->host,
		.port = way->port,
		.user = d->user,
		.password = d->password,
		.bearer = d->bearer,
		.ca_file = *a->v->conf->ca_file ? a->v->conf->ca_file : NULL,
		.ehlo = "localhost",
		.connect_ms = a->v->deadline_mono_ms - clock_mono_ms(),
		.allowed = a->v->conf->allow_private_hosts ? NULL : egress_is_public,
	};
	size_t left = d->count - d->at;

	if (left > 1) /* the other way wants time too */
		target.connect_ms /= (int64_t)left;
	if (target.connect_ms < 1)
		target.connect_ms = 1;
	a->finished = false;
	a->conn = mailconn_open(a->v->pool, &target, opened, a);
}

/* Another way only where this one did not even get to the login. */
static bool another_way(const struct err *e)
{
	return e->code != ERR_AUTH && strcmp(e->name, "host_not_found") != 0;
}

static void attempt_go_on(struct attempt *a)
{
	struct verify_direction *d = a->d;

	if (a->done || !a->finished)
		return;
	mailconn_close(&a->conn);
	d->ok = d->failure.code == ERR_OK && d->ways[d->at].result.code == ERR_OK;
	a->done = d->ok || d->failure.code != ERR_OK || d->at + 1 == d->count ||
		  !another_way(&d->ways[d->at].result);
	if (a->done)
		return;
	d->at++;
	attempt_begin(a);
}

static void attempt_start(struct attempt *a)
{
	struct verify_direction *d = a->d;

	a->done = d->failure.code != ERR_OK;
	if (!a->done)
		attempt_begin(a);
}

static void turn(struct verify *v)
{
	struct pollfd ready[WATCHED_MAX];
	nfds_t count = v->watched_count;
	int64_t now = clock_mono_ms(), wait = v->deadline_mono_ms - now;

	if (v->timer_mono_ms >= 0 && v->timer_mono_ms - now < wait)
		wait = v->timer_mono_ms - now;
	memcpy(ready, v->watched, sizeof(ready));
	if (poll(ready, count, wait < 0 ? 0 : (int)wait) < 0)
		return;
	for (nfds_t i = 0; i < count; i++)
		if (ready[i].revents)
			mailconn_pool_ready(
				v->pool, ready[i].fd,
				(ready[i].revents & (POLLIN | POLLHUP | POLLERR) ? 1 : 0) |
					(ready[i].revents & (POLLOUT | POLLERR) ? 2 : 0));
	if (v->timer_mono_ms >= 0 && clock_mono_ms() >= v->timer_mono_ms) {
		v->timer_mono_ms = -1;
		mailconn_pool_timeout(v->pool);
	}
}

/* The deadline came first. */
static void attempt_end(struct attempt *a)
{
	if (!a->done && a->d->failure.code == ERR_OK)
		err_set(&a->d->ways[a->d->at].result, ERR_TEMP, ERR_ACCOUNT, "connection_timed_out",
			"the server did not answer in time");
	mailconn_close(&a->conn);
}

static bool is_plain(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] > 127)
			return false;
	return true;
}

bool account_verify(const struct gateway_conf *conf, struct verify_direction *imap,
		    struct verify_direction *smtp)
{
	struct verify v = {.conf = conf,
			   .timer_mono_ms = -1,
			   .deadline_mono_ms = clock_mono_ms() + conf->verify_ms};
	struct mailconn_pool_handlers handlers = {.ctx = &v, .watch = watch, .timer = timer};
	struct attempt attempts[2] = {{.v = &v, .d = imap}, {.v = &v, .d = smtp}};

	if (mailconn_pool_new(&handlers, &v.pool, &imap->failure) != ERR_OK) {
		smtp->failure = imap->failure;
		return false;
	}
	for (int i = 0; i < 2; i++) {
		attempts[i].d->password_plain = is_plain(attempts[i].d->password);
		attempt_start(&attempts[i]);
	}
	while ((!attempts[0].done || !attempts[1].done) && clock_mono_ms() < v.deadline_mono_ms) {
		turn(&v);
		for (int i = 0; i < 2; i++)
			attempt_go_on(&attempts[i]);
	}
	for (int i = 0; i < 2; i++)
		attempt_end(&attempts[i]);
	mailconn_pool_free(&v.pool);
	return imap->ok && smtp->ok;
}

static json_t *tried_json(const struct verify_way *way)
{
	bool ok = way->result.code == ERR_OK;

	return json_pack("{s:s s:i s:s s:b s:o}", "host", way->host, "port", (int)way->port,
			 "security", SECURITIES[way->security], "ok", ok, "code",
			 ok ? json_null() : json_string(way->result.name));
}

/* What the person can do: as the code has it, by the provider's advice, and for what is known of the case. */
static json_t *remedy_json(const struct verify_direction *d, const char *code, const char *advice,
			   const char *egress)
{
	const char *remedy = verify_remedy(code);
	const bool wrong = strcmp(code, "wrong_credentials") == 0;

	if (wrong && !d->password_plain)
		return json_sprintf("%s Your password has characters that this provider may not "
				    "support: try one of plain letters and digits.",
				    advice ? advice : remedy);
	if (advice && (wrong || strcmp(code, "app_password_needed") == 0))
		return json_string(advice);
	if (strcmp(code, "address_blocked") == 0 && *egress)
		return json_sprintf("Ask the provider to allow our addresses: %s.", egress);
	return json_string(remedy);
}

static json_t *direction_json(const struct verify_direction *d, const char *advice,
			      const char *egress)
{
	const struct verify_way *way = &d->ways[d->at];
	const struct err *e = d->failure.code != ERR_OK ? &d->failure : &way->result;
	json_t *tried = json_array(), *object;

	for (size_t i = 0; i < d->count; i++)
		if (d->ways[i].result.code != ERR_AGAIN)
			json_array_append_new(tried, tried_json(&d->ways[i]));
	object = json_pack("{s:b s:o s:i s:s s:o}", "ok", d->ok, "host",
			   json_from_span(span_cstr(way->host)), "port", (int)way->port, "security",
			   SECURITIES[way->security], "tried", tried);
	if (d->ok) {
		json_object_set_new(object, "tls", json_from_span(span_cstr(d->tls)));
		if (d->protocol == MAILCONN_IMAP && way->port == POP3_PORT)
			json_object_set_new(object, "warning", json_string(POP3_PORT_WARNING));
		return object;
	}
	json_object_set_new(object, "code", json_from_span(span_cstr(e->name)));
	json_object_set_new(object, "detail", json_from_span(span_cstr(e->text)));
	json_object_set_new(object, "remedy", remedy_json(d, e->name, advice, egress));
	json_object_set_new(object, "retryAfter",
			    verify_retry_s(e->name) ? json_integer(verify_retry_s(e->name))
						    : json_null());
	if (d->failure.code == ERR_OK)
		json_object_set_new(object, "serverText",
				    json_from_span(span_cstr(d->server_text)));
	return object;
}

json_t *verify_findings(const struct gateway_conf *conf, const struct verify_direction *imap,
			const struct verify_direction *smtp, const char *advice)
{
	const char *egress = conf->egress_addresses ? conf->egress_addresses : "";

	return json_pack("{s:o s:o}", "incoming", direction_json(imap, advice, egress), "outgoing",
			 direction_json(smtp, advice, egress));
}
