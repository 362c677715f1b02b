#include "gateway/http.h"

#include <strings.h>

#include "common/base/clock.h"
#include "gateway/stream.h"

#define ARENA_CHUNK (8u << 10)

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool http_decode(struct arena *arena, struct span s, bool plus, struct span *out)
{
	uint8_t *p = arena_alloc(arena, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == '%') {
			int high = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
			int low = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (uint8_t)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c == 0)
			return false;
		p[n++] = c;
	}
	*out = span_make(p, n);
	return true;
}

static size_t count_byte(struct span s, uint8_t c)
{
	size_t count = 0;

	for (size_t i = 0; i < s.n; i++)
		count += s.p[i] == c;
	return count;
}

static bool query_pair(struct arena *arena, struct span part, struct http_pair *pair_out)
{
	size_t equals = span_find_byte(part, '=');
	struct span name, value = SPAN_LIT("");

	if (!http_decode(arena, span_sub(part, 0, equals), true, &name))
		return false;
	if (equals < part.n &&
	    !http_decode(arena, span_sub(part, equals + 1, part.n), true, &value))
		return false;
	pair_out->name = arena_cstr(arena, name);
	pair_out->value = arena_cstr(arena, value);
	return true;
}

bool http_request_uri(struct http_request *r, const char *uri)
{
	struct span all = span_cstr(uri);
	size_t mark = span_find_byte(all, '?');
	struct span query = span_sub(all, mark < all.n ? mark + 1 : mark, all.n);

	r->path = arena_cstr(r->arena, span_sub(all, 0, mark));
	r->query.count = 0;
	r->query.items = arena_array(r->arena, count_byte(query, '&') + 1, sizeof(*r->query.items));
	while (query.n) {
		size_t end = span_find_byte(query, '&');
		struct span part = span_sub(query, 0, end);

		if (part.n) {
			if (!query_pair(r->arena, part, &r->query.items[r->query.count]))
				return false;
			r->query.count++;
		}
		query = span_sub(query, end < query.n ? end + 1 : end, query.n);
	}
	return true;
}

struct http_request *http_request_new(struct app *app, enum http_method method, const char *uri)
{
	struct arena *arena = arena_new(ARENA_CHUNK);
	struct http_request *r = arena_alloc(arena, sizeof(*r));

	r->arena = arena;
	r->app = app;
	r->method = method;
	r->now_ms = clock_wall_ms();
	r->deadline_mono_ms = clock_mono_ms() + (app ? app->conf->request_ms : 30000);
	buf_init(&r->answer.body, HTTP_ANSWER_MAX);
	if (!http_request_uri(r, uri))
		r->path = NULL;
	return r;
}

void http_request_free(struct http_request **request)
{
	struct http_request *r = *request;
	struct arena *arena;

	*request = NULL;
	if (!r)
		return;
	if (r->answer.stream && r->answer.stream->free)
		r->answer.stream->free(r->answer.stream_ctx);
	json_decref(r->json);
	buf_fini(&r->answer.body);
	arena = r->arena;
	arena_free(&arena);
}

const char *http_query(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->query.count; i++)
		if (strcmp(r->query.items[i].name, name) == 0)
			return r->query.items[i].value;
	return NULL;
}

const char *http_header(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->headers.count; i++)
		if (strcasecmp(r->headers.items[i].name, name) == 0)
			return r->headers.items[i].value;
	return NULL;
}

bool http_query_true(const struct http_request *r, const char *name)
{
	const char *value = http_query(r, name);

	return value && (!*value || strcmp(value, "1") == 0 || strcmp(value, "true") == 0 ||
			 strcmp(value, "yes") == 0);
}

int64_t http_left_ms(const struct http_request *r)
{
	int64_t left = r->deadline_mono_ms - clock_mono_ms();

	return left > 1 ? left : 1;
}

static void answer_begin(struct http_request *r, unsigned status, const char *type)
{
	if (r->answer.stream && r->answer.stream->free)
		r->answer.stream->free(r->answer.stream_ctx);
	r->answer.stream = NULL;
	r->answer.status = status;
	r->answer.type = type;
	buf_clear(&r->answer.body);
}

static int answer_write(const char *p, size_t n, void *ctx)
{
	buf_put(ctx, p, n);
	return 0;
}

void http_answer_json(struct http_request *r, unsigned status, json_t *json)
{
	answer_begin(r, status, "application/json");
	if (json_dump_callback(json, answer_write, &r->answer.body,
			       JSON_COMPACT | JSON_ENCODE_ANY) != 0) {
		buf_clear(&r->answer.body);
		r->answer.status = 500;
	}
	json_decref(json);
}

void http_answer_json_text(struct http_request *r, unsigned status, struct span text)
{
	answer_begin(r, status, "application/json");
	buf_put_span(&r->answer.body, text);
}

void http_answer_bytes(struct http_request *r, unsigned status, const char *type, struct buf *body)
{
	answer_begin(r, status, type);
	buf_fini(&r->answer.body);
	r->answer.body = *body;
	buf_init(body, body->max);
}

void http_answer_empty(struct http_request *r, unsigned status)
{
	answer_begin(r, status, NULL);
}

bool http_answer_header(struct http_request *r, const char *name, const char *value)
{
	struct http_answer *a = &r->answer;

	if (value[strcspn(value, "\r\n")] || a->header_count == HTTP_HEADERS_MAX)
		return false;
	a->headers[a->header_count].name = name;
	a->headers[a->header_count++].value = arena_cstr(r->arena, span_cstr(value));
	return true;
}

void http_answer_stream(struct http_request *r, unsigned status, const char *type,
			const struct http_stream_def *def, void *ctx)
{
	answer_begin(r, status, type);
	r->answer.stream = def;
	r->answer.stream_ctx = ctx;
}
