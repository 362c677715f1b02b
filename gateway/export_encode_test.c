/* Proves INB-04's encodings: mboxrd quoting and line ends, and base64, are the same in one piece and in many; what was quoted can
 * be taken back to the message, byte by byte. */
#include "gateway/export_encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/code.h"

static void expect_mbox(const char *raw, const char *expected)
{
	struct buf out;
	size_t at = 0;

	buf_init(&out, 1 << 20);
	do {
		at = export_mbox_piece(span_cstr(raw), at, &out);
	} while (at < strlen(raw));
	buf_put_byte(&out, 0);
	assert_string_equal((const char *)out.p, expected);
	buf_fini(&out);
}

static void lines_are_quoted_and_ended(void **state)
{
	(void)state;
	expect_mbox("", "\n");
	expect_mbox("a: b\r\n\r\nbody\r\n", "a: b\n\nbody\n\n");
	expect_mbox("no end", "no end\n\n");
	expect_mbox("From x\r\n>From y\r\n>>From z\r\nFromage\r\n > From\r\n",
		    ">From x\n>>From y\n>>>From z\nFromage\n > From\n\n");
	expect_mbox("a\rb\r\r\nFrom", "a\rb\r\nFrom\n\n");
	expect_mbox(">>>From ", ">>>>From \n\n");
}

static void separators_have_no_room_for_tricks(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	export_mbox_begin(SPAN_LIT("a b@c\r\nFrom d"), 1790000000000, &out);
	export_mbox_begin(SPAN_LIT(""), 0, &out);
	export_mbox_begin(SPAN_LIT("x@y"), INT64_MIN, &out);
	buf_put_byte(&out, 0);
	assert_memory_equal(out.p,
			    "From ab@cFromd Mon Sep 21 14:13:20 2026\n"
			    "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\nFrom x@y ",
			    strlen("From ab@cFromd Mon Sep 21 14:13:20 2026\n"
				   "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\nFrom x@y "));
	buf_fini(&out);
}

/* A message of several pieces with every kind of line, one of them longer than a piece and cut between CR and LF. */
static void make_long(struct buf *raw)
{
	while (raw->n < EXPORT_PIECE - 100)
		buf_put_cstr(raw, "From the first\r\n>From it\r\nplain\r\n");
	for (size_t i = 0, n = 2 * EXPORT_PIECE; i < n; i++)
		buf_put_byte(raw, 'x');
	while (raw->n % EXPORT_PIECE != EXPORT_PIECE - 1)
		buf_put_byte(raw, 'y');
	buf_put_cstr(raw, "\r\nFrom the end\r\n");
}

/* What mboxrd's reader does; CR comes back before each LF. */
static void take_back(struct span mbox, struct buf *out)
{
	while (mbox.n) {
		size_t end = span_find_byte(mbox, '\n');
		struct span line = span_sub(mbox, 0, end);
		size_t quotes = 0;

		while (quotes < line.n && line.p[quotes] == '>')
			quotes++;
		if (quotes && span_eq(span_sub(line, quotes, 5), SPAN_LIT("From ")))
			line = span_sub(line, 1, line.n);
		buf_put_span(out, line);
		buf_put_cstr(out, "\r\n");
		mbox = span_sub(mbox, end + 1, mbox.n);
	}
}

static void pieces_make_the_whole(void **state)
{
	struct buf raw, mbox, text, back;
	size_t at = 0, pieces = 0;

	(void)state;
	buf_init(&raw, 8 << 20);
	buf_init(&mbox, 8 << 20);
	buf_init(&text, 8 << 20);
	buf_init(&back, 8 << 20);
	make_long(&raw);
	for (; at < raw.n; pieces++)
		at = export_mbox_piece(buf_span(&raw), at, &mbox);
	assert_true(pieces >= 3);
	take_back(span_sub(buf_span(&mbox), 0, mbox.n - 1), &back);
	assert_true(span_eq(buf_span(&back), buf_span(&raw)));
	for (at = 0; at < raw.n;)
		at = export_base64_piece(buf_span(&raw), at, &text);
	buf_clear(&back);
	assert_true(base64_decode(buf_span(&text), &back));
	assert_true(span_eq(buf_span(&back), buf_span(&raw)));
	buf_fini(&raw);
	buf_fini(&mbox);
	buf_fini(&text);
	buf_fini(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_quoted_and_ended),
		cmocka_unit_test(separators_have_no_room_for_tricks),
		cmocka_unit_test(pieces_make_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
