/*
 * json: request bodies. Parsing under limits, and schemas: arrays of struct json_field that check a body (wrong type:
 * 400 invalid_field; unknown name: 400 unknown_field; missing: 400 missing_field, each with the path) and give the
 * OpenAPI file its request and answer objects.
 */
#ifndef MW_GATEWAY_JSON_H
#define MW_GATEWAY_JSON_H

#include <jansson.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/span.h"

#define JSON_DEPTH_MAX 16

enum field_type {
	FIELD_TEXT, /* string of min..max octets (max 0: 4,096); no NUL */
	FIELD_LINE, /* as TEXT, without CR, LF and other control characters */
	FIELD_INT, /* min..max (both 0: any) */
	FIELD_BOOL,
	FIELD_TIME, /* RFC 3339 */
	FIELD_ID, /* client id */
	FIELD_ADDRESS, /* mail address */
	FIELD_ENUM, /* one of values */
	FIELD_LIST, /* at most max elements (0: 1,000), each as fields[0] says */
	FIELD_OBJECT, /* fields */
	FIELD_FREE, /* any object, at most max octets of JSON (0: 16,384) */
	FIELD_ENUM_OR_OBJECT, /* one of values, or an object of fields */
	FIELD_ENUM_OR_LIST, /* one of values, or a list of fields[0] */
};

enum field_flag {
	FIELD_REQUIRED = 1,
	FIELD_NULL = 2 /* null is allowed */,
	FIELD_SECRET = 4 /* write only */
};

/* Arrays end with a NULL name (elements of lists: name is "" and the array has one). */
struct json_field {
	const char *name;
	enum field_type type;
	unsigned flags;
	int64_t min, max;
	const char *const *values; /* ended by NULL */
	const struct json_field *fields;
	const char *help;
};

/* Where a check failed. code: "unknown_field", "invalid_field" or "missing_field". */
struct json_fault {
	const char *code;
	char path[160]; /* "imap.port", "emails[3]" */
	char text[160];
};

/* NULL and a text with the line if it is not JSON (duplicate names, depth over JSON_DEPTH_MAX and NUL refused). */
json_t *json_parse(struct span text, char error_out[160]);
/* Checks an object (any other value fails). partial: required fields may be missing (PATCH). */
bool json_check(const json_t *value, const struct json_field *fields, bool partial,
		struct json_fault *fault_out);

/* Members of an object: NULL, empty or the fallback if absent, null or of another type. Borrowed from value. */
const char *json_get_text(const json_t *object, const char *name);
struct span json_get_span(const json_t *object, const char *name);
int64_t json_get_int(const json_t *object, const char *name, int64_t fallback);
bool json_get_bool(const json_t *object, const char *name, bool fallback);
int64_t json_get_time_ms(const json_t *object, const char *name, int64_t fallback);
/* A list of strings, copied into the arena: how many. */
size_t json_get_spans(struct arena *arena, const json_t *object, const char *name,
		      struct span **list_out);

/* Values for answers. Invalid UTF-8 is repaired with U+FFFD, so that nothing stored can make an answer fail. */
json_t *json_from_span(struct span text);
json_t *json_from_time(int64_t wall_ms); /* RFC 3339; null for 0 */
/* Text of a value, sorted as built, compact, in the arena. */
struct span json_text(struct arena *arena, const json_t *value);

#endif
