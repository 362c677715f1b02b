/* SND-01, SND-08: when it is tried again, whom an answer names, what became of each recipient, what a request says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sender/recipients.h"
#include "sender/reference.h"
#include "sender/request.h"
#include "sender/retry.h"

static void delays_grow_and_end(void **state)
{
	static const int64_t minutes[] = {1, 2, 4, 8, 16, 32, 60, 120, 240, 240, 240};
	int64_t next, end = 1000 + RETRY_FOR_MS;

	(void)state;
	for (int64_t i = 0; i < (int64_t)(sizeof(minutes) / sizeof(*minutes)); i++) {
		assert_true(retry_next(i + 1, 1000, 5000, 0, 1, &next));
		assert_int_equal(next, 5000 + minutes[i] * 60000);
		assert_true(retry_next(i + 1, 1000, 5000, 999, 1, &next));
		assert_in_range(next - 5000, minutes[i] * 60000, minutes[i] * 66000);
	}
	assert_true(retry_next(40, 1000, end - 1, 0, 1, &next));
	assert_int_equal(next, end);
	assert_false(retry_next(40, 1000, end, 0, 1, &next));
	assert_true(retry_next(1, 1000, 1000, 0, 60, &next));
	assert_int_equal(next, 2000);
}

static void reference_is(const char *raw, const char *message_id, size_t count, const char *first)
{
	struct arena *arena = arena_new(0);
	struct reference r;

	reference_read(span_cstr(raw), SPAN_LIT(""), arena, &r);
	assert_true(span_eq(r.message_id, span_cstr(message_id)));
	assert_int_equal(r.count, count);
	if (count) {
		assert_true(span_eq(r.ids[0], span_cstr(first)));
	}
	arena_free(&arena);
}

static void references_of_all_kinds(void **state)
{
	(void)state;
	reference_is("message-id:<a@b>\nSubject: x\n\nReferences: <z@z>\n", "a@b", 1, "a@b");
	reference_is("References: <1@x>\r\n\t<2@x> (c) <no at> <3@x>\r\nMessage-ID : <a@b>\r\n\r\n",
		     "a@b", 4, "1@x");
	reference_is("In-Reply-To: Your mail of <yesterday> <1@x>\r\nMessage-ID: <a@b>\r\n\r\n",
		     "a@b", 2, "1@x");
	reference_is("Message-ID: none\r\n\r\n", "", 0, NULL);
	reference_is("Message-ID: <a\r\n @b>\r\nX", "", 0, NULL);
	reference_is("", "", 0, NULL);
	reference_is("\r\nMessage-ID: <a@b>\r\n", "", 0, NULL);
}

static void long_reference_lists_keep_the_first_and_the_last(void **state)
{
	struct arena *arena = arena_new(0);
	struct reference r;
	struct buf raw;

	(void)state;
	buf_init(&raw, 1 << 16);
	buf_put_cstr(&raw, "References:");
	for (int i = 0; i < 500; i++)
		buf_printf(&raw, "\r\n <%d@x>", i);
	buf_put_cstr(&raw, "\r\nMessage-ID: <own@x>\r\n\r\n");
	reference_read(buf_span(&raw), SPAN_LIT(""), arena, &r);
	assert_int_equal(r.count, REFERENCE_IDS_MAX);
	assert_true(span_eq(r.ids[0], SPAN_LIT("0@x")));
	assert_true(span_eq(r.ids[r.count - 1], SPAN_LIT("own@x")));
	assert_true(span_eq(r.ids[r.count - 2], SPAN_LIT("499@x")));
	assert_true(span_eq(r.ids[1], SPAN_LIT("462@x")));
	buf_fini(&raw);
	arena_free(&arena);
}

static void recipients_over_two_attempts(void **state)
{
	struct compose_address to[] = {{.email = SPAN_LIT("a@x")},
				       {.email = SPAN_LIT("b@x")},
				       {.email = SPAN_LIT("A@x")},
				       {.email = SPAN_LIT("c@x")}};
	struct compose_message m = {.to = {to, 2}, .bcc = {to + 2, 2}};
	struct arena *arena = arena_new(0);
	struct recipients r;
	struct buf json;

	(void)state;
	buf_init(&json, 4096);
	recipients_collect(&m, SPAN_LIT(""), arena, &r);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.pending_count, 3);
	r.pending[0].code = 250;
	r.pending[1].code = 450;
	r.pending[2].code = 550;
	recipients_apply(&r, SMTP_TAKEN, arena);
	recipients_json(&r, "250 ok", "queued", &json);
	recipients_collect(&m,
			   SPAN_LIT("[{\"email\":\"a@x\",\"status\":\"sent\"},"
				    "{\"email\":\"b@x\",\"status\":\"delayed\"},"
				    "{\"email\":\"c@x\",\"status\":\"failed\"}]"),
			   arena, &r);
	assert_non_null(strstr(buf_cstr(&json), "{\"email\":\"b@x\",\"status\":\"delayed\""));
	assert_non_null(strstr(buf_cstr(&json), "\"filing\":\"queued\""));
	assert_int_equal(r.pending_count, 1);
	assert_true(span_eq(r.pending[0].email, SPAN_LIT("b@x")));
	recipients_apply(&r, SMTP_AMBIGUOUS, arena);
	assert_int_equal(r.items[0].status, RECIPIENT_SENT);
	assert_int_equal(r.items[1].status, RECIPIENT_UNKNOWN);
	assert_int_equal(r.items[2].status, RECIPIENT_FAILED);
	buf_fini(&json);
	arena_free(&arena);
}

static void what_was_accepted_counts_only_if_taken(void **state)
{
	struct compose_address to = {.email = SPAN_LIT("a@x")};
	struct compose_message m = {.to = {&to, 1}};
	static const struct {
		unsigned code;
		enum smtp_outcome outcome;
		enum recipient_status status;
	} rows[] = {{250, SMTP_TAKEN, RECIPIENT_SENT},	    {250, SMTP_LATER, RECIPIENT_PENDING},
		    {0, SMTP_LATER, RECIPIENT_PENDING},	    {0, SMTP_NEVER, RECIPIENT_FAILED},
		    {0, SMTP_AMBIGUOUS, RECIPIENT_UNKNOWN}, {550, SMTP_LATER, RECIPIENT_FAILED},
		    {450, SMTP_NEVER, RECIPIENT_PENDING}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *arena = arena_new(0);
		struct recipients r;

		recipients_collect(&m, SPAN_LIT("damaged"), arena, &r);
		r.pending[0].code = rows[i].code;
		recipients_apply(&r, rows[i].outcome, arena);
		assert_int_equal(r.items[0].status, rows[i].status);
		recipients_give_up(&r);
		assert_false(recipients_any(&r, RECIPIENT_PENDING));
		arena_free(&arena);
	}
}

static enum err_code read_it(const char *json, struct arena *arena, struct request *r)
{
	return request_read(span_cstr(json), SPAN_LIT(""), arena, r, NULL);
}

static void requests(void **state)
{
	struct arena *arena = arena_new(0);
	struct request r;

	(void)state;
	assert_int_equal(read_it("{\"to\":[{\"name\":\"B\",\"email\":\" b@x "
				 "\"},7],\"subject\":\"s\\u0000t\","
				 "\"references\":[\"<1@x>\",2,\"3@x\"],\"inReplyTo\":\"<1@x>\","
				 "\"attachments\":"
				 "[{\"name\":\"n\",\"content\":\"aGk=\",\"contentId\":\"<c>\"}],"
				 "\"reference\":{\"messageId\":\"a~b\",\"action\":\"forward\"}}",
				 arena, &r),
			 ERR_OK);
	assert_true(span_eq(r.message.to.items[0].email, SPAN_LIT("b@x")));
	assert_int_equal(r.message.to.items[1].email.n, 0);
	assert_int_equal(r.message.subject.n, 3);
	assert_int_equal(r.message.reference_count, 2);
	assert_true(span_eq(r.message.in_reply_to, SPAN_LIT("1@x")));
	assert_true(span_eq(r.message.attachments[0].content, SPAN_LIT("hi")));
	assert_true(span_eq(r.message.attachments[0].content_id, SPAN_LIT("c")));
	assert_true(r.forward && span_eq(r.reference, SPAN_LIT("a~b")));
	request_free(&r);
	assert_int_equal(read_it("[]", arena, &r), ERR_PERM);
	request_free(&r);
	assert_int_equal(read_it("{", arena, &r), ERR_PERM);
	request_free(&r);
	assert_int_equal(read_it("{\"attachments\":[{\"content\":\"!\"}]}", arena, &r), ERR_PERM);
	request_free(&r);
	assert_int_equal(read_it("{\"attachments\":[{\"blobId\":\"x\"}]}", arena, &r), ERR_PERM);
	request_free(&r);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delays_grow_and_end),
		cmocka_unit_test(references_of_all_kinds),
		cmocka_unit_test(long_reference_lists_keep_the_first_and_the_last),
		cmocka_unit_test(recipients_over_two_attempts),
		cmocka_unit_test(what_was_accepted_counts_only_if_taken),
		cmocka_unit_test(requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
