#include "parser/transfer_base64.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define VECTORS
#endif

#define SKIP 64
#define PAD 65

/* Six bits of each character of the alphabet; PAD for '='; SKIP for all else. */
static const uint8_t SIX[256] = {
	[0 ... '+' - 1] = SKIP,
	['+' + 1 ... '/' - 1] = SKIP,
	['9' + 1 ... '=' - 1] = SKIP,
	['='] = PAD,
	['=' + 1 ... 'A' - 1] = SKIP,
	['Z' + 1 ... 'a' - 1] = SKIP,
	['z' + 1 ... 255] = SKIP,
	['A'] = 0,
	['B'] = 1,
	['C'] = 2,
	['D'] = 3,
	['E'] = 4,
	['F'] = 5,
	['G'] = 6,
	['H'] = 7,
	['I'] = 8,
	['J'] = 9,
	['K'] = 10,
	['L'] = 11,
	['M'] = 12,
	['N'] = 13,
	['O'] = 14,
	['P'] = 15,
	['Q'] = 16,
	['R'] = 17,
	['S'] = 18,
	['T'] = 19,
	['U'] = 20,
	['V'] = 21,
	['W'] = 22,
	['X'] = 23,
	['Y'] = 24,
	['Z'] = 25,
	['a'] = 26,
	['b'] = 27,
	['c'] = 28,
	['d'] = 29,
	['e'] = 30,
	['f'] = 31,
	['g'] = 32,
	['h'] = 33,
	['i'] = 34,
	['j'] = 35,
	['k'] = 36,
	['l'] = 37,
	['m'] = 38,
	['n'] = 39,
	['o'] = 40,
	['p'] = 41,
	['q'] = 42,
	['r'] = 43,
	['s'] = 44,
	['t'] = 45,
	['u'] = 46,
	['v'] = 47,
	['w'] = 48,
	['x'] = 49,
	['y'] = 50,
	['z'] = 51,
	['0'] = 52,
	['1'] = 53,
	['2'] = 54,
	['3'] = 55,
	['4'] = 56,
	['5'] = 57,
	['6'] = 58,
	['7'] = 59,
	['8'] = 60,
	['9'] = 61,
	['+'] = 62,
	['/'] = 63,
};

/* Decodes groups of four from `in` as long as there is nothing else; adds what it wrote to *to, returns what it read. It may
 * write up to ROOM bytes past what counts. */
#define ROOM 32
typedef size_t run_fn(struct span in, uint8_t **to);

static size_t run_scalar(struct span in, uint8_t **to)
{
	size_t i = 0;
	uint8_t *at = *to;
	for (; i + 4 <= in.n; i += 4, at += 3) {
		uint8_t a = SIX[in.p[i]], b = SIX[in.p[i + 1]], c = SIX[in.p[i + 2]],
			d = SIX[in.p[i + 3]];
		if ((a | b | c | d) & 0x40)
			break;
		at[0] = (uint8_t)(a << 2 | b >> 4);
		at[1] = (uint8_t)(b << 4 | c >> 2);
		at[2] = (uint8_t)(c << 6 | d);
	}
	*to = at;
	return i;
}

#ifdef VECTORS
/*
 * For each character: what to add to get its six bits, by the range it is in; none means it is not of the alphabet. Then
 * pairs of six bits become twelve, pairs of those 24, and a shuffle puts their three bytes in order:
 *
 *     00aaaaaa 00bbbbbb 00cccccc 00dddddd  →  aaaaaabb bbbbcccc ccdddddd
 */
#define AZ_ADD (-'A')
#define az_ADD (26 - 'a')
#define DIGIT_ADD (52 - '0')
#define PLUS_ADD (62 - '+')
#define SLASH_ADD (63 - '/')
#define ORDER 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1

__attribute__((target("ssse3"))) static __m128i in_range_128(__m128i c, char low, char high)
{
	return _mm_and_si128(_mm_cmpgt_epi8(c, _mm_set1_epi8((char)(low - 1))),
			     _mm_cmplt_epi8(c, _mm_set1_epi8((char)(high + 1))));
}

__attribute__((target("ssse3"))) static __m128i pick_128(__m128i where, int add)
{
	return _mm_and_si128(where, _mm_set1_epi8((char)add));
}

__attribute__((target("ssse3"))) static size_t run_ssse3(struct span in, uint8_t **to)
{
	size_t i = 0;
	while (i + 16 <= in.n) {
		__m128i c = _mm_loadu_si128((const __m128i *)(const void *)(in.p + i));
		__m128i add = pick_128(in_range_128(c, 'A', 'Z'), AZ_ADD);
		add = _mm_or_si128(add, pick_128(in_range_128(c, 'a', 'z'), az_ADD));
		add = _mm_or_si128(add, pick_128(in_range_128(c, '0', '9'), DIGIT_ADD));
		add = _mm_or_si128(add, pick_128(_mm_cmpeq_epi8(c, _mm_set1_epi8('+')), PLUS_ADD));
		add = _mm_or_si128(add, pick_128(_mm_cmpeq_epi8(c, _mm_set1_epi8('/')), SLASH_ADD));
		unsigned foreign =
			(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(add, _mm_setzero_si128()));
		__m128i six = _mm_add_epi8(c, add);
		__m128i twelve = _mm_maddubs_epi16(six, _mm_set1_epi16(0x0140));
		__m128i all = _mm_madd_epi16(twelve, _mm_set1_epi32(0x00011000));
		_mm_storeu_si128((__m128i *)(void *)*to,
				 _mm_shuffle_epi8(all, _mm_setr_epi8(ORDER)));
		size_t groups = foreign ? (size_t)__builtin_ctz(foreign) / 4 : 4;
		i += 4 * groups;
		*to += 3 * groups;
		if (foreign)
			return i;
	}
	return i + run_scalar(span_sub(in, i, in.n), to);
}

__attribute__((target("avx2"))) static __m256i in_range_256(__m256i c, char low, char high)
{
	return _mm256_and_si256(_mm256_cmpgt_epi8(c, _mm256_set1_epi8((char)(low - 1))),
				_mm256_cmpgt_epi8(_mm256_set1_epi8((char)(high + 1)), c));
}

__attribute__((target("avx2"))) static __m256i pick_256(__m256i where, int add)
{
	return _mm256_and_si256(where, _mm256_set1_epi8((char)add));
}

__attribute__((target("avx2"))) static size_t run_avx2(struct span in, uint8_t **to)
{
	size_t i = 0;
	while (i + 32 <= in.n) {
		__m256i c = _mm256_loadu_si256((const __m256i *)(const void *)(in.p + i));
		__m256i add = pick_256(in_range_256(c, 'A', 'Z'), AZ_ADD);
		add = _mm256_or_si256(add, pick_256(in_range_256(c, 'a', 'z'), az_ADD));
		add = _mm256_or_si256(add, pick_256(in_range_256(c, '0', '9'), DIGIT_ADD));
		add = _mm256_or_si256(
			add, pick_256(_mm256_cmpeq_epi8(c, _mm256_set1_epi8('+')), PLUS_ADD));
		add = _mm256_or_si256(
			add, pick_256(_mm256_cmpeq_epi8(c, _mm256_set1_epi8('/')), SLASH_ADD));
		unsigned foreign = (unsigned)_mm256_movemask_epi8(
			_mm256_cmpeq_epi8(add, _mm256_setzero_si256()));
		__m256i six = _mm256_add_epi8(c, add);
		__m256i twelve = _mm256_maddubs_epi16(six, _mm256_set1_epi16(0x0140));
		__m256i all = _mm256_madd_epi16(twelve, _mm256_set1_epi32(0x00011000));
		all = _mm256_shuffle_epi8(all, _mm256_setr_epi8(ORDER, ORDER));
		_mm_storeu_si128((__m128i *)(void *)*to, _mm256_castsi256_si128(all));
		_mm_storeu_si128((__m128i *)(void *)(*to + 12), _mm256_extracti128_si256(all, 1));
		size_t groups = foreign ? (size_t)__builtin_ctz(foreign) / 4 : 8;
		i += 4 * groups;
		*to += 3 * groups;
		if (foreign)
			return i;
	}
	return i + run_ssse3(span_sub(in, i, in.n), to);
}
#endif

enum transfer_base64_way transfer_base64_best(void)
{
#ifdef VECTORS
	if (__builtin_cpu_supports("avx2"))
		return TRANSFER_BASE64_AVX2;
	if (__builtin_cpu_supports("ssse3"))
		return TRANSFER_BASE64_SSSE3;
#endif
	return TRANSFER_BASE64_SCALAR;
}

static run_fn *run_of(enum transfer_base64_way way)
{
#ifdef VECTORS
	if (way == TRANSFER_BASE64_AVX2)
		return run_avx2;
	if (way == TRANSFER_BASE64_SSSE3)
		return run_ssse3;
#endif
	(void)way;
	return run_scalar;
}

/* Writes the whole bytes that `count` characters of a group hold. */
static uint8_t *put_group(uint8_t *to, uint32_t bits, unsigned count)
{
	bits <<= 6 * (4 - count);
	if (count >= 2)
		*to++ = (uint8_t)(bits >> 16);
	if (count >= 3)
		*to++ = (uint8_t)(bits >> 8);
	if (count >= 4)
		*to++ = (uint8_t)bits;
	return to;
}

void transfer_base64_decode(enum transfer_base64_way way, struct span in, struct buf *out)
{
	run_fn *run = run_of(way);
	uint8_t *start = buf_reserve(out, in.n / 4 * 3 + 4 + ROOM), *to = start;
	if (!start)
		return;
	uint32_t bits = 0;
	unsigned count = 0;
	for (size_t i = 0; i < in.n;) {
		if (count == 0) {
			i += run(span_sub(in, i, in.n), &to);
			size_t before = i;
			while (i < in.n && SIX[in.p[i]] >= SKIP)
				i++;
			if (i == in.n || i > before)
				continue;
		}
		uint8_t v = SIX[in.p[i++]];
		if (v < SKIP) {
			bits = bits << 6 | v;
			count++;
		}
		if (count == 4 || (v == PAD && count > 0)) {
			to = put_group(to, bits, count);
			bits = 0;
			count = 0;
		}
	}
	if (count > 0)
		to = put_group(to, bits, count);
	out->n += (size_t)(to - start);
}
