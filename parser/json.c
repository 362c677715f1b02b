#include "parser/json.h"
#include "parser/utf8.h"

static void before_value(struct json *j)
{
	if (j->comma)
		buf_put_byte(j->out, ',');
	j->comma = true;
}

void json_open(struct json *j, char bracket)
{
	before_value(j);
	buf_put_byte(j->out, (uint8_t)bracket);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	buf_put_byte(j->out, (uint8_t)bracket);
	j->comma = true;
}

void json_key(struct json *j, const char *key)
{
	json_cstr(j, key);
	buf_put_byte(j->out, ':');
	j->comma = false;
}

static bool is_plain(uint8_t c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static void put_escape(struct buf *out, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t letter = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c;
	if (letter != c || c == '"' || c == '\\') {
		buf_put(out, (uint8_t[]){'\\', letter}, 2);
		return;
	}
	uint8_t escape[6] = {'\\', 'u', '0', '0', (uint8_t)hex[c >> 4], (uint8_t)hex[c & 15]};
	buf_put(out, escape, 6);
}

void json_str(struct json *j, struct span s)
{
	before_value(j);
	buf_put_byte(j->out, '"');
	for (size_t i = 0; i < s.n;) {
		size_t run = i;
		while (run < s.n && is_plain(s.p[run]))
			run++;
		buf_put(j->out, s.p + i, run - i);
		i = run;
		if (i >= s.n)
			break;
		if (s.p[i] < 0x80)
			put_escape(j->out, s.p[i++]);
		else
			buf_put_utf8(j->out, utf8_next(s, &i));
	}
	buf_put_byte(j->out, '"');
}

void json_cstr(struct json *j, const char *s)
{
	json_str(j, span_cstr(s));
}

void json_u64(struct json *j, uint64_t value)
{
	before_value(j);
	buf_printf(j->out, "%llu", (unsigned long long)value);
}

void json_bool(struct json *j, bool value)
{
	before_value(j);
	buf_put_cstr(j->out, value ? "true" : "false");
}

void json_null(struct json *j)
{
	before_value(j);
	buf_put_cstr(j->out, "null");
}

void json_str_or_null(struct json *j, struct span s)
{
	if (s.p)
		json_str(j, s);
	else
		json_null(j);
}
