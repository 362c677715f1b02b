/* Bodies are checked against their fields: what is wrong is named by code and path; hostile JSON is refused in bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "gateway/json.h"

static const char *const COLOURS[] = {"red", "blue", NULL};
static const struct json_field NAME[] = {{.name = "", .type = FIELD_LINE, .max = 5}};
static const struct json_field INNER[] = {
	{.name = "port", .type = FIELD_INT, .min = 1, .max = 65535},
	{.name = "need", .type = FIELD_BOOL, .flags = FIELD_REQUIRED},
	{.name = NULL},
};
static const struct json_field FIELDS[] = {
	{.name = "id", .type = FIELD_ID, .flags = FIELD_REQUIRED},
	{.name = "text", .type = FIELD_TEXT, .min = 1, .max = 8},
	{.name = "line", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "any", .type = FIELD_INT},
	{.name = "colour", .type = FIELD_ENUM, .values = COLOURS},
	{.name = "at", .type = FIELD_TIME},
	{.name = "mail", .type = FIELD_ADDRESS},
	{.name = "names", .type = FIELD_LIST, .max = 2, .fields = NAME},
	{.name = "inner", .type = FIELD_OBJECT, .fields = INNER},
	{.name = "free", .type = FIELD_FREE, .max = 20},
	{.name = "either", .type = FIELD_ENUM_OR_OBJECT, .values = COLOURS, .fields = INNER},
	{.name = "some", .type = FIELD_ENUM_OR_LIST, .max = 2, .values = COLOURS, .fields = NAME},
	{.name = NULL},
};

static const struct {
	const char *json, *code, *path; /* code NULL: fits */
} CASES[] = {
	{"{\"id\":\"a\"}", NULL, NULL},
	{"{}", "missing_field", "id"},
	{"[]", "invalid_field", ""},
	{"\"x\"", "invalid_field", ""},
	{"{\"id\":\"a b\"}", "invalid_field", "id"},
	{"{\"id\":\"a\",\"x\":1}", "unknown_field", "x"},
	{"{\"id\":\"a\",\"text\":\"\"}", "invalid_field", "text"},
	{"{\"id\":\"a\",\"text\":\"123456789\"}", "invalid_field", "text"},
	{"{\"id\":\"a\",\"text\":\"a\\nb\"}", NULL, NULL},
	{"{\"id\":\"a\",\"text\":null}", "invalid_field", "text"},
	{"{\"id\":\"a\",\"line\":null}", NULL, NULL},
	{"{\"id\":\"a\",\"line\":\"a\\nb\"}", "invalid_field", "line"},
	{"{\"id\":\"a\",\"line\":\"a\\u007f\"}", "invalid_field", "line"},
	{"{\"id\":\"a\",\"any\":-5}", NULL, NULL},
	{"{\"id\":\"a\",\"any\":1.5}", "invalid_field", "any"},
	{"{\"id\":\"a\",\"colour\":\"blue\"}", NULL, NULL},
	{"{\"id\":\"a\",\"colour\":\"green\"}", "invalid_field", "colour"},
	{"{\"id\":\"a\",\"at\":\"2026-01-01T00:00:00+02:00\"}", NULL, NULL},
	{"{\"id\":\"a\",\"at\":\"2026-13-01T00:00:00Z\"}", "invalid_field", "at"},
	{"{\"id\":\"a\",\"mail\":\"x@y.example\"}", NULL, NULL},
	{"{\"id\":\"a\",\"mail\":\"x\"}", "invalid_field", "mail"},
	{"{\"id\":\"a\",\"names\":[\"a\",\"toolong\"]}", "invalid_field", "names[1]"},
	{"{\"id\":\"a\",\"names\":[\"a\",\"b\",\"c\"]}", "invalid_field", "names"},
	{"{\"id\":\"a\",\"names\":{}}", "invalid_field", "names"},
	{"{\"id\":\"a\",\"inner\":{\"need\":true,\"port\":0}}", "invalid_field", "inner.port"},
	{"{\"id\":\"a\",\"inner\":{\"port\":1}}", "missing_field", "inner.need"},
	{"{\"id\":\"a\",\"inner\":{\"need\":true,\"y\":1}}", "unknown_field", "inner.y"},
	{"{\"id\":\"a\",\"free\":{\"a\":[1,{}]}}", NULL, NULL},
	{"{\"id\":\"a\",\"free\":{\"a\":\"0123456789012345\"}}", "invalid_field", "free"},
	{"{\"id\":\"a\",\"either\":\"red\"}", NULL, NULL},
	{"{\"id\":\"a\",\"either\":{\"need\":false}}", NULL, NULL},
	{"{\"id\":\"a\",\"either\":3}", "invalid_field", "either"},
	{"{\"id\":\"a\",\"some\":[\"a\"]}", NULL, NULL},
	{"{\"id\":\"a\",\"some\":\"x\"}", "invalid_field", "some"},
};

static void fields_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		char error[160];
		struct json_fault fault;
		json_t *value = json_loads(CASES[i].json, JSON_DECODE_ANY, NULL);
		bool ok = json_check(value, FIELDS, false, &fault);

		(void)error;
		assert_int_equal(ok, CASES[i].code == NULL);
		if (!ok) {
			assert_string_equal(fault.code, CASES[i].code);
			assert_string_equal(fault.path, CASES[i].path);
			assert_true(fault.text[0] != 0);
		}
		json_decref(value);
	}
}

static void partial_lets_required_fields_be_missing(void **state)
{
	struct json_fault fault;
	json_t *value = json_loads("{\"inner\":{}}", 0, NULL);

	(void)state;
	assert_true(json_check(value, FIELDS, true, &fault));
	assert_false(json_check(value, FIELDS, false, &fault));
	json_decref(value);
}

static void hostile_text_is_refused(void **state)
{
	static const char *const BAD[] = {"",
					  "{",
					  "{\"a\":1,\"a\":2}",
					  "{\"a\":\"\\u0000\"}",
					  "{} x",
					  "{\"a\":\"\xff\"}",
					  "nul",
					  "{\"a\":\"\xed\xa0\x80\"}"};
	char error[160], deep[5000];
	json_t *value;

	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		assert_null(json_parse(span_cstr(BAD[i]), error));
		assert_true(error[0] != 0);
	}
	memset(deep, '[', sizeof(deep));
	assert_null(json_parse(span_make(deep, sizeof(deep)), error));
	memset(deep, '[', JSON_DEPTH_MAX);
	memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	value = json_parse(span_make(deep, (size_t)2 * JSON_DEPTH_MAX), error);
	assert_non_null(value);
	json_decref(value);
	value = json_parse(span_cstr("[\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[\"]"), error);
	assert_non_null(value);
	json_decref(value);
}

static void stored_bytes_become_text(void **state)
{
	static const struct {
		const char *bytes, *text;
	} TEXTS[] = {{"plain", "plain"},
		     {"\xc3\xbc", "\xc3\xbc"},
		     {"a\xff"
		      "b",
		      "a\xef\xbf\xbd"
		      "b"},
		     {"\xf0\x9f\x98", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		     {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
		     {"", ""}};

	(void)state;
	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
		json_t *value = json_from_span(span_cstr(TEXTS[i].bytes));

		assert_string_equal(json_string_value(value), TEXTS[i].text);
		json_decref(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_checked),
		cmocka_unit_test(partial_lets_required_fields_be_missing),
		cmocka_unit_test(hostile_text_is_refused),
		cmocka_unit_test(stored_bytes_become_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
