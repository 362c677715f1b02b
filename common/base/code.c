#include "common/base/code.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static const char base32_alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
static const char base64_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Digits of `bits` bits each, most significant first; the last one is filled with zero bits. */
static void digits_encode(struct span s, unsigned bits, const char *alphabet, struct buf *out)
{
	uint32_t acc = 0;
	unsigned held = 0;

	for (size_t i = 0; i < s.n; i++) {
		acc = (acc << 8 | s.p[i]) & 0xffff;
		for (held += 8; held >= bits; held -= bits)
			buf_put_byte(out,
				     (uint8_t)alphabet[acc >> (held - bits) & ((1u << bits) - 1)]);
	}
	if (held)
		buf_put_byte(out, (uint8_t)alphabet[acc << (bits - held) & ((1u << bits) - 1)]);
}

/* The inverse. Refuses (and leaves out as it was) a foreign digit, a digit too many, and fill bits that are not zero. */
static bool digits_decode(struct span s, unsigned bits, int (*value_of)(uint8_t), struct buf *out)
{
	size_t start = out->n;
	uint32_t acc = 0;
	unsigned held = 0;

	for (size_t i = 0; i < s.n; i++) {
		int value = value_of(s.p[i]);

		if (value < 0)
			goto bad;
		acc = (acc << bits | (uint32_t)value) & 0xffff;
		held += bits;
		if (held >= 8) {
			held -= 8;
			buf_put_byte(out, (uint8_t)(acc >> held & 0xff));
		}
	}
	if (held >= bits || (acc & ((1u << held) - 1)) != 0)
		goto bad;
	return buf_ok(out);
bad:
	out->n = start;
	return false;
}

static int base32_value(uint8_t c)
{
	const char *at = c ? strchr(base32_alphabet, c) : NULL;

	return at ? (int)(at - base32_alphabet) : -1;
}

static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

void base32_encode(struct span s, struct buf *out)
{
	digits_encode(s, 5, base32_alphabet, out);
}

bool base32_decode(struct span s, struct buf *out)
{
	return digits_decode(s, 5, base32_value, out);
}

void base64_encode(struct span s, struct buf *out)
{
	digits_encode(s, 6, base64_alphabet, out);
	for (size_t fill = (3 - s.n % 3) % 3; fill; fill--)
		buf_put_byte(out, '=');
}

void base64url_encode(struct span s, struct buf *out)
{
	digits_encode(s, 6, base64url_alphabet, out);
}

bool base64_decode(struct span s, struct buf *out)
{
	size_t padding = 0;

	while (padding < s.n && padding < 2 && s.p[s.n - 1 - padding] == '=')
		padding++;
	if (padding && s.n % 4 != 0)
		return false;
	return digits_decode(span_sub(s, 0, s.n - padding), 6, base64_value, out);
}

void hex_encode(struct span s, struct buf *out)
{
	digits_encode(s, 4, "0123456789abcdef", out);
}

void id_format(const struct id *id, char out[ID_CHARS + 1])
{
	uint64_t acc = 0;
	size_t n = 0;

	for (size_t half = 0; half < 2; half++) {
		for (size_t i = 0; i < ID_BYTES / 2; i++)
			acc = acc << 8 | id->b[half * (ID_BYTES / 2) + i];
		for (unsigned shift = 40; shift; shift -= 5)
			out[n++] = base32_alphabet[acc >> (shift - 5) & 31];
	}
	out[n] = 0;
}

bool id_parse(struct span s, struct id *id_out)
{
	struct id id = {{0}};

	if (s.n != ID_CHARS)
		return false;
	for (size_t half = 0; half < 2; half++) {
		uint64_t acc = 0;

		for (size_t i = 0; i < ID_CHARS / 2; i++) {
			int value = base32_value(s.p[half * (ID_CHARS / 2) + i]);

			if (value < 0)
				return false;
			acc = acc << 5 | (uint64_t)value;
		}
		for (size_t i = 0; i < ID_BYTES / 2; i++)
			id.b[half * (ID_BYTES / 2) + i] = (uint8_t)(acc >> (32 - 8 * i) & 0xff);
	}
	*id_out = id;
	return true;
}

bool id_is_client(struct span s)
{
	if (s.n < 1 || s.n > 64)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '-')
			return false;
	}
	return true;
}

bool id_parse_public(struct span s, struct span *account_out, struct id *id_out)
{
	size_t tilde = span_find_byte(s, '~');
	struct span account = span_sub(s, 0, tilde);

	if (tilde == s.n || !id_is_client(account) ||
	    !id_parse(span_sub(s, tilde + 1, s.n), id_out))
		return false;
	*account_out = account;
	return true;
}

void random_bytes(void *p, size_t n)
{
	uint8_t *at = p;

	while (n) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		at += got;
		n -= (size_t)got;
	}
}
