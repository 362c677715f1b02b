/*
 * json: a writer over a buffer. Commas are its own business; strings are escaped, bytes that are not UTF-8 become U+FFFD.
 *
 *     struct json j = json_make(&out);
 *     json_open(&j, '{');  json_key(&j, "name");  json_str(&j, name);  json_close(&j, '}');
 */
#ifndef MW_PARSER_JSON_H
#define MW_PARSER_JSON_H

#include "common/base/buf.h"

struct json {
	struct buf *out;
	bool comma; /* a value stands before the next one */
};

static inline struct json json_make(struct buf *out)
{
	return (struct json){out, false};
}
void json_open(struct json *j, char bracket);
void json_close(struct json *j, char bracket);
void json_key(struct json *j, const char *key);
void json_str(struct json *j, struct span s);
void json_cstr(struct json *j, const char *s);
void json_u64(struct json *j, uint64_t value);
void json_bool(struct json *j, bool value);
void json_null(struct json *j);
/* Null when p is NULL, else the string. */
void json_str_or_null(struct json *j, struct span s);

#endif
