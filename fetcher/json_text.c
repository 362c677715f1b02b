#include "fetcher/json_text.h"

#include <stdio.h>

struct cursor {
	const uint8_t *p, *end;
};

static void blanks(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\r' || *c->p == '\n'))
		c->p++;
}

static bool take(struct cursor *c, uint8_t byte)
{
	blanks(c);
	if (c->p == c->end || *c->p != byte)
		return false;
	c->p++;
	return true;
}

static bool hex4(struct cursor *c, uint32_t *value_out)
{
	uint32_t value = 0;

	if (c->end - c->p < 4)
		return false;
	for (int i = 0; i < 4; i++, c->p++) {
		const uint8_t low = *c->p | 0x20;

		if (*c->p >= '0' && *c->p <= '9')
			value = value << 4 | (uint32_t)(*c->p - '0');
		else if (low >= 'a' && low <= 'f')
			value = value << 4 | (uint32_t)(low - 'a' + 10);
		else
			return false;
	}
	*value_out = value;
	return true;
}

static bool unicode(struct cursor *c, struct buf *out)
{
	uint32_t high, low;

	if (!hex4(c, &high) || (high >= 0xdc00 && high < 0xe000))
		return false;
	if (high >= 0xd800 && high < 0xdc00) {
		if (c->end - c->p < 2 || c->p[0] != '\\' || c->p[1] != 'u')
			return false;
		c->p += 2;
		if (!hex4(c, &low) || low < 0xdc00 || low > 0xdfff)
			return false;
		high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
	}
	buf_put_utf8(out, high);
	return true;
}

static bool escape(struct cursor *c, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (c->p == c->end)
		return false;
	if (*c->p == 'u') {
		c->p++;
		return unicode(c, out);
	}
	at = *c->p ? strchr(from, *c->p) : NULL;
	if (!at)
		return false;
	buf_put_byte(out, (uint8_t)to[at - from]);
	c->p++;
	return true;
}

static bool string(struct cursor *c, struct buf *out)
{
	if (!take(c, '"'))
		return false;
	while (c->p < c->end && *c->p != '"') {
		if (*c->p != '\\') {
			buf_put_byte(out, *c->p++);
			continue;
		}
		c->p++;
		if (!escape(c, out))
			return false;
	}
	return take(c, '"');
}

/* Any value, dropped: strings whole, everything else by its brackets. */
static bool skip(struct cursor *c, struct buf *scratch)
{
	int depth = 0;

	do {
		blanks(c);
		if (c->p == c->end)
			return false;
		if (*c->p == '"') {
			buf_clear(scratch);
			if (!string(c, scratch))
				return false;
		} else if (*c->p == '{' || *c->p == '[') {
			depth++;
			c->p++;
		} else if (*c->p == '}' || *c->p == ']') {
			if (--depth < 0)
				return false;
			c->p++;
		} else if (depth == 0) {
			while (c->p < c->end && *c->p != ',' && *c->p != '}')
				c->p++;
		} else {
			c->p++;
		}
	} while (depth > 0);
	return true;
}

bool json_text_field(struct span json, const char *name, struct buf *out)
{
	struct cursor c = {json.p, json.p + json.n};
	struct buf scratch;
	bool found = false, good = take(&c, '{');

	buf_init(&scratch, json.n + 16);
	while (good && !found) {
		buf_clear(&scratch);
		good = string(&c, &scratch) && take(&c, ':');
		if (!good)
			break;
		blanks(&c);
		found = span_eq(buf_span(&scratch), span_cstr(name));
		good = found ? string(&c, out) : skip(&c, &scratch) && take(&c, ',');
	}
	buf_wipe(&scratch);
	buf_fini(&scratch);
	return found && good && buf_ok(out);
}

void json_text_put(struct buf *out, struct span s)
{
	buf_put_byte(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_put_byte(out, '\\');
		buf_put_byte(out, s.p[i] < ' ' || s.p[i] > 126 ? '?' : s.p[i]);
	}
	buf_put_byte(out, '"');
}
