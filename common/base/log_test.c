/* Proves: OPS-04 one whole line an event, whatever the values hold; errors keep code, name and text. */
#include "common/base/err.h"
#include "common/base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

/* Standard error goes to a pipe while the statements of the test run. */
struct capture {
	int saved, read_fd;
	char text[16384];
};

static void capture_begin(struct capture *c)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	c->saved = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	c->read_fd = fds[0];
}

static const char *capture_end(struct capture *c)
{
	size_t n = 0;
	ssize_t got;

	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	while ((got = read(c->read_fd, c->text + n, sizeof(c->text) - 1 - n)) > 0)
		n += (size_t)got;
	c->text[n] = 0;
	close(c->read_fd);
	return c->text;
}

/* The line without its time. */
static const char *after_time(const char *line)
{
	assert_int_equal(line[10], 'T');
	assert_memory_equal(line + 23, "Z ", 2);
	return line + 25;
}

static void all_types(void **state)
{
	struct id id = {{0}};
	struct span p = SPAN_LIT("x\0y");
	struct err e;
	struct capture c;

	(void)state;
	err_set(&e, ERR_AUTH, ERR_ACCOUNT, "login_refused", "no \"entry\"");
	log_open("fetcher 1", LOG_LEVEL_INFO);
	capture_begin(&c);
	log_event(LOG_LEVEL_WARN, "tried", "s", "s", "plain/value", "none", "s", NULL, "p", "p", &p,
		  "u", "u", UINT64_MAX, "d", "d", INT64_MIN, "i", "i", &id, "e", "e", &e, NULL);
	assert_string_equal(
		after_time(capture_end(&c)),
		"warn fetcher_1 tried s=plain/value none=\"\" p=\"x\\x00y\" u=18446744073709551615 "
		"d=-9223372036854775808 i=0000000000000000 e=auth reason=login_refused "
		"text=\"no \\\"entry\\\"\"\n");
}

static void values_cannot_forge_lines(void **state)
{
	struct capture c;

	(void)state;
	log_open("x", LOG_LEVEL_INFO);
	capture_begin(&c);
	log_event(LOG_LEVEL_INFO, "e", "a", "s", "1\n2026 error x forged", "b", "s",
		  "v k=\\ \x1b[1m", NULL);
	assert_string_equal(after_time(capture_end(&c)),
			    "info x e a=\"1\\n2026 error x forged\" b=\"v k=\\\\ \\x1b[1m\"\n");
}

static void levels_and_lengths(void **state)
{
	char big[6000];
	struct capture c;
	const char *text;

	(void)state;
	memset(big, 'b', sizeof(big));
	big[sizeof(big) - 1] = 0;
	log_open("x", LOG_LEVEL_WARN);
	assert_false(log_enabled(LOG_LEVEL_INFO));
	capture_begin(&c);
	log_event(LOG_LEVEL_INFO, "hidden", NULL);
	log_event(LOG_LEVEL_ERROR, "shown", "a", "s", big, "b", "s", big, "c", "s", big, "d", "s",
		  big, "e", "s", big, NULL);
	text = capture_end(&c);
	assert_null(strstr(text, "hidden"));
	assert_true(strlen(text) <= 4096);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void errors(void **state)
{
	char big[1000];
	struct err e;

	(void)state;
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = 0;
	assert_int_equal(err_set(NULL, ERR_TEMP, ERR_ITEM, "x", "y"), ERR_TEMP);
	assert_int_equal(err_set(&e, ERR_GONE, ERR_MAILBOX, NULL, "%s", big), ERR_GONE);
	assert_string_equal(e.name, "");
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_int_equal(e.scope, ERR_MAILBOX);
	err_clear(&e);
	assert_int_equal(e.code, ERR_OK);
	assert_string_equal(err_code_name(ERR_OK), "ok");
	assert_string_equal(err_code_name(ERR_GONE), "gone");
	assert_string_equal(err_code_name((enum err_code)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_types),
		cmocka_unit_test(values_cannot_forge_lines),
		cmocka_unit_test(levels_and_lengths),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
