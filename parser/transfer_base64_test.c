/* Proves that base64 by vector instructions gives the bytes of the plain way, and that way those of the definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "parser/transfer_base64.h"

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* A fixed sequence: the same cases in every run. */
static uint32_t draw(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* One bit at a time, nothing clever. */
static void by_definition(struct span in, struct buf *out)
{
	uint32_t bits = 0;
	unsigned have = 0;
	for (size_t i = 0; i < in.n; i++) {
		const char *at = in.p[i] ? strchr(ALPHABET, in.p[i]) : NULL;
		if (in.p[i] == '=')
			have = 0;
		if (!at)
			continue;
		bits = bits << 6 | (uint32_t)(at - ALPHABET);
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_put_byte(out, (uint8_t)(bits >> have));
		}
		if (have == 0)
			bits = 0;
	}
}

/* foreign: one character of so many is not of the alphabet; 0: none. */
static void fill(uint64_t *state, uint8_t *p, size_t n, unsigned foreign)
{
	static const uint8_t others[] = "\r\n =-_.,:;@[`{\x7f\x80\xff";
	for (size_t i = 0; i < n; i++) {
		p[i] = (uint8_t)ALPHABET[draw(state) % 64];
		if (foreign && draw(state) % foreign == 0)
			p[i] = draw(state) % 2 ? others[draw(state) % sizeof(others)]
					       : (uint8_t)draw(state);
	}
}

static void check_ways(struct span in)
{
	struct buf want, got;
	buf_init(&want, 1 << 20);
	buf_init(&got, 1 << 20);
	by_definition(in, &want);
	for (enum transfer_base64_way way = TRANSFER_BASE64_SCALAR; way <= transfer_base64_best();
	     way++) {
		buf_clear(&got);
		transfer_base64_decode(way, in, &got);
		assert_true(buf_ok(&got));
		assert_int_equal(got.n, want.n);
		if (want.n)
			assert_memory_equal(got.p, want.p, want.n);
	}
	buf_fini(&want);
	buf_fini(&got);
}

static void all_ways_agree(void **state)
{
	(void)state;
	static const unsigned foreign[] = {0, 400, 77, 20, 5, 2, 1};
	uint64_t seed = 20;
	uint8_t bytes[700];
	for (unsigned k = 0; k < 4000; k++) {
		size_t n = draw(&seed) % sizeof(bytes);
		fill(&seed, bytes, n, foreign[k % 7]);
		check_ways(span_make(bytes, n));
	}
}

/* Every byte at every place of two vectors. */
static void every_byte_at_every_place(void **state)
{
	(void)state;
	uint8_t bytes[80];
	for (unsigned c = 0; c < 256; c++) {
		for (size_t at = 0; at < 68; at++) {
			memset(bytes, 'Q', sizeof(bytes));
			bytes[at] = (uint8_t)c;
			check_ways(span_make(bytes, sizeof(bytes)));
		}
	}
}

static void lines_of_mail(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 1000);
	transfer_base64_decode(transfer_base64_best(),
			       SPAN_LIT("TWFpbCBpcyBhIGxldHRlciBpbiBhIGJvdHRsZSwgYW5k\r\n"
					"IHRoZSBzZWEgaXMgd2lkZS4=\r\n"),
			       &out);
	assert_int_equal(out.n, 50);
	assert_memory_equal(out.p, "Mail is a letter in a bottle, and the sea is wide.", 50);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_ways_agree),
		cmocka_unit_test(every_byte_at_every_place),
		cmocka_unit_test(lines_of_mail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
