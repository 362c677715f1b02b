#include "parser/transfer.h"
#include "parser/transfer_base64.h"

enum transfer transfer_find(struct span value)
{
	struct span v = span_trim(value);
	size_t end = 0;
	while (end < v.n && v.p[end] > ' ' && v.p[end] != ';' && v.p[end] != '(')
		end++;
	v.n = end;
	if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
		v = (struct span){v.p + 1, v.n - 2};
	if (span_ieq(v, SPAN_LIT("base64")))
		return TRANSFER_BASE64;
	if (span_ieq(v, SPAN_LIT("quoted-printable")) || span_ieq(v, SPAN_LIT("quoted_printable")))
		return TRANSFER_QUOTED;
	if (span_ieq(v, SPAN_LIT("x-uuencode")) || span_ieq(v, SPAN_LIT("uuencode")) ||
	    span_ieq(v, SPAN_LIT("x-uue")) || span_ieq(v, SPAN_LIT("x-uu")))
		return TRANSFER_UU;
	return TRANSFER_NONE;
}

const char *transfer_name(enum transfer encoding)
{
	static const char *const names[] = {"", "base64", "quoted-printable", "x-uuencode"};
	return names[encoding];
}

int transfer_hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

void transfer_decode_base64(struct span in, struct buf *out)
{
	transfer_base64_decode(transfer_base64_best(), in, out);
}

/* Bytes of a soft line break that follows '=' at p, or 0: blanks, then CRLF, LF or the end. */
static size_t soft_break(const uint8_t *p, size_t n)
{
	size_t i = 0;
	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	if (i == n)
		return i + 1;
	if (p[i] == '\n')
		return i + 2;
	if (p[i] == '\r')
		return i + (i + 1 < n && p[i + 1] == '\n' ? 3 : 2);
	return 0;
}

static size_t decode_escape(struct span in, size_t i, bool header, uint8_t **to)
{
	if (i + 2 < in.n) {
		int high = transfer_hex(in.p[i + 1]), low = transfer_hex(in.p[i + 2]);
		if (high >= 0 && low >= 0) {
			*(*to)++ = (uint8_t)(high << 4 | low);
			return i + 3;
		}
	}
	size_t soft = header ? 0 : soft_break(in.p + i + 1, in.n - i - 1);
	if (soft)
		return i + soft;
	*(*to)++ = '=';
	return i + 1;
}

void transfer_decode_quoted(struct span in, bool header, struct buf *out)
{
	uint8_t *start = buf_reserve(out, in.n), *to = start;
	if (!start)
		return;
	for (size_t i = 0; i < in.n;) {
		if (!header) {
			const uint8_t *escape = memchr(in.p + i, '=', in.n - i);
			size_t plain = escape ? (size_t)(escape - in.p) - i : in.n - i;
			memcpy(to, in.p + i, plain);
			to += plain;
			i += plain;
			if (i >= in.n)
				break;
		}
		if (in.p[i] == '=') {
			i = decode_escape(in, i, header, &to);
		} else {
			*to++ = in.p[i] == '_' ? ' ' : in.p[i];
			i++;
		}
	}
	out->n += (size_t)(to - start);
}

/* One line of uuencode: a count, then groups of four. */
static void decode_uu_line(struct span line, struct buf *out)
{
	size_t want = line.n ? (size_t)((line.p[0] - ' ') & 0x3f) : 0;
	for (size_t i = 1; want > 0 && i < line.n; i += 4) {
		uint32_t bits = 0;
		for (size_t k = 0; k < 4; k++)
			bits = bits << 6 |
			       (i + k < line.n ? (uint32_t)(line.p[i + k] - ' ') & 0x3f : 0);
		for (size_t k = 0; k < 3 && want > 0; k++, want--)
			buf_put_byte(out, (uint8_t)(bits >> (16 - 8 * k)));
	}
}

static void decode_uu(struct span in, struct buf *out)
{
	bool inside = false;
	for (size_t at = 0; at < in.n;) {
		struct span rest = {in.p + at, in.n - at};
		size_t end = span_find_byte(rest, '\n');
		struct span line = {rest.p, end};
		at += end + 1;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!inside)
			inside = line.n > 6 && memcmp(line.p, "begin ", 6) == 0;
		else if (span_eq(line, SPAN_LIT("end")))
			break;
		else
			decode_uu_line(line, out);
	}
}

void transfer_decode(enum transfer encoding, struct span in, struct buf *out)
{
	switch (encoding) {
	case TRANSFER_BASE64:
		transfer_decode_base64(in, out);
		break;
	case TRANSFER_QUOTED:
		transfer_decode_quoted(in, false, out);
		break;
	case TRANSFER_UU:
		decode_uu(in, out);
		break;
	case TRANSFER_NONE:
		buf_put_span(out, in);
		break;
	}
}

static bool is_base64(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '/';
}

/* Groups of four to the end, '=' in the last alone. */
static bool base64_is_damaged(struct span in)
{
	size_t digits = 0, padding = 0;
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];
		if (c == '=')
			padding++;
		else if (is_base64(c) && padding == 0)
			digits++;
		else if (c != '\r' && c != '\n' && c != ' ' && c != '\t')
			return true;
	}
	return (digits + padding) % 4 != 0 || padding > 2;
}

static bool quoted_is_damaged(struct span in)
{
	for (size_t i = 0; i < in.n; i++) {
		const uint8_t *escape = memchr(in.p + i, '=', in.n - i);
		if (!escape)
			return false;
		i = (size_t)(escape - in.p);
		bool hex = i + 2 < in.n && transfer_hex(in.p[i + 1]) >= 0 &&
			   transfer_hex(in.p[i + 2]) >= 0;
		if (!hex && !soft_break(in.p + i + 1, in.n - i - 1))
			return true;
	}
	return false;
}

static bool uu_is_damaged(struct span in)
{
	struct span s = span_trim(in);
	return !span_istarts(s, SPAN_LIT("begin ")) || s.n < 4 ||
	       memcmp(s.p + s.n - 4, "\nend", 4) != 0;
}

bool transfer_is_damaged(enum transfer encoding, struct span in)
{
	switch (encoding) {
	case TRANSFER_BASE64:
		return base64_is_damaged(in);
	case TRANSFER_QUOTED:
		return quoted_is_damaged(in);
	case TRANSFER_UU:
		return uu_is_damaged(in);
	case TRANSFER_NONE:
		break;
	}
	return false;
}
