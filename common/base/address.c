#include "common/base/address.h"

#include <idn2.h>

/* A domain name in UTF-8 longer than this is not converted. */
#define DOMAIN_RAW_MAX 1020

/*
 * Simple case folding of the scripts that mail addresses use (Unicode CaseFolding.txt, statuses C and S): of every
 * step-th code point from first to last, the folded one is delta away.
 */
struct fold {
	uint32_t first, last;
	int32_t delta;
	uint32_t step;
};

static const struct fold folds[] = {
	{0x41, 0x5a, 32, 1},	 {0xb5, 0xb5, 775, 1},	     {0xc0, 0xd6, 32, 1},
	{0xd8, 0xde, 32, 1},	 {0x100, 0x12e, 1, 2},	     {0x132, 0x136, 1, 2},
	{0x139, 0x147, 1, 2},	 {0x14a, 0x176, 1, 2},	     {0x178, 0x178, -121, 1},
	{0x179, 0x17d, 1, 2},	 {0x17f, 0x17f, -268, 1},    {0x218, 0x21e, 1, 2},
	{0x386, 0x386, 38, 1},	 {0x388, 0x38a, 37, 1},	     {0x38c, 0x38c, 64, 1},
	{0x38e, 0x38f, 63, 1},	 {0x391, 0x3a1, 32, 1},	     {0x3a3, 0x3ab, 32, 1},
	{0x3c2, 0x3c2, 1, 1},	 {0x400, 0x40f, 80, 1},	     {0x410, 0x42f, 32, 1},
	{0x460, 0x480, 1, 2},	 {0x48a, 0x4be, 1, 2},	     {0x4c0, 0x4c0, 15, 1},
	{0x4c1, 0x4cd, 1, 2},	 {0x4d0, 0x52e, 1, 2},	     {0x531, 0x556, 48, 1},
	{0x1e00, 0x1e94, 1, 2},	 {0x1e9e, 0x1e9e, -7615, 1}, {0x1ea0, 0x1efe, 1, 2},
	{0xff21, 0xff3a, 32, 1},
};

static uint32_t fold_point(uint32_t c)
{
	for (size_t i = 0; i < sizeof(folds) / sizeof(folds[0]); i++)
		if (c <= folds[i].last)
			return c < folds[i].first || (c - folds[i].first) % folds[i].step != 0
				       ? c
				       : (uint32_t)((int32_t)c + folds[i].delta);
	return c;
}

/* One code point of UTF-8 (RFC 3629: shortest form, no surrogates). Returns its length, 0 if it is none. */
static size_t utf8_decode(struct span s, uint32_t *point_out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t c = s.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	uint32_t point = n == 1 ? c : n ? c & (0xffu >> (n + 1)) : 0;

	if (n == 0 || n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s.p[i] & 0x3f);
	}
	if (point < least[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	*point_out = point;
	return n;
}

/* out has room for four bytes. */
static size_t utf8_encode(uint32_t point, uint8_t *out)
{
	size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

	if (n == 1) {
		out[0] = (uint8_t)point;
		return 1;
	}
	for (size_t i = n; i > 1; i--, point >>= 6)
		out[i - 1] = (uint8_t)(0x80 | (point & 0x3f));
	out[0] = (uint8_t)((0xf00u >> n & 0xff) | point);
	return n;
}

static bool is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

static bool put_folded(struct span s, struct buf *out)
{
	while (s.n) {
		uint8_t bytes[4];
		uint32_t point;
		size_t n = utf8_decode(s, &point);

		if (n == 0 || is_control(point))
			return false;
		buf_put(out, bytes, utf8_encode(fold_point(point), bytes));
		s = span_sub(s, n, s.n);
	}
	return buf_ok(out);
}

static bool is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

/* To A-labels; what other characters became by mapping is checked by the caller. */
static bool put_alabels(struct span domain, struct buf *out)
{
	char raw[DOMAIN_RAW_MAX + 1];
	uint8_t *alabels = NULL;
	bool ok;

	if (domain.n > DOMAIN_RAW_MAX || memchr(domain.p, 0, domain.n))
		return false;
	memcpy(raw, domain.p, domain.n);
	raw[domain.n] = 0;
	if (idn2_lookup_u8((const uint8_t *)raw, &alabels, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
	    IDN2_OK)
		return false;
	ok = put_folded(span_cstr((const char *)alabels), out);
	idn2_free(alabels);
	return ok;
}

static bool put_domain(struct span domain, struct buf *out)
{
	size_t start = out->n;

	if (!(is_ascii(domain) ? put_folded(domain, out) : put_alabels(domain, out)))
		return false;
	while (out->n > start && out->p[out->n - 1] == '.')
		out->n--;
	for (size_t i = start; i < out->n; i++)
		if (memchr("@<> ", out->p[i], 4))
			return false;
	return out->n > start;
}

static size_t last_at(struct span s)
{
	size_t i = s.n;

	while (i > 0 && s.p[i - 1] != '@')
		i--;
	return i ? i - 1 : s.n;
}

bool address_normalize(struct span raw, char out[ADDRESS_MAX + 1])
{
	struct span s = span_trim(raw), local, domain;
	struct buf b;
	size_t at;
	bool ok;

	while (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = span_trim(span_sub(s, 1, s.n - 2));
	at = last_at(s);
	local = span_trim(span_sub(s, 0, at));
	domain = span_trim(span_sub(s, at + 1, s.n));
	if (at == s.n || local.n == 0 || domain.n == 0)
		return false;
	buf_init(&b, ADDRESS_MAX);
	ok = put_folded(local, &b);
	buf_put_byte(&b, '@');
	ok = ok && put_domain(domain, &b);
	if (ok)
		memcpy(out, buf_cstr(&b), b.n + 1);
	buf_fini(&b);
	return ok;
}

bool address_blocked_by(struct span entry, struct span normalized)
{
	char whole[DOMAIN_RAW_MAX + 2], form[ADDRESS_MAX + 1];
	struct span e = span_trim(entry), blocked, domain;
	bool subdomains;

	if (e.n == 0 || e.n > DOMAIN_RAW_MAX)
		return false;
	if (e.p[0] != '@')
		return address_normalize(e, form) && span_eq(span_cstr(form), normalized);
	subdomains = span_istarts(e, SPAN_LIT("@*."));
	blocked = span_sub(e, subdomains ? 2 : 0, e.n); /* ".b.c" or "@b.c" */
	whole[0] = 'x';
	whole[1] = '@';
	memcpy(whole + 2, blocked.p + 1, blocked.n - 1);
	if (!address_normalize(span_make(whole, blocked.n + 1), form))
		return false;
	blocked = span_cstr(form + 1);
	domain = span_sub(normalized, last_at(normalized), normalized.n);
	if (!subdomains)
		return span_eq(blocked, domain);
	form[1] = '.';
	return domain.n > blocked.n + 1 &&
	       span_eq(span_sub(domain, domain.n - blocked.n, blocked.n), blocked);
}
