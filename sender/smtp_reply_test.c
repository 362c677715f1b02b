/* SND-08: what a server says is read to the letter: whole, byte by byte and at every split, hostile replies refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sender/smtp_reply.h"

struct sample {
	const char *bytes;
	enum err_code code;
	unsigned reply;
	const char *text;
	unsigned status;
	size_t used;
};

static const struct sample samples[] = {
	{"250 ok\r\n", ERR_OK, 250, "ok", 0, 8},
	{"250\r\n", ERR_OK, 250, "", 0, 5},
	{"250 ok\n", ERR_OK, 250, "ok", 0, 7},
	{"250-a\r\n250-SIZE 10\r\n250 b\r\nrest", ERR_OK, 250, "a SIZE 10 b", 0, 27},
	{"550 5.1.1 no such user\r\n", ERR_OK, 550, "5.1.1 no such user", 511, 24},
	{"450-4.7.1 wait\r\n450 4.7.1 a bit\r\n", ERR_OK, 450, "4.7.1 wait 4.7.1 a bit", 471, 33},
	{"550 4.1.1 class is not the code's\r\n", ERR_OK, 550, "4.1.1 class is not the code's", 0,
	 35},
	{"250 \x01\x7f\r\n", ERR_OK, 250, "??", 0, 8},
	{"250-a\r\n550 b\r\n", ERR_PEER, 0, NULL, 0, 0},
	{"hello\r\n", ERR_PEER, 0, NULL, 0, 0},
	{"+OK POP3\r\n", ERR_PEER, 0, NULL, 0, 0},
	{"199 x\r\n", ERR_PEER, 0, NULL, 0, 0},
	{"600 x\r\n", ERR_PEER, 0, NULL, 0, 0},
	{"2500 x\r\n", ERR_PEER, 0, NULL, 0, 0},
	{"\r\n", ERR_PEER, 0, NULL, 0, 0},
	{"250 ok", ERR_AGAIN, 0, NULL, 0, 0},
	{"250-a\r\n", ERR_AGAIN, 0, NULL, 0, 0},
	{"", ERR_AGAIN, 0, NULL, 0, 0},
};

static void every_sample_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		const struct sample *s = &samples[i];
		struct smtp_reply reply;
		size_t used = 0;

		assert_int_equal(smtp_reply_next(span_cstr(s->bytes), &reply, &used), s->code);
		if (s->code != ERR_OK)
			continue;
		assert_int_equal(reply.code, s->reply);
		assert_string_equal(reply.text, s->text);
		assert_int_equal(reply.status[0] * 100 + reply.status[1] * 10 + reply.status[2],
				 s->status);
		assert_int_equal(used, s->used);
	}
}

static void every_shorter_piece_asks_for_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		const struct sample *s = &samples[i];
		struct smtp_reply reply;
		size_t used;

		if (s->code != ERR_OK)
			continue;
		for (size_t n = 0; n < s->used; n++)
			assert_int_equal(smtp_reply_next(span_make(s->bytes, n), &reply, &used),
					 ERR_AGAIN);
	}
}

static void endless_replies_are_refused(void **state)
{
	size_t n = SMTP_REPLY_MAX + 2;
	char *line = malloc(n), *lines = malloc((SMTP_REPLY_LINES + 1) * 6);
	struct smtp_reply reply;
	size_t used;

	(void)state;
	assert_non_null(line);
	assert_non_null(lines);
	memset(line, 'x', n);
	memcpy(line, "250 ", 4);
	for (size_t i = 0; i <= SMTP_REPLY_LINES; i++)
		memcpy(lines + i * 6, "250-\r\n", 6);
	assert_int_equal(smtp_reply_next(span_make(line, n), &reply, &used), ERR_PEER);
	assert_int_equal(
		smtp_reply_next(span_make(lines, (SMTP_REPLY_LINES + 1) * 6), &reply, &used),
		ERR_PEER);
	assert_int_equal(smtp_reply_next(span_make("250 a\0b\r\n", 9), &reply, &used), ERR_PEER);
	free(line);
	free(lines);
}

static void lines_of_a_reply(void **state)
{
	struct span whole = SPAN_LIT("250-mx.example\r\n250-SIZE 99\r\n250 DSN\r\n");

	(void)state;
	assert_true(span_eq(smtp_reply_line(whole, 0), SPAN_LIT("mx.example")));
	assert_true(span_eq(smtp_reply_line(whole, 1), SPAN_LIT("SIZE 99")));
	assert_true(span_eq(smtp_reply_line(whole, 2), SPAN_LIT("DSN")));
	assert_int_equal(smtp_reply_line(whole, 3).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_whole),
		cmocka_unit_test(every_shorter_piece_asks_for_more),
		cmocka_unit_test(endless_replies_are_refused),
		cmocka_unit_test(lines_of_a_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
