/* What goes out: literals as the server takes them (RFC 7888), names of mailboxes as they are written on a connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fetcher/imap_conn_impl.h"

/* Nothing is sent here. */
void imap_conn_schedule(struct imap_conn *conn)
{
	(void)conn;
}

void imap_conn_die(struct imap_conn *conn, const struct err *e)
{
	(void)conn;
	(void)e;
	abort();
}

enum err_code mailconn_send(struct mailconn *conn, struct span data, size_t *n_out, struct err *e)
{
	(void)conn;
	(void)data;
	(void)n_out;
	(void)e;
	abort();
}

static struct imap_conn *conn_new(unsigned caps)
{
	struct imap_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		abort();
	conn->caps = caps;
	buf_init(&conn->out, 1 << 20);
	buf_init(&conn->held, 1 << 20);
	return conn;
}

static void conn_free(struct imap_conn *conn)
{
	buf_fini(&conn->out);
	buf_fini(&conn->held);
	free(conn);
}

/* SND-06: a literal is announced and sent at once where that is allowed, else the server is asked first. */
static void test_literals(void **state)
{
	static const struct {
		unsigned caps;
		size_t bytes;
		const char *begins;
		bool at_once;
	} cases[] = {
		{0, 5, "a1 APPEND x {5}\r\n", false},
		{IMAP_CAP_LITERAL_PLUS, 5, "a1 APPEND x {5+}\r\n", true},
		{IMAP_CAP_LITERAL_PLUS, 70000, "a1 APPEND x {70000+}\r\n", true},
		{IMAP_CAP_LITERAL_MINUS, 4096, "a1 APPEND x {4096+}\r\n", true},
		{IMAP_CAP_LITERAL_MINUS, 4097, "a1 APPEND x {4097}\r\n", false},
	};
	static uint8_t message[70000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct imap_conn *conn = conn_new(cases[i].caps);
		const size_t n = strlen(cases[i].begins);

		imap_conn_append(conn, NULL, NULL, 0, SPAN_LIT("APPEND x"),
				 span_make(message, cases[i].bytes));
		assert_true(conn->out.n >= n && memcmp(conn->out.p, cases[i].begins, n) == 0);
		assert_int_equal(conn->out.n, cases[i].at_once ? n + cases[i].bytes + 2 : n);
		assert_int_equal(conn->held.n, cases[i].at_once ? 0 : cases[i].bytes + 2);
		conn_free(conn);
	}
}

/* F28: the server's own bytes where names are in modified UTF-7, the same name in UTF-8 where they are in that. */
static void test_names(void **state)
{
	struct imap_conn *conn = conn_new(0);
	struct buf out;

	(void)state;
	buf_init(&out, 256);
	assert_true(imap_mailbox_put(conn, &out, SPAN_LIT("Gr&APwA3w-e \"x\"\\")));
	assert_string_equal(buf_cstr(&out), "\"Gr&APwA3w-e \\\"x\\\"\\\\\"");
	conn->utf8 = true;
	buf_clear(&out);
	assert_true(imap_mailbox_put(conn, &out, SPAN_LIT("Gr&APwA3w-e &- \xff")));
	assert_string_equal(buf_cstr(&out), "\"Gr&APwA3w-e &- \xff\"");
	buf_clear(&out);
	assert_true(imap_mailbox_put(conn, &out, SPAN_LIT("Gr&APwA3w-e/R&-D")));
	assert_string_equal(buf_cstr(&out), "\"Gr\xc3\xbc\xc3\x9f"
					    "e/R&D\"");
	assert_false(imap_mailbox_put(conn, &out, SPAN_LIT("a\r\nb")));
	buf_fini(&out);
	conn_free(conn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
