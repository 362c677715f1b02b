#include "gateway/route.h"

#include "common/base/clock.h"
#include "common/base/code.h"
#include "gateway/idempotency.h"
#include "gateway/problem.h"
#include "gateway/route_segment.h"
#include "gateway/routes.h"

static const char *const METHODS[HTTP_METHODS] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

static void refuse_method(struct http_request *r, unsigned allow)
{
	char text[64] = "";

	for (unsigned m = 0; m < HTTP_METHODS; m++) {
		if (!(allow >> m & 1))
			continue;
		if (*text)
			strncat(text, ", ", sizeof(text) - strlen(text) - 1);
		strncat(text, METHODS[m], sizeof(text) - strlen(text) - 1);
	}
	problem_answer(r, PROBLEM_METHOD_NOT_ALLOWED, "This path takes %s.", text);
	http_answer_header(r, "Allow", text);
}

bool route_find(struct http_request *r)
{
	unsigned allow;

	if (!r->path) {
		problem_answer(r, PROBLEM_MALFORMED_REQUEST,
			       "The path or query has a bad percent-encoding.");
		return false;
	}
	switch (route_match(routes_all, r->path, r->method, r->arena, &r->route, r->ids, &allow)) {
	case ROUTE_FOUND:
		return true;
	case ROUTE_NO_METHOD:
		refuse_method(r, allow);
		return false;
	default:
		problem_not_found(r);
		return false;
	}
}

/* {id} in a pattern takes client ids alone. */
static bool ids_check(struct http_request *r)
{
	struct span pattern = span_cstr(r->route->pattern), segment;
	size_t i = 0;

	while (route_segment_next(&pattern, &segment)) {
		if (!segment.n || segment.p[0] != '{')
			continue;
		if (span_eq(segment, SPAN_LIT("{id}")) && !id_is_client(r->ids[i])) {
			if (r->method == HTTP_PUT)
				problem_answer(r, PROBLEM_INVALID_FIELD,
					       "id must have 1 to 64 of A-Z a-z 0-9 _ . -");
			else
				problem_not_found(r);
			return false;
		}
		i++;
	}
	return true;
}

static bool query_known(const struct route *route, const char *name)
{
	const struct json_field *field = route->query;

	if ((route->flags & ROUTE_PAGED) &&
	    (strcmp(name, "limit") == 0 || strcmp(name, "cursor") == 0))
		return true;
	for (; field && field->name; field++)
		if (strcmp(field->name, name) == 0)
			return true;
	return (route->flags & ROUTE_OPEN_QUERY) != 0;
}

static bool query_enum_ok(const struct json_field *field, const char *value)
{
	if (field->type != FIELD_ENUM)
		return true;
	for (size_t i = 0; field->values[i]; i++)
		if (strcmp(field->values[i], value) == 0)
			return true;
	return false;
}

static bool query_check(struct http_request *r)
{
	for (size_t i = 0; i < r->query.count; i++)
		if (!query_known(r->route, r->query.items[i].name)) {
			problem_answer(r, PROBLEM_UNKNOWN_PARAMETER, "`%.64s` is not known here.",
				       r->query.items[i].name);
			return false;
		}
	for (const struct json_field *f = r->route->query; f && f->name; f++) {
		const char *value = http_query(r, f->name);

		if (!value && !(f->flags & FIELD_REQUIRED))
			continue;
		if (!value || !query_enum_ok(f, value)) {
			problem_answer(r, PROBLEM_INVALID_PARAMETER,
				       "`%s` is missing or not one of its values.", f->name);
			return false;
		}
	}
	return true;
}

static enum problem fault_problem(const struct json_fault *fault)
{
	if (strcmp(fault->code, "unknown_field") == 0)
		return PROBLEM_UNKNOWN_FIELD;
	if (strcmp(fault->code, "missing_field") == 0)
		return PROBLEM_MISSING_FIELD;
	return PROBLEM_INVALID_FIELD;
}

static bool body_check(struct http_request *r)
{
	struct json_fault fault;
	char error[160];

	if (!r->route->body || (r->route->flags & ROUTE_STREAMED))
		return true;
	r->json = json_parse(r->body.n ? r->body : SPAN_LIT("{}"), error);
	if (!r->json) {
		problem_answer(r, PROBLEM_MALFORMED_JSON, "The body is not JSON: %s.", error);
		return false;
	}
	if (json_check(r->json, r->route->body, r->method == HTTP_PATCH, &fault))
		return true;
	problem_answer(r, fault_problem(&fault), "`%s` %s.", fault.path[0] ? fault.path : "body",
		       fault.text);
	problem_extend(r, "field", json_from_span(span_cstr(fault.path)));
	return false;
}

static void handle(struct http_request *r)
{
	enum idempotency state = IDEMPOTENCY_NONE;

	if (r->route->flags & ROUTE_IDEMPOTENT)
		state = idempotency_begin(r);
	if (state == IDEMPOTENCY_ANSWERED)
		return;
	r->route->handle(r);
	if (state == IDEMPOTENCY_BEGUN)
		idempotency_end(r);
}

void route_run(struct http_request *r)
{
	if (clock_mono_ms() >= r->deadline_mono_ms) {
		problem_answer(r, PROBLEM_OVERLOADED, "The request waited too long for its turn.");
		return;
	}
	if (auth_check(r) && ids_check(r) && query_check(r) && body_check(r))
		handle(r);
	if (!r->answer.status)
		problem_answer(r, PROBLEM_INTERNAL, "The request got no answer.");
}
