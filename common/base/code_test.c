/* Proves: each coding gives back what it took, refuses every other text, and ids have one form only. */
#include "common/base/code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef void (*encoder)(struct span, struct buf *);
typedef bool (*decoder)(struct span, struct buf *);

static void turn_around(encoder encode, decoder decode)
{
	uint8_t bytes[64];
	struct buf text, back;

	random_bytes(bytes, sizeof(bytes));
	buf_init(&text, 1024);
	buf_init(&back, 1024);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		buf_clear(&text);
		buf_clear(&back);
		encode(span_make(bytes, n), &text);
		assert_true(decode(buf_span(&text), &back));
		assert_true(span_eq(buf_span(&back), span_make(bytes, n)));
	}
	buf_fini(&text);
	buf_fini(&back);
}

static void codings_turn_around(void **state)
{
	(void)state;
	turn_around(base32_encode, base32_decode);
	turn_around(base64_encode, base64_decode);
	turn_around(base64url_encode, base64_decode);
}

static void encodes_as(encoder encode, const char *bytes, const char *text)
{
	struct buf out;

	buf_init(&out, 1024);
	encode(span_cstr(bytes), &out);
	assert_string_equal(buf_cstr(&out), text);
	buf_fini(&out);
}

static void known_texts(void **state)
{
	(void)state;
	encodes_as(base64_encode, "f", "Zg==");
	encodes_as(base64_encode, "fo", "Zm8=");
	encodes_as(base64_encode, "foobar", "Zm9vYmFy"); /* RFC 4648, section 10 */
	encodes_as(base64url_encode, "\xfb\xff\xfe", "-__-");
	encodes_as(base64url_encode, "f", "Zg");
	encodes_as(hex_encode, "\x01\xff\x80", "01ff80");
	encodes_as(base32_encode, "foobar",
		   "csqpyrk1e8"); /* RFC 4648's digits in Crockford's alphabet */
}

static void refuses(decoder decode, const char *text)
{
	struct buf out;

	buf_init(&out, 64);
	buf_put_cstr(&out, "kept");
	assert_false(decode(span_cstr(text), &out));
	assert_string_equal(buf_cstr(&out), "kept");
	buf_fini(&out);
}

static void foreign_texts(void **state)
{
	static const char *const bad64[] = {
		"Z", "Zg=", "Zg===", "Z===", "Zh==", "Zm9=", "Zm 9", "Zg==Zg==", "Zm9v\n", "="};
	static const char *const bad32[] = {"c", "cs!", "CS", "il", "csq", "c1", "cr=", "u0"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad64) / sizeof(bad64[0]); i++)
		refuses(base64_decode, bad64[i]);
	for (size_t i = 0; i < sizeof(bad32) / sizeof(bad32[0]); i++)
		refuses(base32_decode, bad32[i]);
	refuses(base64_decode, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			       "AAAAAAAAAAAAAAAAAAAAAAA==");
}

static void ids(void **state)
{
	struct id id, back;
	char text[ID_CHARS + 1];
	struct span account = SPAN_LIT("");
	struct buf coded;

	(void)state;
	buf_init(&coded, 64);
	for (int i = 0; i < 100; i++) {
		random_bytes(id.b, sizeof(id.b));
		id_format(&id, text);
		buf_clear(&coded);
		base32_encode(span_make(id.b, ID_BYTES), &coded);
		assert_string_equal(text, buf_cstr(&coded));
		assert_true(id_parse(span_cstr(text), &back));
		assert_true(id_eq(&id, &back));
	}
	buf_fini(&coded);
	assert_false(id_parse(SPAN_LIT("0123456789abcde"), &back));
	assert_false(id_parse(SPAN_LIT("0123456789abcdeff"), &back));
	assert_false(id_parse(SPAN_LIT("0123456789ABCDEF"), &back));
	assert_false(id_parse(SPAN_LIT("0123456789abcdel"), &back));
	assert_true(id_eq(&id, &back));
	assert_true(id_parse_public(SPAN_LIT("anna.b~0123456789abcdef"), &account, &back));
	assert_true(span_eq(account, SPAN_LIT("anna.b")));
	assert_false(id_parse_public(SPAN_LIT("~0123456789abcdef"), &account, &back));
	assert_false(id_parse_public(SPAN_LIT("a/b~0123456789abcdef"), &account, &back));
	assert_false(id_parse_public(SPAN_LIT("a~b~0123456789abcdef"), &account, &back));
	assert_false(id_parse_public(SPAN_LIT("0123456789abcdef"), &account, &back));
}

static void client_ids(void **state)
{
	char long_id[66];

	(void)state;
	memset(long_id, 'a', sizeof(long_id));
	assert_true(id_is_client(span_make(long_id, 64)));
	assert_false(id_is_client(span_make(long_id, 65)));
	assert_true(id_is_client(SPAN_LIT("Az09_.-")));
	assert_false(id_is_client(SPAN_LIT("")));
	assert_false(id_is_client(SPAN_LIT("a b")));
	assert_false(id_is_client(SPAN_LIT("a:b")));
	assert_false(id_is_client(SPAN_LIT("a{b")));
	assert_false(id_is_client(span_make("a\0b", 3)));
}

static void randomness(void **state)
{
	uint8_t a[32], b[32];

	(void)state;
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	random_bytes(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codings_turn_around), cmocka_unit_test(known_texts),
		cmocka_unit_test(foreign_texts),       cmocka_unit_test(ids),
		cmocka_unit_test(client_ids),	       cmocka_unit_test(randomness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
