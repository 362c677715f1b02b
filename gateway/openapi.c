#include "gateway/openapi.h"

#include <stdio.h>

#include "gateway/problem.h"
#include "gateway/routes.h"

static const char *const METHODS[HTTP_METHODS] = {"get", "post", "put", "patch", "delete"};

static json_t *object_schema(const struct json_field *fields);
static json_t *field_schema(const struct json_field *field);

static json_t *values_schema(const char *const *values)
{
	json_t *list = json_array();

	for (; *values; values++)
		json_array_append_new(list, json_string(*values));
	return json_pack("{s:s s:o}", "type", "string", "enum", list);
}

static json_t *list_schema(const struct json_field *field)
{
	json_t *schema =
		json_pack("{s:s s:o}", "type", "array", "items", field_schema(field->fields));

	if (field->max)
		json_object_set_new(schema, "maxItems", json_integer(field->max));
	return schema;
}

static json_t *scalar_schema(const struct json_field *field)
{
	json_t *schema;

	switch (field->type) {
	case FIELD_INT:
		schema = json_pack("{s:s}", "type", "integer");
		if (field->min || field->max) {
			json_object_set_new(schema, "minimum", json_integer(field->min));
			json_object_set_new(schema, "maximum", json_integer(field->max));
		}
		return schema;
	case FIELD_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case FIELD_TIME:
		return json_pack("{s:s s:s}", "type", "string", "format", "date-time");
	case FIELD_ID:
		return json_pack("{s:s s:s}", "type", "string", "pattern",
				 "^[A-Za-z0-9_.-]{1,64}$");
	case FIELD_ADDRESS:
		return json_pack("{s:s s:s}", "type", "string", "format", "email");
	case FIELD_FREE:
		return json_pack("{s:s}", "type", "object");
	default:
		schema = json_pack("{s:s}", "type", "string");
		if (field->max)
			json_object_set_new(schema, "maxLength", json_integer(field->max));
		return schema;
	}
}

static json_t *type_schema(const struct json_field *field)
{
	switch (field->type) {
	case FIELD_ENUM:
		return values_schema(field->values);
	case FIELD_LIST:
		return list_schema(field);
	case FIELD_OBJECT:
		return object_schema(field->fields);
	case FIELD_ENUM_OR_OBJECT:
		return json_pack("{s:[o,o]}", "oneOf", values_schema(field->values),
				 object_schema(field->fields));
	case FIELD_ENUM_OR_LIST:
		return json_pack("{s:[o,o]}", "oneOf", values_schema(field->values),
				 list_schema(field));
	default:
		return scalar_schema(field);
	}
}

static json_t *field_schema(const struct json_field *field)
{
	json_t *schema = type_schema(field);

	if (field->flags & FIELD_NULL)
		schema = json_pack("{s:[o,{s:s}]}", "oneOf", schema, "type", "null");
	if (field->flags & FIELD_SECRET)
		json_object_set_new(schema, "writeOnly", json_true());
	if (field->help)
		json_object_set_new(schema, "description", json_string(field->help));
	return schema;
}

static json_t *object_schema(const struct json_field *fields)
{
	json_t *properties = json_object(), *required = json_array(), *schema;

	for (; fields->name; fields++) {
		json_object_set_new(properties, fields->name, field_schema(fields));
		if (fields->flags & FIELD_REQUIRED)
			json_array_append_new(required, json_string(fields->name));
	}
	schema = json_pack("{s:s s:o}", "type", "object", "properties", properties);
	if (json_array_size(required))
		json_object_set(schema, "required", required);
	json_decref(required);
	return schema;
}

static json_t *parameter(const char *in, const char *name, bool required, json_t *schema)
{
	return json_pack("{s:s s:s s:b s:o}", "in", in, "name", name, "required", required,
			 "schema", schema);
}

static json_t *header_parameter(const char *name)
{
	return parameter("header", name, false, json_pack("{s:s}", "type", "string"));
}

/* The {…} of a pattern. */
static void path_parameters(json_t *list, const char *pattern)
{
	char name[64];

	while ((pattern = strchr(pattern, '{'))) {
		size_t n = strcspn(++pattern, "}");

		snprintf(name, sizeof(name), "%.*s", (int)n, pattern);
		json_array_append_new(
			list, parameter("path", name, true, json_pack("{s:s}", "type", "string")));
	}
}

static json_t *parameters(const struct route *route)
{
	json_t *list = json_array();

	path_parameters(list, route->pattern);
	for (const struct json_field *f = route->query; f && f->name; f++)
		json_array_append_new(list,
				      parameter("query", f->name, (f->flags & FIELD_REQUIRED) != 0,
						field_schema(f)));
	if (route->flags & ROUTE_PAGED) {
		json_array_append_new(
			list, parameter("query", "limit", false,
					json_pack("{s:s s:i s:i s:i}", "type", "integer", "minimum",
						  1, "maximum", 200, "default", 50)));
		json_array_append_new(list, parameter("query", "cursor", false,
						      json_pack("{s:s}", "type", "string")));
	}
	if (route->flags & ROUTE_IDEMPOTENT)
		json_array_append_new(list, header_parameter("Idempotency-Key"));
	if (route->need == NEED_COMPANY || route->need == NEED_USER || route->need == NEED_MANAGER)
		json_array_append_new(list, header_parameter("Acting-User"));
	return list;
}

static json_t *success(const struct route *route)
{
	json_t *schema = route->answer ? object_schema(route->answer)
				       : json_pack("{s:s}", "type", "object");

	if (route->status == 204) {
		json_decref(schema);
		return json_pack("{s:s}", "description", "Done.");
	}
	if (route->flags & ROUTE_PAGED)
		schema = json_pack("{s:s s:{s:{s:s s:o} s:{s:[s,s]}}}", "type", "object",
				   "properties", "data", "type", "array", "items", schema,
				   "nextCursor", "type", "string", "null");
	return json_pack("{s:s s:{s:{s:o}}}", "description", route->summary, "content",
			 "application/json", "schema", schema);
}

static json_t *operation(const struct route *route, const char *tag)
{
	char status[8];
	json_t *o = json_pack("{s:s s:[s] s:o}", "summary", route->summary, "tags", tag,
			      "parameters", parameters(route));
	json_t *responses = json_object();

	snprintf(status, sizeof(status), "%u", route->status);
	json_object_set_new(responses, status, success(route));
	json_object_set_new(responses, "default",
			    json_pack("{s:s}", "$ref", "#/components/responses/Problem"));
	json_object_set_new(o, "responses", responses);
	if (route->body)
		json_object_set_new(o, "requestBody",
				    json_pack("{s:b s:{s:{s:o}}}", "required", 1, "content",
					      "application/json", "schema",
					      object_schema(route->body)));
	if (route->flags & ROUTE_STREAMED)
		json_object_set_new(o, "requestBody",
				    json_pack("{s:b s:{s:{s:{s:s}}}}", "required", 1, "content",
					      "application/x-ndjson", "schema", "type", "string"));
	json_object_set_new(o, "security",
			    route->need == NEED_NONE ? json_array()
						     : json_pack("[{s:[]}]", "token"));
	return o;
}

static json_t *paths_make(void)
{
	json_t *paths = json_object(), *path;

	for (const struct route_table *const *t = routes_all; *t; t++)
		for (size_t i = 0; i < (*t)->count; i++) {
			const struct route *route = &(*t)->routes[i];

			path = json_object_get(paths, route->pattern);
			if (!path) {
				path = json_object();
				json_object_set_new(paths, route->pattern, path);
			}
			json_object_set_new(path, METHODS[route->method],
					    operation(route, (*t)->tag));
		}
	return paths;
}

static json_t *problem_schema(void)
{
	json_t *codes = json_array();

	for (enum problem p = 0; p < PROBLEM_COUNT; p++)
		json_array_append_new(codes, json_string(problem_def(p)->code));
	return json_pack(
		"{s:s s:[s,s,s,s,s] s:{s:{s:s} s:{s:s} s:{s:s} s:{s:s s:o} s:{s:s} s:{s:s} "
		"s:{s:[s,s]}}}",
		"type", "object", "required", "type", "title", "status", "code", "detail",
		"properties", "type", "type", "string", "title", "type", "string", "status", "type",
		"integer", "code", "type", "string", "enum", codes, "detail", "type", "string",
		"remedy", "type", "string", "retryAfter", "type", "integer", "null");
}

json_t *openapi_make(void)
{
	json_t *responses = json_pack("{s:{s:s s:{s:{s:{s:s}}}}}", "Problem", "description",
				      "Refused, or failed.", "content", "application/problem+json",
				      "schema", "$ref", "#/components/schemas/Problem");
	json_t *components = json_pack("{s:{s:o} s:o s:{s:{s:s s:s}}}", "schemas", "Problem",
				       problem_schema(), "responses", responses, "securitySchemes",
				       "token", "type", "http", "scheme", "bearer");

	return json_pack("{s:s s:{s:s s:s s:s} s:o s:o}", "openapi", "3.1.0", "info", "title",
			 "mailweave", "version", "1", "description",
			 "Email sync for CRMs: accounts, conversations, links and sending.",
			 "paths", paths_make(), "components", components);
}

int openapi_print(void)
{
	json_t *all = openapi_make();
	int status = json_dumpf(all, stdout, JSON_INDENT(1)) == 0 && putchar('\n') != EOF ? 0 : 1;

	json_decref(all);
	return status;
}
