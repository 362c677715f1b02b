/* A webhook's signature is the one that Standard Webhooks describes, one for each live secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/webhook_sign.h"

static const char BODY[] = "{\"type\":\"thread.linked\"}";

static void sign(const struct secret_key *secrets, size_t count, struct buf *out)
{
	webhook_sign(secrets, count, SPAN_LIT("evt1"), 1790000000, span_cstr(BODY), out);
}

/* The values were computed by Python's hmac with the bytes 00 01 … 1f and 01 02 … 20. */
static void test_known_values(void **state)
{
	struct secret_key secrets[2];
	struct buf out;

	(void)state;
	for (size_t i = 0; i < SECRET_KEY_BYTES; i++) {
		secrets[0].b[i] = (uint8_t)i;
		secrets[1].b[i] = (uint8_t)(i + 1);
	}
	buf_init(&out, 256);
	webhook_secret_format(&secrets[0], &out);
	assert_string_equal(buf_cstr(&out), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
	assert_int_equal(out.n, WEBHOOK_SECRET_CHARS);
	buf_clear(&out);
	sign(secrets, 1, &out);
	assert_string_equal(buf_cstr(&out), "v1,WC/b1+B6Q9zZiNHW6gS0ITcERoNRpFIhrefv7IatlWg=");
	assert_int_equal(out.n, WEBHOOK_SIGNATURE_CHARS);
	buf_clear(&out);
	sign(secrets, 2, &out);
	assert_string_equal(buf_cstr(&out), "v1,WC/b1+B6Q9zZiNHW6gS0ITcERoNRpFIhrefv7IatlWg= "
					    "v1,E60SwPcKQlX37Aln9irAuh3q+w2VfRcPRvUrRCfc6+I=");
	buf_fini(&out);
}

static void test_fresh_secrets_differ(void **state)
{
	struct secret_key a, b;

	(void)state;
	webhook_secret_make(&a);
	webhook_secret_make(&b);
	assert_memory_not_equal(a.b, b.b, sizeof(a.b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_fresh_secrets_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
