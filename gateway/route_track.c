/* What recipients of tracked mail ask for, without any token of ours: the pixel, the links, and to be left alone (TRK-03). */
#include "common/base/log.h"
#include "common/secret/track_token.h"
#include "common/store/keys.h"
#include "gateway/bus_client.h"
#include "gateway/hit_class.h"
#include "gateway/json.h"
#include "gateway/problem.h"
#include "gateway/route.h"
#include "gateway/routes.h"

#define AGENT_MAX 256

/* The {token} of the path, with or without .gif. False: 404, whatever is wrong with it. */
static bool token_of(struct http_request *r, enum track_kind kind, struct track_token *token_out)
{
	struct span text = r->ids[0], end = SPAN_LIT(".gif");
	struct secret_key key;
	bool ok;

	if (text.n > end.n && span_eq(span_sub(text, text.n - end.n, end.n), end))
		text.n -= end.n;
	track_key_make(&r->app->mail_key, &key);
	ok = track_token_read(&key, kind, text, r->arena, token_out);
	secret_wipe(&key, sizeof(key));
	if (!ok)
		problem_not_found(r);
	return ok;
}

static const char *agent_of(struct http_request *r)
{
	const char *agent = http_header(r, "User-Agent");
	char *text = arena_cstr(
		r->arena, span_make(agent ? agent : "", agent ? strnlen(agent, AGENT_MAX) : 0));

	for (char *p = text; *p; p++)
		if (*p < 0x20 || *p > 0x7e) /* it becomes JSON */
			*p = '?';
	return text;
}

/* Who asks: behind a proxy that is trusted, whom that names last. */
static const char *peer_of(struct http_request *r)
{
	const char *forwarded = http_header(r, "X-Forwarded-For"), *comma;
	struct span last;

	if (!r->app->conf->tracking_forwarded || !forwarded)
		return r->peer ? r->peer : "";
	comma = strrchr(forwarded, ',');
	last = span_trim(span_cstr(comma ? comma + 1 : forwarded));
	return arena_cstr(r->arena, last);
}

static struct hit_class class_of(struct http_request *r, const struct track_token *token)
{
	const struct hit_seen seen = {agent_of(r), peer_of(r), r->head};
	struct hit_class class;
	struct store_reply reply;
	json_t *settings = NULL;
	struct err e;

	if (store_do(r->store, r->arena, &reply, &e, "HGET %b settings",
		     key_company(r->arena, token->company, KEY_C_COMPANY)) == ERR_OK &&
	    reply.type == STORE_STRING)
		settings = json_loadb((const char *)reply.string.p, reply.string.n, 0, NULL);
	class = hit_class_find(&seen, json_object_get(settings, "ownNetworks"));
	json_decref(settings);
	return class;
}

/* Writes it down; whoever asks gets what they asked for either way, but for the last kind. */
static bool hit(struct http_request *r, const struct track_token *token, const char *what)
{
	struct hit_class class = class_of(r, token);
	struct span key = key_account_tag(r->arena, token->company, token->account);
	struct span args[] = {span_cstr(arena_printf(r->arena, "%lld", (long long)r->now_ms)),
			      token->submission,
			      span_cstr(what),
			      span_cstr(class.name),
			      span_cstr(class.evidence),
			      token->recipient,
			      token->url,
			      span_cstr(agent_of(r))};
	struct store_reply reply;
	struct err e;

	if (store_fcall(r->store, "gateway_1_hit", &key, 1, args, 8, r->arena, &reply, &e) !=
	    ERR_OK) {
		log_event(LOG_LEVEL_WARN, "hit_lost", "account", "p", &token->account, "error", "e",
			  &e, NULL);
		return false;
	}
	if (reply.count > 1 && reply.items[1].integer > 0)
		bus_client_ring(r->app->bus, "journal", token->company, token->account);
	return true;
}

static void open_get(struct http_request *r)
{
	static const uint8_t pixel[] =
		"GIF89a\1\0\1\0\x80\0\0\0\0\0\0\0\0!\xf9\4\1\0\0\0\0,\0\0\0\0"
		"\1\0\1\0\0\2\2D\1\0;";
	struct track_token token;
	struct buf body;

	if (!token_of(r, TRACK_OPEN, &token))
		return;
	(void)hit(r, &token, "opened");
	buf_init(&body, sizeof(pixel));
	buf_put(&body, pixel, sizeof(pixel) - 1);
	http_answer_bytes(r, 200, "image/gif", &body);
	buf_fini(&body);
}

static void click_get(struct http_request *r)
{
	struct track_token token;

	if (!token_of(r, TRACK_CLICK, &token))
		return;
	(void)hit(r, &token, "clicked");
	http_answer_empty(r, 302);
	http_answer_header(r, "Location", arena_cstr(r->arena, token.url));
	http_answer_header(r, "Referrer-Policy", "no-referrer");
}

static void answer_page(struct http_request *r, const char *html)
{
	struct buf body;

	buf_init(&body, 4096);
	buf_printf(&body,
		   "<!doctype html><meta charset=utf-8><meta name=viewport "
		   "content=\"width=device-width\"><title>Unsubscribe</title>%s",
		   html);
	http_answer_bytes(r, 200, "text/html; charset=utf-8", &body);
	http_answer_header(r, "Content-Security-Policy", "default-src 'none'; form-action 'self'");
	buf_fini(&body);
}

/* Looking does nothing: scanners look (RFC 8058 section 3.2). */
static void unsubscribe_get(struct http_request *r)
{
	struct track_token token;

	if (token_of(r, TRACK_UNSUBSCRIBE, &token))
		answer_page(r, "<form method=post><p>Do you want no more mail from here?<p>"
			       "<button>Unsubscribe</button></form>");
}

static void unsubscribe_post(struct http_request *r)
{
	struct track_token token;

	if (!token_of(r, TRACK_UNSUBSCRIBE, &token))
		return;
	if (hit(r, &token, "unsubscribed"))
		answer_page(r, "<p>You get no more mail from here.");
	else
		problem_answer(r, PROBLEM_UNAVAILABLE, "It could not be written down.");
}

static const struct route ROUTES[] = {
	{.method = HTTP_GET,
	 .pattern = "/t/o/{token}",
	 .need = NEED_NONE,
	 .flags = ROUTE_OPEN_QUERY,
	 .handle = open_get,
	 .status = 200,
	 .summary = "The pixel of a tracked message."},
	{.method = HTTP_GET,
	 .pattern = "/t/c/{token}",
	 .need = NEED_NONE,
	 .flags = ROUTE_OPEN_QUERY,
	 .handle = click_get,
	 .status = 302,
	 .summary =
		 "A link of a tracked message: leads to the address that stood in it, and nowhere "
		 "else."},
	{.method = HTTP_GET,
	 .pattern = "/t/u/{token}",
	 .need = NEED_NONE,
	 .flags = ROUTE_OPEN_QUERY,
	 .handle = unsubscribe_get,
	 .status = 200,
	 .summary = "Asks whether the recipient wants no more mail."},
	{.method = HTTP_POST,
	 .pattern = "/t/u/{token}",
	 .need = NEED_NONE,
	 .flags = ROUTE_OPEN_QUERY,
	 .handle = unsubscribe_post,
	 .status = 200,
	 .summary = "Puts the recipient on the company's list (RFC 8058)."},
};

ROUTE_TABLE(route_track_table, "tracking", ROUTES);
