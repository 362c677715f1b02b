#include "gateway/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/log.h"
#include "gateway/http.h"
#include "gateway/json.h"

static const struct problem_def DEFS[PROBLEM_COUNT] = {
#define PROBLEM_DEF(name, code_text, status_number, title_text, remedy_text) \
	[PROBLEM_##name] = {.code = code_text,                               \
			    .title = title_text,                             \
			    .remedy = remedy_text,                           \
			    .status = status_number},
	PROBLEM_CODES(PROBLEM_DEF)
#undef PROBLEM_DEF
};

const struct problem_def *problem_def(enum problem problem)
{
	return &DEFS[problem];
}

static void answer(struct http_request *r, json_t *object)
{
	unsigned status = (unsigned)json_get_int(object, "status", 500);

	http_answer_json(r, status, object);
	r->answer.type = "application/problem+json";
}

void problem_answer(struct http_request *r, enum problem problem, const char *detail, ...)
{
	const struct problem_def *def = &DEFS[problem];
	char text[512], type[96];
	va_list args;

	va_start(args, detail);
	vsnprintf(text, sizeof(text), detail, args);
	va_end(args);
	snprintf(type, sizeof(type), "urn:mailweave:problem:%s", def->code);
	r->answer.header_count = 0;
	answer(r, json_pack("{s:s s:s s:i s:s s:o s:s s:n}", "type", type, "title", def->title,
			    "status", (int)def->status, "code", def->code, "detail",
			    json_from_span(span_cstr(text)), "remedy", def->remedy, "retryAfter"));
}

void problem_not_found(struct http_request *r)
{
	problem_answer(r, PROBLEM_NOT_FOUND, "There is nothing at this address for you.");
}

/* Parses the answer back, hands it to change it, and writes it anew: problems are rare and small. */
static json_t *reopen(struct http_request *r)
{
	struct span text = buf_span(&r->answer.body);

	return json_loadb((const char *)text.p, text.n, 0, NULL);
}

void problem_extend(struct http_request *r, const char *name, json_t *value)
{
	json_t *object = reopen(r);

	json_object_set_new(object, name, value);
	answer(r, object);
}

void problem_retry_after(struct http_request *r, int64_t seconds)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)seconds);
	problem_extend(r, "retryAfter", json_integer(seconds));
	http_answer_header(r, "Retry-After", text);
}

void problem_remedy(struct http_request *r, const char *remedy)
{
	problem_extend(r, "remedy", json_from_span(span_cstr(remedy)));
}

void problem_from_err(struct http_request *r, const struct err *e)
{
	log_event(LOG_LEVEL_WARN, "request_failed", "error", "e", e, NULL);
	switch (e->code) {
	case ERR_GONE:
		problem_not_found(r);
		return;
	case ERR_LIMIT:
		problem_answer(r, PROBLEM_BODY_TOO_LARGE, "%s",
			       "Something in the request is over a limit.");
		return;
	case ERR_AGAIN:
	case ERR_TEMP:
	case ERR_STALE:
		problem_answer(r, PROBLEM_UNAVAILABLE,
			       "Something this needs does not answer at the moment.");
		problem_retry_after(r, 5);
		return;
	default:
		problem_answer(r, PROBLEM_INTERNAL, "The request could not be carried out.");
	}
}
