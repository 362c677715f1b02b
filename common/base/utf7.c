#include "common/base/utf7.h"

static int digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == ',' ? 63 : -1;
}

/* What stands between & and -. False: not well formed, and out is as it was. */
static bool shifted(struct span s, struct buf *out)
{
	size_t before = out->n;
	uint32_t bits = 0, high = 0, unit;
	unsigned have = 0;

	for (size_t i = 0; i < s.n; i++) {
		int value = digit(s.p[i]);

		if (value < 0)
			goto bad;
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		if (have < 16)
			continue;
		have -= 16;
		unit = bits >> have & 0xffff;
		bits &= (1u << have) - 1;
		if ((unit & 0xfc00) == 0xd800 && !high) {
			high = unit;
			continue;
		}
		if (((unit & 0xfc00) == 0xdc00) != (high != 0))
			goto bad;
		buf_put_utf8(out, high ? 0x10000 + ((high & 0x3ff) << 10) + (unit & 0x3ff) : unit);
		high = 0;
	}
	if (!high && have < 6 && !bits)
		return true;
bad:
	out->n = before;
	return false;
}

void utf7_decode(struct span name, struct buf *out)
{
	for (size_t i = 0; i < name.n; i++) {
		struct span rest = span_sub(name, i + 1, name.n);
		size_t end = span_find_byte(rest, '-');

		if (name.p[i] != '&' || end == rest.n) {
			buf_put_byte(out, name.p[i]);
		} else if (end == 0) {
			buf_put_byte(out, '&');
			i += 1;
		} else if (shifted(span_sub(rest, 0, end), out)) {
			i += end + 1;
		} else {
			buf_put_byte(out, '&');
		}
	}
}
