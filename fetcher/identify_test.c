/* What is known is left out of a set of UIDs, whatever its form; a message's check is that of its Message-ID. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fetcher/identify.h"

/* Answers by letter: . unknown, s the same, r rewritten, - unwanted. */
static struct identify_list list_of(struct identify_met *items, const uint32_t *uids,
				    const char *answers)
{
	struct identify_list list = {.items = items, .count = strlen(answers)};

	for (size_t i = 0; i < list.count; i++)
		items[i] = (struct identify_met){
			.uid = uids[i],
			.answer = answers[i] == 's'   ? IDENTIFY_SAME
				  : answers[i] == 'r' ? IDENTIFY_REWRITTEN
				  : answers[i] == '-' ? IDENTIFY_UNWANTED
						      : IDENTIFY_UNKNOWN,
		};
	return list;
}

static const struct {
	const char *set;
	uint32_t uids[6];
	const char *answers, *rest;
} cases[] = {
	{"1:5", {1, 2, 3, 4, 5}, ".....", "1:5"},
	{"1:5", {1, 2, 3, 4, 5}, "sssss", ""},
	{"1:5", {1, 2, 3, 4, 5}, "s.r-.", "2:3,5"},
	{"1:5", {3}, "s", "1:2,4:5"}, /* what was not met may be there all the same */
	{"7,9:10", {7, 9, 10}, "s..", "9:10"},
	{"7,9:10", {7, 9, 10}, "..s", "7,9"},
	{"4:*", {4, 5}, "..", "4:*"},
	{"4:*", {4, 5}, "s.", "5:*"},
	{"4:*", {4, 5}, ".s", "4"}, /* an open end would bring 5 again */
	{"4:*", {4, 5}, "ss", ""},
	{"9:*", {5}, ".", ""}, /* the last message, that is no new one */
	{"2,4:*", {2, 4}, "s.", "4:*"},
	{"4294967290:4294967295", {4294967295u}, "s", "4294967290:4294967294"},
	{"4294967290:*", {4294967295u}, "r", "4294967290:*"},
};

static void test_rest(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct identify_met items[6];
		const struct identify_list list = list_of(items, cases[i].uids, cases[i].answers);
		struct buf out;

		buf_init(&out, 256);
		identify_rest(&list, span_cstr(cases[i].set), &out);
		assert_string_equal(buf_cstr(&out), cases[i].rest);
		buf_fini(&out);
	}
}

/* Of more than fit, the rest is fetched. */
static void test_more(void **state)
{
	static const uint32_t uids[] = {4, 5};
	struct identify_met items[2];
	struct identify_list list = list_of(items, uids, "ss");
	struct buf out;

	(void)state;
	list.more = true;
	buf_init(&out, 256);
	identify_rest(&list, SPAN_LIT("4:*"), &out);
	assert_string_equal(buf_cstr(&out), "6:*");
	buf_fini(&out);
}

static uint32_t check_of(const char *raw)
{
	return message_check(span_cstr(raw));
}

static void test_check(void **state)
{
	const uint32_t plain = check_of("From: a\r\nMessage-ID: <a@b>\r\n\r\nx");

	(void)state;
	assert_int_not_equal(plain, 0);
	assert_int_equal(check_of("message-id:\r\n <a@b>\r\nX-Scanned: yes\r\n\r\ny"), plain);
	assert_int_equal(check_of("Message-Id: <a@b>"), plain);
	assert_int_not_equal(check_of("Message-ID: <a@c>\r\n\r\nx"), plain);
	assert_int_equal(check_of("From: a\r\n\r\nMessage-ID: <a@b>\r\n"), 0);
	assert_int_equal(check_of("X-Message-ID: <a@b>\r\n\r\n"), 0);
	assert_int_equal(check_of("Message-ID: \r\n\r\n"), 0);
	assert_int_equal(check_of(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_more),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
