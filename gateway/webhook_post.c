#include "gateway/webhook_post.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/egress.h"
#include "gateway/webhook_retry.h"
#include "gateway/webhook_sign.h"

#define ANSWER_MAX 65536 /* octets that are read of an answer */
#define CONNECT_MS 5000L
#define HEADER_MAX 1024

struct webhook_post {
	CURL *easy;
	struct curl_slist *headers;
	struct buf body;
	bool private_hosts;
	bool refused; /* an address was not to be connected to */
	size_t read;
};

/* Asked with the address itself, after any name was looked up. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct webhook_post *post = ctx;

	(void)purpose;
	if (!post->private_hosts && !egress_is_public(&address->addr)) {
		post->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t answer_take(char *p, size_t size, size_t n, void *ctx)
{
	struct webhook_post *post = ctx;

	(void)p;
	post->read += size * n;
	return post->read > ANSWER_MAX ? 0 : size * n;
}

static void header_add(struct webhook_post *post, const char *name, struct span value)
{
	struct curl_slist *list;
	struct buf line;

	buf_init(&line, HEADER_MAX);
	buf_printf(&line, "%s: ", name);
	buf_put_span(&line, value);
	list = curl_slist_append(post->headers, buf_cstr(&line));
	if (!list)
		abort();
	post->headers = list;
	buf_fini(&line);
}

static void headers_sign(struct webhook_post *post, const struct app *app, struct span company,
			 const struct webhook *webhook, const struct webhook_body *body,
			 int64_t now_ms)
{
	struct secret_key keys[WEBHOOK_SECRETS];
	size_t count = webhook_secrets_open(&app->token_key, company, webhook, now_ms, keys);
	struct buf text;

	buf_init(&text, HEADER_MAX);
	webhook_sign(keys, count, body->id, now_ms / 1000, buf_span(&post->body), &text);
	secret_wipe(keys, sizeof(keys));
	header_add(post, "webhook-signature", buf_span(&text));
	buf_clear(&text);
	buf_printf(&text, "%" PRId64, now_ms / 1000);
	header_add(post, "webhook-timestamp", buf_span(&text));
	buf_fini(&text);
	header_add(post, "webhook-id", body->id);
	header_add(post, "Content-Type", span_cstr(body->content_type));
	header_add(post, "Expect", SPAN_LIT("")); /* libcurl: leave it out */
	header_add(post, "Accept", SPAN_LIT(""));
}

static void limits_set(const struct webhook_post *post)
{
	CURL *easy = post->easy;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, post->private_hosts ? "http,https" : "https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)WEBHOOK_POST_MS);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* A name server that hangs: do not wait for its thread when time is up. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, post);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, answer_take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
}

struct webhook_post *webhook_post_new(const struct app *app, struct span company,
				      const struct webhook *webhook, struct webhook_body *body,
				      int64_t now_ms)
{
	struct webhook_post *post = calloc(1, sizeof(*post));
	struct arena *arena = arena_new(0);

	if (!post || !(post->easy = curl_easy_init()))
		abort();
	post->private_hosts = app->conf->allow_private_hosts;
	post->body = body->text;
	buf_init(&body->text, WEBHOOK_BODY_MAX);
	headers_sign(post, app, company, webhook, body, now_ms);
	limits_set(post);
	curl_easy_setopt(post->easy, CURLOPT_URL, arena_cstr(arena, webhook->url));
	curl_easy_setopt(post->easy, CURLOPT_USERAGENT, "mailweave");
	curl_easy_setopt(post->easy, CURLOPT_HTTPHEADER, post->headers);
	curl_easy_setopt(post->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.n);
	curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, (const char *)post->body.p);
	if (app->conf->ca_file[0])
		curl_easy_setopt(post->easy, CURLOPT_CAINFO, app->conf->ca_file);
	arena_free(&arena);
	return post;
}

void webhook_post_free(struct webhook_post **post)
{
	if (!*post)
		return;
	curl_easy_cleanup((*post)->easy);
	curl_slist_free_all((*post)->headers);
	buf_fini(&(*post)->body);
	free(*post);
	*post = NULL;
}

CURL *webhook_post_easy(struct webhook_post *post)
{
	return post->easy;
}

static const char *error_of(const struct webhook_post *post, CURLcode code)
{
	if (post->refused)
		return "address_not_public";
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return "host_not_found";
	case CURLE_COULDNT_CONNECT:
		return "connection_refused";
	case CURLE_OPERATION_TIMEDOUT:
		return "timed_out";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "certificate_untrusted";
	case CURLE_SSL_CONNECT_ERROR:
		return "tls_failed";
	default:
		return "connection_failed";
	}
}

void webhook_post_result(struct webhook_post *post, CURLcode code,
			 struct webhook_result *result_out)
{
	curl_off_t duration_us = 0, retry_after_s = 0;
	long status = 0;

	curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(post->easy, CURLINFO_TOTAL_TIME_T, &duration_us);
	curl_easy_getinfo(post->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	*result_out = (struct webhook_result){.duration_ms = duration_us / 1000,
					      .retry_after_s = retry_after_s};
	/* An answer that was cut for its length has its status. */
	if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && post->read > ANSWER_MAX)) {
		result_out->error = error_of(post, code);
		return;
	}
	result_out->status = (unsigned)status;
	if (webhook_verdict(result_out->status) != WEBHOOK_DELIVERED)
		result_out->error = "http_status";
}
