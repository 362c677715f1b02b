#include "fetcher/mailbox_name.h"

#include "common/base/utf7.h"

#define NAME_MAX_BYTES 4096

/* The next code point, or -1 for bytes that are no UTF-8. */
static int32_t next_point(struct span *text)
{
	static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t first = text->p[0];
	const size_t n = first < 0x80	? 1
			 : first < 0xc2 ? 0
			 : first < 0xe0 ? 2
			 : first < 0xf0 ? 3
					: 4;
	int32_t point = n == 1 ? first : first & (0x7f >> n);

	if (n == 0 || first > 0xf4 || text->n < n)
		return -1;
	for (size_t i = 1; i < n; i++) {
		if ((text->p[i] & 0xc0) != 0x80)
			return -1;
		point = point << 6 | (text->p[i] & 0x3f);
	}
	*text = span_sub(*text, n, text->n);
	return point < least[n] || point > 0x10ffff ? -1 : point;
}

struct shift {
	uint32_t bits;
	unsigned count; /* of bits that wait */
	bool open;
};

static uint8_t digit(uint32_t value)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

	return (uint8_t)digits[value & 63];
}

static void put_bits(struct buf *out, struct shift *s, uint32_t unit)
{
	if (!s->open)
		buf_put_byte(out, '&');
	s->open = true;
	s->bits = s->bits << 16 | unit;
	for (s->count += 16; s->count >= 6; s->count -= 6)
		buf_put_byte(out, digit(s->bits >> (s->count - 6)));
	s->bits &= 63;
}

static void close_shift(struct buf *out, struct shift *s)
{
	if (s->open && s->count)
		buf_put_byte(out, digit(s->bits << (6 - s->count)));
	if (s->open)
		buf_put_byte(out, '-');
	*s = (struct shift){0, 0, false};
}

static bool encode(struct span text, struct buf *out)
{
	struct shift s = {0, 0, false};

	while (text.n > 0) {
		const int32_t point = next_point(&text);

		if (point < 0)
			return false;
		if (point >= 0x20 && point < 0x7f) {
			close_shift(out, &s);
			buf_put_byte(out, (uint8_t)point);
			if (point == '&')
				buf_put_byte(out, '-');
		} else if (point >= 0x10000) {
			put_bits(out, &s, 0xd800u + ((uint32_t)(point - 0x10000) >> 10));
			put_bits(out, &s, 0xdc00u + ((uint32_t)(point - 0x10000) & 0x3ff));
		} else {
			put_bits(out, &s, (uint32_t)point);
		}
	}
	close_shift(out, &s);
	return true;
}

bool mailbox_name_is(struct span path, struct span text)
{
	struct buf name;
	bool same;

	buf_init(&name, NAME_MAX_BYTES);
	same = encode(text, &name) && span_eq(buf_span(&name), path);
	buf_fini(&name);
	return same;
}

void mailbox_name_from_utf8(struct span name, struct buf *out)
{
	const size_t before = out->n;

	if (encode(name, out))
		return;
	out->n = before;
	buf_put_span(out, name);
}

void mailbox_name_to_utf8(struct span path, struct buf *out)
{
	const size_t before = out->n;
	struct buf again;

	utf7_decode(path, out);
	buf_init(&again, NAME_MAX_BYTES);
	if (!encode(span_make(out->p + before, out->n - before), &again) ||
	    !span_eq(buf_span(&again), path)) {
		out->n = before;
		buf_put_span(out, path);
	}
	buf_fini(&again);
}
