/* COMPRESS=DEFLATE (RFC 4978): what went in comes out whole, octet by octet and at every split, in any portion asked for;
 * what is not deflate, and a stream that ends, is refused for good; a bomb is given out piece by piece. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <zlib.h>

#include "fetcher/imap_deflate.h"

static const char said[] = "* OK [UIDNEXT 4392] Predicted next UID\r\n"
			   "* 1 FETCH (UID 1 FLAGS (\\Seen) BODY[] {5}\r\nhello)\r\na1 OK done\r\n";

/* As a server writes it: the whole window, flushed after each piece. */
static void squeeze(struct span plain, size_t piece, int flush, struct buf *out)
{
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	while (plain.n > 0) {
		const size_t n = plain.n < piece ? plain.n : piece;
		const bool last = n == plain.n;

		z.next_in = (Bytef *)(uintptr_t)plain.p;
		z.avail_in = (uInt)n;
		plain = span_sub(plain, n, plain.n);
		do {
			uint8_t *to = buf_reserve(out, 65536);

			assert_non_null(to);
			z.next_out = to;
			z.avail_out = 65536;
			deflate(&z, last ? flush : Z_SYNC_FLUSH);
			out->n += 65536 - z.avail_out;
		} while (z.avail_out == 0);
	}
	deflateEnd(&z);
}

/* All that can be taken now, in portions of n. */
static enum err_code drain(struct imap_deflate *d, size_t n, struct buf *out)
{
	uint8_t bytes[512];
	enum err_code code;
	size_t got;

	while ((code = imap_deflate_take(d, bytes, n, &got)) == ERR_OK) {
		assert_in_range(got, 1, n);
		buf_put(out, bytes, got);
	}
	return code;
}

static void test_every_split(void **state)
{
	struct buf wire, out;

	(void)state;
	buf_init(&wire, 1 << 20);
	buf_init(&out, 1 << 20);
	squeeze(span_cstr(said), 40, Z_SYNC_FLUSH, &wire);
	for (size_t cut = 0; cut <= wire.n; cut++)
		for (size_t portion = 1; portion < 200; portion += 66) {
			struct imap_deflate *d = imap_deflate_new();

			buf_clear(&out);
			assert_true(imap_deflate_add_span(d, span_sub(buf_span(&wire), 0, cut)));
			assert_int_equal(drain(d, portion, &out), ERR_AGAIN);
			assert_true(
				imap_deflate_add_span(d, span_sub(buf_span(&wire), cut, wire.n)));
			assert_int_equal(drain(d, portion, &out), ERR_AGAIN);
			assert_true(span_eq(buf_span(&out), span_cstr(said)));
			imap_deflate_free(&d);
		}
	buf_fini(&wire);
	buf_fini(&out);
}

static void test_byte_by_byte(void **state)
{
	struct imap_deflate *d = imap_deflate_new();
	struct buf wire, out;

	(void)state;
	buf_init(&wire, 1 << 20);
	buf_init(&out, 1 << 20);
	squeeze(span_cstr(said), 7, Z_SYNC_FLUSH, &wire);
	for (size_t i = 0; i < wire.n; i++) {
		size_t room;
		uint8_t *to = imap_deflate_room(d, &room);

		assert_true(room > 0);
		*to = wire.p[i];
		imap_deflate_add(d, 1);
		assert_int_equal(drain(d, 64, &out), ERR_AGAIN);
	}
	assert_true(span_eq(buf_span(&out), span_cstr(said)));
	imap_deflate_free(&d);
	buf_fini(&wire);
	buf_fini(&out);
}

/* Both directions of ours, with more than any buffer holds. */
static void test_long_both_ways(void **state)
{
	struct imap_deflate *ours = imap_deflate_new(), *theirs = imap_deflate_new();
	struct buf plain, all, wire, out;

	(void)state;
	buf_init(&plain, 8 << 20);
	buf_init(&all, 8 << 20);
	buf_init(&wire, 8 << 20);
	buf_init(&out, 8 << 20);
	srand(11);
	for (int i = 0; i < 400; i++) {
		buf_printf(&plain, "a%d UID FETCH %d:%d (UID FLAGS)\r\n", i, rand(), rand());
		if (i % 50 == 0)
			for (int k = 0; k < 100000; k++)
				buf_put_byte(&plain, (uint8_t)rand());
		buf_put_span(&all, buf_span(&plain));
		imap_deflate_put(ours, &plain, &wire);
		assert_int_equal(plain.n, 0);
		while (wire.n > 0) {
			size_t room;
			uint8_t *to = imap_deflate_room(theirs, &room);
			const size_t n = wire.n < room ? wire.n : room;

			memcpy(to, wire.p, n);
			imap_deflate_add(theirs, n);
			buf_consume(&wire, n);
			assert_int_equal(drain(theirs, 512, &out), ERR_AGAIN);
		}
	}
	assert_int_equal(out.n, all.n);
	assert_memory_equal(out.p, all.p, all.n);
	imap_deflate_free(&ours);
	imap_deflate_free(&theirs);
	buf_fini(&plain);
	buf_fini(&all);
	buf_fini(&wire);
	buf_fini(&out);
}

/* 64 MB of zeros in 64 KB: no more comes out at a time than is asked for, and nothing is kept. */
static void test_bomb(void **state)
{
	struct imap_deflate *d = imap_deflate_new();
	struct buf zeros, wire;
	uint8_t bytes[512];
	uint64_t total = 0;
	size_t got, at = 0;

	(void)state;
	buf_init(&zeros, 1 << 20);
	buf_init(&wire, 1 << 20);
	memset(buf_reserve(&zeros, 1 << 20), 0, 1 << 20);
	zeros.n = 1 << 20;
	squeeze(buf_span(&zeros), 1 << 20, Z_SYNC_FLUSH, &wire);
	assert_true(wire.n < 2048);
	while (at < wire.n) {
		size_t room;
		uint8_t *to = imap_deflate_room(d, &room);
		const size_t n = wire.n - at < room ? wire.n - at : room;

		memcpy(to, wire.p + at, n);
		imap_deflate_add(d, n);
		at += n;
		while (imap_deflate_take(d, bytes, sizeof(bytes), &got) == ERR_OK) {
			assert_in_range(got, 1, sizeof(bytes));
			total += got;
		}
	}
	assert_int_equal(total, 1 << 20);
	imap_deflate_free(&d);
	buf_fini(&zeros);
	buf_fini(&wire);
}

static void test_refused(void **state)
{
	static const uint8_t none[] = {0xff, 0xfe, 0x2a, 0x2a, 0x2a, 0x2a};
	struct imap_deflate *d = imap_deflate_new();
	struct buf wire, out;

	(void)state;
	buf_init(&wire, 1 << 20);
	buf_init(&out, 1 << 20);
	assert_true(imap_deflate_add_span(d, span_make(none, sizeof(none))));
	assert_int_equal(drain(d, 64, &out), ERR_PEER);
	assert_int_equal(drain(d, 64, &out), ERR_PEER);
	imap_deflate_free(&d);
	d = imap_deflate_new();
	squeeze(span_cstr(said), 1000, Z_FINISH, &wire);
	buf_put_cstr(&wire, "* 1 EXISTS\r\n");
	assert_true(imap_deflate_add_span(d, buf_span(&wire)));
	assert_int_equal(drain(d, 64, &out), ERR_PEER);
	assert_true(span_eq(buf_span(&out), span_cstr(said)));
	imap_deflate_free(&d);
	d = imap_deflate_new();
	assert_non_null(buf_reserve(&wire, IMAP_DEFLATE_BYTES + 1));
	assert_false(imap_deflate_add_span(d, span_make(wire.p, IMAP_DEFLATE_BYTES + 1)));
	imap_deflate_free(&d);
	buf_fini(&wire);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_split),    cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_long_both_ways), cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
