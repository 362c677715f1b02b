/* Proves that the msgpack reader takes what the writer (and Redis's cmsgpack) writes and refuses whatever lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/wire/pack.h"

static struct pack_reader reader(const struct buf *b)
{
	return pack_reader_make(buf_span(b));
}

static void integers_round_trip(void **state)
{
	(void)state;
	static const int64_t values[] = {
		0,	   1,	   127,	   128,	       255,
		256,	   65535,  65536,  UINT32_MAX, (int64_t)UINT32_MAX + 1,
		INT64_MAX, -1,	   -32,	   -33,	       -128,
		-129,	   -32768, -32769, INT32_MIN,  (int64_t)INT32_MIN - 1,
		INT64_MIN};
	struct buf b;
	buf_init(&b, 1024);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		pack_put_i64(&b, values[i]);
	pack_put_u64(&b, UINT64_MAX);
	struct pack_reader r = reader(&b);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_int_equal(pack_read_i64(&r), values[i]);
	assert_true(pack_read_u64(&r) == UINT64_MAX);
	assert_true(pack_done(&r));
	buf_fini(&b);
}

static void other_types_round_trip(void **state)
{
	(void)state;
	struct buf b;
	char big[70000] = "x";
	static const size_t sizes[] = {0, 1, 31, 32, 255, 256, 65535, 65536};
	buf_init(&b, 1 << 20);
	pack_put_array(&b, 7);
	pack_put_nil(&b);
	pack_put_bool(&b, true);
	pack_put_bool(&b, false);
	pack_put_double(&b, -2.5);
	pack_put_cstr(&b, "text");
	pack_put_map(&b, 0);
	pack_put_i64(&b, -7);
	for (size_t i = 0; i < 8; i++) {
		pack_put_str(&b, span_make(big, sizes[i]));
		pack_put_bin(&b, span_make(big, sizes[i]));
	}
	struct pack_reader r = reader(&b);
	assert_int_equal(pack_read_array(&r), 7);
	assert_true(pack_read_nil(&r));
	assert_false(pack_read_nil(&r));
	assert_true(pack_read_bool(&r));
	assert_false(pack_read_bool(&r));
	assert_true(pack_read_double(&r) == -2.5);
	assert_true(span_eq(pack_read_bytes(&r), SPAN_LIT("text")));
	assert_int_equal(pack_read_map(&r), 0);
	assert_true(pack_read_double(&r) == -7.0);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(pack_read_bytes(&r).n, sizes[i / 2]);
	assert_true(pack_done(&r));
	buf_fini(&b);
}

/* Bytes as Redis 7.0's cmsgpack.pack wrote them. */
static void lua_values_are_read(void **state)
{
	(void)state;
	struct pack_reader r = pack_reader_make(SPAN_LIT("\x93\x01\xca\x3f\xc0\x00\x00\x90"));
	assert_int_equal(pack_read_array(&r), 3);
	assert_int_equal(pack_read_u64(&r), 1);
	assert_true(pack_read_double(&r) == 1.5);
	assert_int_equal(pack_read_map(&r), 0); /* {} */
	assert_true(pack_done(&r));
}

static void lies_are_refused(void **state)
{
	(void)state;
	static const struct span cases[] = {
		SPAN_LIT("\xdd\xff\xff\xff\xff"), /* array of 4 billion */
		SPAN_LIT("\xdf\xff\xff\xff\xff\x01\x01"), /* map of 4 billion */
		SPAN_LIT("\xdc\x00\x02\x01"), /* one element short */
		SPAN_LIT("\x82\x01\x01\x01"), /* half a pair short */
		SPAN_LIT("\xdb\xff\xff\xff\xff"
			 "abc"), /* str of 4 GB */
		SPAN_LIT("\xc6\x00\x00\x00\x04"
			 "abc"), /* bin one byte short */
		SPAN_LIT("\xc9\xff\xff\xff\xff\x01"), /* ext of 4 GB */
		SPAN_LIT("\xd8\x01\x02"), /* fixext 16 cut */
		SPAN_LIT("\xc7\x00"), /* ext without its type */
		SPAN_LIT("\xcf\x01\x02\x03"), /* number cut */
		SPAN_LIT("\xcb\x01\x02\x03"), /* float cut */
		SPAN_LIT("\xc1"), /* never used */
		SPAN_LIT("\xd9"), /* no length */
		SPAN_LIT("\x91\x91\x91\x91\x91\x01"), /* nested 5 deep */
		SPAN_LIT(""),
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pack_reader r = pack_reader_make(cases[i]);
		pack_skip(&r);
		assert_true(r.bad);
		assert_false(pack_done(&r));
	}
}

static void reader_stays_bad(void **state)
{
	(void)state;
	struct pack_reader r = pack_reader_make(SPAN_LIT("\x01\xa1x"));
	assert_int_equal(pack_read_bytes(&r).n, 0); /* an integer is there */
	assert_int_equal(pack_read_u64(&r), 0);
	assert_int_equal(pack_peek(&r), PACK_END);
	assert_false(pack_done(&r));
	r = pack_reader_make(SPAN_LIT("\xff"));
	assert_int_equal(pack_read_u64(&r), 0); /* negative */
	assert_true(r.bad);
	r = pack_reader_make(SPAN_LIT("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"));
	assert_int_equal(pack_read_i64(&r), 0); /* over INT64_MAX */
	assert_true(r.bad);
	r = pack_reader_make(SPAN_LIT("\x91\x01"));
	assert_int_equal(pack_read_map(&r), 0); /* only an empty array is a map */
	assert_true(r.bad);
	r = pack_reader_make(SPAN_LIT("\x01\x02"));
	assert_int_equal(pack_read_u64(&r), 1);
	assert_false(pack_done(&r)); /* trailing byte */
}

static void whole_values_are_skipped(void **state)
{
	(void)state;
	static const char value[] = "\x94\x91\x91\x91\x01\x82\x01\x90\xa1x\xc0\xd4\x05\x06\xcb\x40"
				    "\x09\x21\xfb\x54\x44\x2d\x18";
	struct pack_reader r = pack_reader_make(span_make(value, sizeof(value) - 1));
	assert_int_equal(pack_read_value(&r).n, sizeof(value) - 1);
	assert_true(pack_done(&r));
	for (size_t n = 0; n < sizeof(value) - 1; n++) { /* every truncation is bad */
		r = pack_reader_make(span_make(value, n));
		assert_int_equal(pack_read_value(&r).n, 0);
		assert_true(r.bad);
	}
	r = pack_reader_make(SPAN_LIT("\x91\x01"));
	pack_skip_within(&r, 0);
	assert_true(r.bad);
	r = pack_reader_make(SPAN_LIT("\x01\x02\x03"));
	pack_skip_n(&r, 3);
	assert_true(pack_done(&r));
	pack_skip_n(&r, SIZE_MAX); /* ends at once */
	assert_true(r.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_round_trip), cmocka_unit_test(other_types_round_trip),
		cmocka_unit_test(lua_values_are_read), cmocka_unit_test(lies_are_refused),
		cmocka_unit_test(reader_stays_bad),    cmocka_unit_test(whole_values_are_skipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
