/* TRK-03: a tracking token says what was signed, for one purpose, and no changed one is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/secret/track_token.h"

static const struct secret_key mail_key = {"0123456789abcdef0123456789abcde"};

static struct track_token token(void)
{
	return (struct track_token){.kind = TRACK_CLICK,
				    .company = SPAN_LIT("c1"),
				    .account = SPAN_LIT("anna"),
				    .submission = SPAN_LIT("abcdefghjkmnpqrs"),
				    .recipient = SPAN_LIT("kim@one.example"),
				    .url = SPAN_LIT("https://one.example/?a=1&b=2")};
}

static void make(struct buf *text)
{
	struct track_token t = token();
	struct secret_key key;

	track_key_make(&mail_key, &key);
	buf_init(text, TRACK_TOKEN_MAX);
	track_token_make(&key, &t, text);
}

static bool reads(struct span text, enum track_kind kind, struct track_token *out)
{
	struct arena *arena = arena_new(0);
	struct secret_key key;
	bool ok;

	track_key_make(&mail_key, &key);
	ok = track_token_read(&key, kind, text, arena, out);
	if (ok)
		ok = span_eq(out->url, token().url) && span_eq(out->recipient, token().recipient) &&
		     span_eq(out->submission, token().submission);
	arena_free(&arena);
	return ok;
}

static void test_read(void **state)
{
	struct track_token t;
	struct buf text;

	(void)state;
	make(&text);
	for (size_t i = 0; i < text.n; i++)
		assert_null(strchr("+/=<>\"'&", text.p[i]));
	assert_true(reads(buf_span(&text), TRACK_CLICK, &t));
	assert_false(reads(buf_span(&text), TRACK_OPEN, &t));
	buf_fini(&text);
}

/* Every single changed character, and every shorter text. */
static void test_changed(void **state)
{
	struct track_token t;
	struct buf text;

	(void)state;
	make(&text);
	for (size_t i = 0; i < text.n; i++) {
		uint8_t before = text.p[i];

		text.p[i] = before == 'A' ? 'B' : 'A';
		assert_false(reads(buf_span(&text), TRACK_CLICK, &t));
		text.p[i] = before;
		assert_false(reads(span_make(text.p, i), TRACK_CLICK, &t));
	}
	buf_fini(&text);
}

static void test_too_long(void **state)
{
	static char url[TRACK_TOKEN_MAX];
	struct track_token t = token();
	struct buf text;

	(void)state;
	memset(url, 'x', sizeof(url));
	buf_init(&text, TRACK_TOKEN_MAX);
	t.url = span_make(url, TRACK_URL_MAX);
	track_token_make(&mail_key, &t, &text);
	assert_true(text.n > TRACK_URL_MAX && text.n <= TRACK_TOKEN_MAX);
	buf_clear(&text);
	t.url = span_make(url, sizeof(url));
	track_token_make(&mail_key, &t, &text);
	assert_int_equal(text.n, 0);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
