#include "gateway/json.h"

#include <stdio.h>

#include "common/base/address.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/code.h"

#define TEXT_MAX 4096
#define LIST_MAX 1000
#define FREE_MAX 16384
#define TEXT_SMALL 1024 /* written once; what is larger twice */

/* Depth by a scan of its own, before the recursive parser sees the text. */
static bool depth_ok(struct span s)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return false;
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
	}
	return true;
}

json_t *json_parse(struct span text, char error_out[160])
{
	json_error_t error;
	json_t *value;

	if (!depth_ok(text)) {
		snprintf(error_out, 160, "nested more than %d deep", JSON_DEPTH_MAX);
		return NULL;
	}
	value = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &error);
	if (!value)
		snprintf(error_out, 160, "line %d: %.120s", error.line, error.text);
	return value;
}

/* A check's state: the fault to fill. Its path is made on the way out, so that what is right costs none. */
struct check {
	struct json_fault *fault;
};

static bool fault(struct check *c, const char *code, const char *text)
{
	c->fault->code = code;
	snprintf(c->fault->text, sizeof(c->fault->text), "%s", text);
	return false;
}

static bool invalid(struct check *c, const char *text)
{
	return fault(c, "invalid_field", text);
}

/* What failed lies in this member (name) or element (NULL, index) of the value that is being checked. */
static bool fault_in(struct check *c, const char *name, size_t index)
{
	char inner[sizeof(c->fault->path)];
	const char *dot = c->fault->path[0] && c->fault->path[0] != '[' ? "." : "";

	snprintf(inner, sizeof(inner), "%s", c->fault->path);
	if (name)
		snprintf(c->fault->path, sizeof(c->fault->path), "%.64s%s%.90s", name, dot, inner);
	else
		snprintf(c->fault->path, sizeof(c->fault->path), "[%zu]%s%.90s", index, dot, inner);
	return false;
}

static bool is_one_of(const json_t *value, const char *const *values)
{
	for (size_t i = 0; json_is_string(value) && values[i]; i++)
		if (strcmp(json_string_value(value), values[i]) == 0)
			return true;
	return false;
}

static bool check_enum(struct check *c, const json_t *value, const struct json_field *field)
{
	char text[160];
	int n = snprintf(text, sizeof(text), "must be one of");

	if (is_one_of(value, field->values))
		return true;
	for (size_t i = 0; field->values[i] && n < 120; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s %s", i ? "," : "",
			      field->values[i]);
	return invalid(c, text);
}

static bool has_control(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)s[i] < 0x20 || s[i] == 0x7f)
			return true;
	return false;
}

static bool check_text(struct check *c, const json_t *value, const struct json_field *field)
{
	size_t n = json_string_length(value), max = field->max ? (size_t)field->max : TEXT_MAX;
	const char *s = json_string_value(value);
	char text[64];

	if (!s)
		return invalid(c, "must be a string");
	if (n < (size_t)field->min || n > max) {
		snprintf(text, sizeof(text), "must have %lld to %zu octets", (long long)field->min,
			 max);
		return invalid(c, text);
	}
	if (memchr(s, 0, n) || (field->type == FIELD_LINE && has_control(s, n)))
		return invalid(c, "must not hold control characters");
	return true;
}

static bool check_int(struct check *c, const json_t *value, const struct json_field *field)
{
	char text[96];

	if (!json_is_integer(value))
		return invalid(c, "must be an integer");
	if ((!field->min && !field->max) ||
	    (json_integer_value(value) >= field->min && json_integer_value(value) <= field->max))
		return true;
	snprintf(text, sizeof(text), "must be from %lld to %lld", (long long)field->min,
		 (long long)field->max);
	return invalid(c, text);
}

static bool check_scalar(struct check *c, const json_t *value, const struct json_field *field)
{
	struct span s = span_make(json_string_value(value), json_string_length(value));
	char address[ADDRESS_MAX + 1];
	int64_t ms;

	switch (field->type) {
	case FIELD_BOOL:
		return json_is_boolean(value) || invalid(c, "must be true or false");
	case FIELD_TIME:
		return (json_is_string(value) &&
			clock_parse_rfc3339((const char *)s.p, s.n, &ms)) ||
		       invalid(c, "must be a time such as 2026-11-24T13:18:40Z");
	case FIELD_ID:
		return (json_is_string(value) && id_is_client(s)) ||
		       invalid(c, "must be an id: 1 to 64 of A-Z a-z 0-9 _ . -");
	case FIELD_ADDRESS:
		return (json_is_string(value) && address_normalize(s, address)) ||
		       invalid(c, "must be a mail address");
	case FIELD_FREE:
		return (json_is_object(value) &&
			json_dumpb(value, NULL, 0, JSON_COMPACT) <=
				(size_t)(field->max ? field->max : FREE_MAX)) ||
		       invalid(c, "must be an object of bounded size");
	default:
		return invalid(c, "is of no known type");
	}
}

static bool check_value(struct check *c, const json_t *value, const struct json_field *field,
			bool partial);

static bool check_list(struct check *c, const json_t *value, const struct json_field *field)
{
	size_t max = field->max ? (size_t)field->max : LIST_MAX;

	if (!json_is_array(value))
		return invalid(c, "must be a list");
	if (json_array_size(value) > max)
		return invalid(c, "has too many elements");
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!check_value(c, json_array_get(value, i), field->fields, false))
			return fault_in(c, NULL, i);
	return true;
}

static const struct json_field *field_find(const struct json_field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static bool check_members(struct check *c, const json_t *object, const struct json_field *fields,
			  bool partial)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		const struct json_field *field = field_find(fields, name);

		if (!field)
			fault(c, "unknown_field", "is not known");
		if (!field || !check_value(c, value, field, partial))
			return fault_in(c, name, 0);
	}
	return true;
}

static bool check_object(struct check *c, const json_t *value, const struct json_field *fields,
			 bool partial)
{
	if (!json_is_object(value))
		return invalid(c, "must be an object");
	if (!check_members(c, value, fields, partial))
		return false;
	for (; !partial && fields->name; fields++)
		if ((fields->flags & FIELD_REQUIRED) && !json_object_get(value, fields->name)) {
			fault(c, "missing_field", "is missing");
			return fault_in(c, fields->name, 0);
		}
	return true;
}

static bool check_value(struct check *c, const json_t *value, const struct json_field *field,
			bool partial)
{
	if (json_is_null(value) && (field->flags & FIELD_NULL))
		return true;
	switch (field->type) {
	case FIELD_TEXT:
	case FIELD_LINE:
		return check_text(c, value, field);
	case FIELD_INT:
		return check_int(c, value, field);
	case FIELD_ENUM:
		return check_enum(c, value, field);
	case FIELD_LIST:
		return check_list(c, value, field);
	case FIELD_OBJECT:
		return check_object(c, value, field->fields, partial);
	case FIELD_ENUM_OR_OBJECT:
		return json_is_object(value) ? check_object(c, value, field->fields, partial)
					     : check_enum(c, value, field);
	case FIELD_ENUM_OR_LIST:
		return json_is_array(value) ? check_list(c, value, field)
					    : check_enum(c, value, field);
	default:
		return check_scalar(c, value, field);
	}
}

bool json_check(const json_t *value, const struct json_field *fields, bool partial,
		struct json_fault *fault_out)
{
	struct check c = {.fault = fault_out};

	memset(fault_out, 0, sizeof(*fault_out));
	return check_object(&c, value, fields, partial);
}

const char *json_get_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

struct span json_get_span(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? span_make(json_string_value(value), json_string_length(value))
		       : SPAN_LIT("");
}

int64_t json_get_int(const json_t *object, const char *name, int64_t fallback)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool json_get_bool(const json_t *object, const char *name, bool fallback)
{
	const json_t *value = json_object_get(object, name);

	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

int64_t json_get_time_ms(const json_t *object, const char *name, int64_t fallback)
{
	struct span s = json_get_span(object, name);
	int64_t ms;

	return s.n && clock_parse_rfc3339((const char *)s.p, s.n, &ms) ? ms : fallback;
}

size_t json_get_spans(struct arena *arena, const json_t *object, const char *name,
		      struct span **list_out)
{
	const json_t *list = json_object_get(object, name);
	size_t count = json_array_size(list);

	*list_out = arena_array(arena, count + 1, sizeof(**list_out));
	for (size_t i = 0; i < count; i++)
		(*list_out)[i] =
			arena_span(arena, span_cstr(json_string_value(json_array_get(list, i))));
	return count;
}

/* Octets of the UTF-8 sequence at p, or 0 if it is not one. */
static size_t utf8_length(const uint8_t *p, size_t left)
{
	static const uint32_t LEAST[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t value;

	if (n == 1)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > left)
		return 0;
	value = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (p[i] & 0x3fu);
	}
	if (value < LEAST[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	return n;
}

json_t *json_from_span(struct span text)
{
	json_t *value = json_stringn((const char *)text.p, text.n);
	struct buf repaired;

	if (value || !text.n)
		return value ? value : json_string("");
	buf_init(&repaired, text.n * 3 + 1);
	for (size_t i = 0; i < text.n;) {
		size_t n = utf8_length(text.p + i, text.n - i);

		if (n)
			buf_put(&repaired, text.p + i, n);
		else
			buf_put_cstr(&repaired, "\xef\xbf\xbd");
		i += n ? n : 1;
	}
	value = json_stringn_nocheck((const char *)repaired.p, repaired.n);
	buf_fini(&repaired);
	return value;
}

json_t *json_from_time(int64_t wall_ms)
{
	char text[CLOCK_RFC3339_BYTES];

	if (!wall_ms)
		return json_null();
	clock_rfc3339(wall_ms, text);
	return json_string(text);
}

struct span json_text(struct arena *arena, const json_t *value)
{
	const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
	char small[TEXT_SMALL];
	size_t n = json_dumpb(value, small, sizeof(small), flags);
	char *text = arena_alloc(arena, n + 1);

	if (n <= sizeof(small))
		memcpy(text, small, n);
	else
		n = json_dumpb(value, text, n, flags);
	return span_make(text, n);
}
