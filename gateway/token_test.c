/* Tokens are taken apart from the right, since company ids may hold dots; records survive their coding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/token.h"

static void forms(void **state)
{
	static const char *const BAD[] = {"",
					  "mw1.",
					  "mw1.acme",
					  "mw1.acme.id",
					  "mw1.acme.id.short",
					  "mw2.acme.id.0123456789abcdef",
					  "mw1..id.0123456789abcdef",
					  "mw1.acme..0123456789abcdef",
					  "mw1.ac/me.id.0123456789abcdef",
					  "acme.id.0123456789abcdef"};
	struct token_text text;

	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		assert_false(token_parse(span_cstr(BAD[i]), &text));
	assert_true(token_parse(span_cstr("mw1.a.b.c.id.0123456789abcdef"), &text));
	assert_true(span_eq(text.company, SPAN_LIT("a.b.c")) && span_eq(text.id, SPAN_LIT("id")));
	assert_false(token_is_root(&text));
	assert_true(token_parse(span_cstr("mw1.-.id.0123456789abcdef"), &text));
	assert_true(token_is_root(&text));
}

static void made_ones_parse(void **state)
{
	struct arena *arena = arena_new(0);
	struct token_text made, parsed;
	struct buf text;

	(void)state;
	buf_init(&text, TOKEN_TEXT_MAX);
	token_make(arena, SPAN_LIT("my.company"), &made, &text);
	assert_true(token_parse(buf_span(&text), &parsed));
	assert_true(span_eq(made.id, parsed.id) && span_eq(made.secret, parsed.secret));
	assert_true(span_eq(parsed.company, SPAN_LIT("my.company")));
	buf_fini(&text);
	arena_free(&arena);
}

static void records(void **state)
{
	struct token_record record = {.hash = {7},
				      .kind = VIEWER_USER,
				      .user = SPAN_LIT("anna"),
				      .scopes = SCOPE_MAIL | SCOPE_SEND,
				      .created_ms = 1767225600000};
	struct token_record back;
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	token_record_encode(&record, &b);
	assert_true(token_record_decode(buf_span(&b), &back));
	assert_true(back.kind == VIEWER_USER && back.scopes == (SCOPE_MAIL | SCOPE_SEND));
	assert_true(span_eq(back.user, SPAN_LIT("anna")) && back.hash[0] == 7);
	for (size_t n = 0; n < b.n; n++)
		assert_false(token_record_decode(span_sub(buf_span(&b), 0, n), &back));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(forms),
					   cmocka_unit_test(made_ones_parse),
					   cmocka_unit_test(records)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
